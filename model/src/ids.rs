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
