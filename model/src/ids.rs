//! Identifiers that select configuration and tag translations (§3.2, §3.3.3).

use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    )*};
}

ids! {
    /// Picks the stream table entry of a transaction (§3.2).
    StreamId(u32);
    /// Picks the context descriptor among those of a stream; PCIe calls it PASID (§3.2).
    SubstreamId(u32);
    /// Address space identifier of a CD (§5.4), a tag of stage 1 translations.
    Asid(u16);
    /// Virtual machine identifier of an STE (§5.2), a tag of stage 2 translations.
    Vmid(u16);
    /// Names a stalled transaction among those of its stream (§3.12.2).
    Stag(u16);
}

/// Names one Enhanced Command queue by its Command queue control page and its place there (§3.5.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EcmdqId {
    /// The control page.
    pub page: u8,
    /// The queue in it.
    pub queue: u8,
}

/// Names one Command queue (§3.5, §3.5.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CommandQueue {
    /// The one that every SMMU has: CMDQ_BASE.
    Main,
    /// An Enhanced one: ECMDQ_BASE.
    Enhanced(EcmdqId),
}

impl fmt::Display for EcmdqId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page={} queue={}", self.page, self.queue)
    }
}

/// A Non-secure translation regime, as the tags of a TLB entry have it: StreamWorld and VMID (§3.17).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Regime {
    /// NS-EL1 of a VMID, which is 0 where there is no stage 2.
    NsEl1(Vmid),
    /// NS-EL2: no ASIDs.
    NsEl2,
    /// NS-EL2-E2H.
    NsEl2E2h,
}

/// What else tags a stage 1 translation (§3.17, §3.17.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AddressSpace {
    /// Nothing: the regime has no ASIDs.
    Only,
    /// The ASID, of a translation that is not global.
    Asid(Asid),
    /// The CD.ASET of a global translation: it serves all ASIDs with the same.
    Global {
        /// CD.ASET.
        aset: bool,
    },
}
