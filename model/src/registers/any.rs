//! Every register of the SMMU by one name, on whichever page it lies (§6.1).

use std::fmt;

use super::ecmdq::{self, EcmdqKind, EcmdqRegister};
use super::map::{Half, Register};
use super::pmcg::{PmcgKind, PmcgRegister};
use crate::features::Features;
use crate::ids::EcmdqId;
use crate::naming;

/// A register on any page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AnyRegister {
    /// Pages 0 and 1.
    Main(Register),
    /// Enhanced Command queues: what page 0 says of their control pages, and the control pages.
    Ecmdq(EcmdqRegister),
    /// A Performance Monitor Counter Group.
    Pmcg(PmcgRegister),
}

impl From<Register> for AnyRegister {
    fn from(register: Register) -> Self {
        Self::Main(register)
    }
}

impl AnyRegister {
    /// Every name, in the order of [`from_name`](Self::from_name).
    pub fn names() -> impl Iterator<Item = &'static str> {
        let ecmdq = EcmdqKind::ALL.iter().map(|kind| kind.name());
        let pmcg = PmcgKind::ALL.iter().map(|kind| kind.name());
        Register::ALL.iter().map(|register| register.name()).chain(ecmdq).chain(pmcg)
    }

    /// The register with this name, spelled as people like (see [`naming`]); where there are several, the first:
    /// see [`with_index`](Self::with_index).
    pub fn from_name(name: &str) -> Option<Self> {
        let is_named = |known: &str| naming::same(known, name);
        let main = Register::ALL.iter().find(|register| is_named(register.name()));
        let ecmdq = EcmdqKind::ALL.iter().find(|kind| is_named(kind.name()));
        let pmcg = PmcgKind::ALL.iter().find(|kind| is_named(kind.name()));
        let id = EcmdqId { page: 0, queue: 0 };
        let main = main.map(|&register| Self::Main(register));
        let main = main.or_else(|| ecmdq.map(|&kind| Self::Ecmdq(EcmdqRegister { kind, id })));
        main.or_else(|| pmcg.map(|&kind| Self::Pmcg(PmcgRegister { group: 0, kind, counter: 0 })))
    }

    /// The names of what tells it from others with the same name.
    pub const INDEXES: &'static [&'static str] = &["page", "queue", "group", "counter"];

    /// Another of the same name: `page` and `queue` of an Enhanced Command queue, `group` and `counter` of a
    /// counter group. `None` if there is only one in this respect.
    pub fn with_index(self, index: &str, value: u8) -> Option<Self> {
        match (self, index) {
            (Self::Ecmdq(register), "page") => {
                let id = EcmdqId { page: value, ..register.id };
                Some(Self::Ecmdq(EcmdqRegister { id, ..register }))
            }
            (Self::Ecmdq(register), "queue") if !register.kind.is_of_page() => {
                let id = EcmdqId { queue: value, ..register.id };
                Some(Self::Ecmdq(EcmdqRegister { id, ..register }))
            }
            (Self::Pmcg(register), "group") => Some(Self::Pmcg(PmcgRegister { group: value, ..register })),
            (Self::Pmcg(register), "counter") if register.kind.is_of_counter() => {
                Some(Self::Pmcg(PmcgRegister { counter: value, ..register }))
            }
            (Self::Main(_) | Self::Ecmdq(_) | Self::Pmcg(_), _) => None,
        }
    }

    /// The specification's name, without `SMMU_` and any index.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main(register) => register.name(),
            Self::Ecmdq(register) => register.kind.name(),
            Self::Pmcg(register) => register.kind.name(),
        }
    }

    /// The section that describes it.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Main(register) => register.section(),
            Self::Ecmdq(register) => register.kind.section(),
            Self::Pmcg(register) => register.kind.section(),
        }
    }

    /// Whether an implementation with these features has it; without, its place is RES0.
    pub fn exists(self, f: &Features) -> bool {
        match self {
            Self::Main(register) => register.exists(f),
            Self::Ecmdq(register) => register.exists(f),
            Self::Pmcg(register) => register.exists(),
        }
    }

    /// 4 or 8 bytes. Of a register that exists, or of pages 0 and 1.
    pub fn size_bytes(self) -> u8 {
        match self {
            Self::Main(register) => register.size_bytes(),
            Self::Ecmdq(register) => register.kind.size_bytes(),
            Self::Pmcg(register) => register.size_bytes(),
        }
    }

    /// Where it lies, in bytes from the base of page 0. Of a register that exists, or of pages 0 and 1.
    pub fn offset(self, f: &Features) -> u64 {
        match self {
            Self::Main(register) => register.offset(),
            Self::Ecmdq(register) => register.offset(f),
            Self::Pmcg(register) => register.offset(),
        }
    }

    /// Where the last page of an SMMU with these features ends, in bytes from the base of page 0.
    pub fn pages_end(f: &Features) -> u64 {
        ecmdq::end(f)
    }

    /// The register that begins at `offset`.
    pub fn starting_at(f: &Features, offset: u64) -> Option<Self> {
        let main = Register::starting_at(offset).map(Self::Main);
        let main = main.or_else(|| EcmdqRegister::starting_at(f, offset).map(Self::Ecmdq));
        main.or_else(|| PmcgRegister::starting_at(offset).map(Self::Pmcg))
    }

    /// The register that covers the aligned 32-bit word at `offset`, and which of its words that is.
    pub(super) fn at(f: &Features, offset: u64) -> Option<(Self, Half)> {
        let low = Self::starting_at(f, offset).map(|register| (register, Half::Low));
        low.or_else(|| {
            let register = Self::starting_at(f, offset.checked_sub(4)?)?;
            (register.size_bytes() == 8).then_some((register, Half::High))
        })
    }
}

/// The name with what tells it from others: `ECMDQ_PROD page=0 queue=1`, as a scenario writes it.
impl fmt::Display for AnyRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        match *self {
            Self::Main(_) => Ok(()),
            Self::Ecmdq(EcmdqRegister { kind, id }) if kind.is_of_page() => write!(f, " page={}", id.page),
            Self::Ecmdq(EcmdqRegister { id, .. }) => write!(f, " {id}"),
            Self::Pmcg(PmcgRegister { group, kind, counter }) if kind.is_of_counter() => {
                write!(f, " group={group} counter={counter}")
            }
            Self::Pmcg(PmcgRegister { group, .. }) => write!(f, " group={group}"),
        }
    }
}
