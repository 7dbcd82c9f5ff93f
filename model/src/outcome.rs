//! How a transaction ends (§3.12), and why.

use crate::address::{Ipa, Pa};
use crate::attributes::Attributes;
use crate::ids::Stag;
use crate::rule::Rule;

/// The answer to a client transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The access goes on to memory.
    Done(Translation),
    /// The client gets an abort.
    Abort(Rule),
    /// The client gets success; a read returns zero, a write is ignored (§5.5, CD.A == 0).
    RazWi(Rule),
    /// The client gets no answer yet: the SMMU holds the transaction, and says how it ends with
    /// [`Event::StallEnded`](crate::trace::Event::StallEnded) (§3.12.2).
    Stalled {
        /// Names it among all that this SMMU holds.
        stag: Stag,
        /// The fault.
        rule: Rule,
    },
}

/// The output of a translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// Where the access goes.
    pub pa: Pa,
    /// log2 of the bytes around the address for which the translation holds: the smaller of the two stages'
    /// pages or blocks; at most 52.
    pub size_log2: u8,
    /// The attributes of the access.
    pub attributes: Attributes,
}

/// Which stage a fault belongs to (the S2 field of records).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// Stage 1.
    One,
    /// Stage 2.
    Two,
}

/// What stage 2 was translating when it faulted (the CLASS field, §7.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// The address of a CD or level 1 context descriptor.
    Cd,
    /// The address of a stage 1 translation table descriptor, for reading or for updating it.
    TableWalk(crate::transaction::Direction),
    /// The transaction's own address, as stage 1 put it out.
    Input,
}

/// Where a fault was met: what its record says beside the rule (§7.3.12–16).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// In configuration, or before: the record has no addresses.
    Configuration,
    /// Fetching a configuration structure at this address.
    Structure(Pa),
    /// In stage 1, about the input address.
    Stage1,
    /// In stage 1, accessing a descriptor at this address.
    Stage1Descriptor(Pa),
    /// In stage 2, about an IPA.
    Stage2 {
        /// What the IPA is.
        class: Class,
        /// The IPA.
        ipa: Ipa,
    },
    /// In stage 2, accessing a descriptor.
    Stage2Descriptor {
        /// What the IPA is that stage 2 was translating.
        class: Class,
        /// The IPA.
        ipa: Ipa,
        /// The address of the stage 2 descriptor.
        descriptor: Pa,
    },
}

/// The first check that failed; nothing later was looked at (§7.3.22).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// Which check.
    pub rule: Rule,
    /// Where.
    pub site: Site,
}

impl Stop {
    /// A failed check of configuration.
    pub(crate) const fn configuration(rule: Rule) -> Self {
        Self { rule, site: Site::Configuration }
    }
}
