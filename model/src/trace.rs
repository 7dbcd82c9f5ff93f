//! What happened, as typed values handed to a [`Sink`]. Only the front end makes text of them.

use crate::address::Pa;
use crate::ats::{InvalidateRequest, Invalidated, PrgResponse};
use crate::choice::Choice;
use crate::ids::{AddressSpace, CommandQueue, Regime, Stag, StreamId, Vmid};
use crate::layout::command::Opcode;
use crate::layout::event::EventRecord;
use crate::layout::pri::PriRecord;
use crate::layout::register::Gerror;
use crate::outcome::{Class, Outcome, Stage};
use crate::registers::AnyRegister;
use crate::rule::{CommandError, Rule};

/// A configuration structure in memory (chapter 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structure {
    /// Level 1 stream table descriptor, one word.
    L1StreamTable,
    /// Stream table entry.
    Ste,
    /// Level 1 context descriptor, one word.
    L1Cd,
    /// Context descriptor.
    Cd,
}

/// What a cache entry holds, and the tags by which it is found (§3.17, §16.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheEntry {
    /// A level 1 stream table descriptor.
    L1StreamTable {
        /// One of its streams.
        stream: StreamId,
    },
    /// An STE.
    Ste {
        /// Its stream.
        stream: StreamId,
    },
    /// A level 1 context descriptor.
    L1Cd {
        /// The stream through which it was found.
        stream: StreamId,
        /// The index of one of its CDs.
        index: u32,
    },
    /// A CD.
    Cd {
        /// The stream through which it was found.
        stream: StreamId,
        /// Its index in the CD table.
        index: u32,
    },
    /// A stage 1 Table descriptor.
    Stage1Table {
        /// StreamWorld and VMID.
        regime: Regime,
        /// The ASID.
        space: AddressSpace,
        /// The VA.
        va: u64,
        /// log2 of the bytes that it covers.
        size_log2: u8,
    },
    /// A stage 1 Block or Page: VA to IPA, or to PA without stage 2.
    Stage1 {
        /// StreamWorld and VMID.
        regime: Regime,
        /// The ASID, or that it is global.
        space: AddressSpace,
        /// The VA.
        va: u64,
        /// log2 of the bytes that it translates.
        size_log2: u8,
    },
    /// A Block or Page of both stages: VA to PA.
    Combined {
        /// StreamWorld and VMID.
        regime: Regime,
        /// The ASID, or that it is global.
        space: AddressSpace,
        /// The VA.
        va: u64,
        /// log2 of the bytes that it translates.
        size_log2: u8,
    },
    /// A stage 2 Table descriptor.
    Stage2Table {
        /// The VMID.
        vmid: Vmid,
        /// The IPA.
        ipa: u64,
        /// log2 of the bytes that it covers.
        size_log2: u8,
    },
    /// A stage 2 Block or Page: IPA to PA.
    Stage2 {
        /// The VMID.
        vmid: Vmid,
        /// The IPA.
        ipa: u64,
        /// log2 of the bytes that it translates.
        size_log2: u8,
    },
}

impl CacheEntry {
    /// The narrowest command that removes such an entry, a CMD_SYNC after it (§4.3, §4.4).
    pub const fn removed_by(self) -> Opcode {
        match self {
            Self::L1StreamTable { .. } | Self::Ste { .. } => Opcode::CfgiSte,
            Self::L1Cd { .. } | Self::Cd { .. } => Opcode::CfgiCd,
            Self::Stage1Table { regime, space, .. }
            | Self::Stage1 { regime, space, .. }
            | Self::Combined { regime, space, .. } => match (regime, space) {
                (Regime::NsEl1(_), AddressSpace::Global { .. }) => Opcode::TlbiNhVaa,
                (Regime::NsEl1(_), AddressSpace::Asid(_) | AddressSpace::Only) => Opcode::TlbiNhVa,
                (Regime::NsEl2 | Regime::NsEl2E2h, AddressSpace::Global { .. }) => Opcode::TlbiEl2Vaa,
                (Regime::NsEl2 | Regime::NsEl2E2h, AddressSpace::Asid(_) | AddressSpace::Only) => {
                    Opcode::TlbiEl2Va
                }
            },
            Self::Stage2Table { .. } | Self::Stage2 { .. } => Opcode::TlbiS2Ipa,
        }
    }
}

/// Where memory no longer agrees with a cache entry that is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The structure or descriptor at which the way through memory leaves the one that was cached; `None` if it is
    /// the configuration, not a table, that leads elsewhere.
    pub at: Option<Pa>,
    /// What memory holds there.
    pub now: Option<u64>,
}

/// What an interrupt is about (§3.18.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum InterruptSource {
    /// The event queue became non-empty.
    EventQueue,
    /// A CMD_SYNC completed with SIG_IRQ.
    CommandSync,
    /// A global error became active.
    GlobalError,
    /// The PRI queue became non-empty, or, with PRIQ_IRQ_CFG2.LO, the last request of a group came.
    PriQueue,
    /// A counter of counter group 0 overflowed (§10.2.1).
    Pmcg0,
    /// A counter of counter group 1 overflowed.
    Pmcg1,
}

impl InterruptSource {
    /// Every source.
    pub const ALL: &'static [Self] =
        &[Self::EventQueue, Self::CommandSync, Self::GlobalError, Self::PriQueue, Self::Pmcg0, Self::Pmcg1];

    /// The name in scenarios, traces and the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventQueue => "event-queue",
            Self::CommandSync => "command-sync",
            Self::GlobalError => "global-error",
            Self::PriQueue => "pri-queue",
            Self::Pmcg0 => "pmcg-0",
            Self::Pmcg1 => "pmcg-1",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Event {
    /// A rule fired.
    Rule(Rule),
    /// A question was answered: `answer` is the position in [`Choice::answers`].
    Choice {
        /// The question.
        choice: Choice,
        /// The answer given.
        answer: usize,
    },
    /// A configuration structure was read.
    Structure {
        /// Which kind.
        structure: Structure,
        /// Where.
        at: Pa,
        /// Its words; a one-word structure has the rest zero.
        words: [u64; 8],
    },
    /// A cache entry is used instead of memory.
    Cached {
        /// Which.
        entry: CacheEntry,
        /// When it was cached: see [`Smmu::at`](crate::Smmu::at).
        born: u32,
    },
    /// Memory no longer agrees with the cache entry that is used next: software has not invalidated it, or has, and
    /// has not waited for the invalidation to complete.
    Stale {
        /// Which.
        entry: CacheEntry,
        /// When it was cached: see [`Smmu::at`](crate::Smmu::at).
        born: u32,
        /// Where memory differs.
        difference: Difference,
        /// It has been invalidated, and goes when the invalidation completes: at a CMD_SYNC, or a DVM Sync.
        invalidated: bool,
    },
    /// A translation table descriptor was read.
    Descriptor {
        /// Whose table.
        stage: Stage,
        /// What stage 2 was translating; `None` at stage 1.
        class: Option<Class>,
        /// Level of the lookup, -1 to 3.
        level: i8,
        /// Where.
        at: Pa,
        /// The value, after the endianness of the table.
        raw: u64,
    },
    /// Hardware wrote a translation table descriptor (§3.13).
    DescriptorUpdate {
        /// Whose table.
        stage: Stage,
        /// Where.
        at: Pa,
        /// The new value.
        raw: u64,
    },
    /// A stage translated an address.
    Translated {
        /// Which stage.
        stage: Stage,
        /// What stage 2 was translating; `None` at stage 1.
        class: Option<Class>,
        /// The input address.
        input: u64,
        /// The output address.
        output: u64,
        /// log2 of the size of the page or block.
        size_log2: u8,
    },
    /// A command was read.
    Command {
        /// From which queue.
        queue: CommandQueue,
        /// Its index in the queue.
        index: u32,
        /// Its two words.
        words: [u64; 2],
    },
    /// A command stopped its queue.
    CommandError {
        /// Which queue.
        queue: CommandQueue,
        /// The reason.
        error: CommandError,
    },
    /// A stalled transaction is held no longer under this name, which may be given anew from now on, unless software
    /// has still to acknowledge its record (§3.12.2.2).
    StallEnded {
        /// Its name.
        stag: Stag,
        /// Its stream.
        stream: StreamId,
        /// How it ended; [`Outcome::Stalled`] if it was retried and stalls anew, under that name.
        outcome: Outcome,
    },
    /// An event record was written.
    Record {
        /// Its index in the queue.
        index: u32,
        /// The record.
        record: EventRecord,
    },
    /// Software wrote a register, with whatever effect the rules that follow leave it.
    RegisterWrite {
        /// The register.
        register: AnyRegister,
        /// The whole value: what was written, beside the half of a 64-bit register that was not.
        value: u64,
    },
    /// The SMMU completed an Update (§6.3.9, §6.3.14.1, §6.3.16, §3.5.6.2, §10.5.2.19), or counted (§10.3).
    RegisterUpdate {
        /// Where it shows: CR0ACK, for example, or the value of a counter.
        register: AnyRegister,
        /// The value that software reads from now on.
        value: u64,
    },
    /// Global errors became active (§7.5).
    GlobalError {
        /// Those that were not active before.
        activated: Gerror,
    },
    /// An event wakes processing elements from WFE (§4.7.3 SIG_SEV, §4.1.2).
    WakeUp,
    /// A wired interrupt was raised, or an MSI written.
    Interrupt {
        /// About what.
        source: InterruptSource,
        /// The MSI write (address, data), or `None` for the wire.
        msi: Option<(Pa, u32)>,
    },
    /// A device answered an ATS Invalidate Request, or did not in time (§4.5.1).
    Invalidated {
        /// What it was asked.
        request: InvalidateRequest,
        /// What came of it.
        end: Invalidated,
    },
    /// A record of the PRI queue was written.
    PageRequest {
        /// Its index in the queue.
        index: u32,
        /// The record.
        record: PriRecord,
    },
    /// A PRG Response was sent (§4.5.2, §8).
    PrgResponse(PrgResponse),
}

/// Where events go.
pub trait Sink {
    /// Whether anybody listens; when not, events are not even built.
    const LISTENS: bool = true;

    /// Takes one event.
    fn take(&mut self, event: Event);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence;

impl Sink for Silence {
    const LISTENS: bool = false;

    #[inline]
    fn take(&mut self, _event: Event) {}
}

impl Sink for Vec<Event> {
    fn take(&mut self, event: Event) {
        self.push(event);
    }
}
