//! Memory attributes (§13.1.1): type, shareability and allocation hints, and how they change on their way.
//!
//! One file per step of the flow (§13.4). What comes from a descriptor is decoded once, when the table is
//! walked, because that is where the architecture leaves open what a reserved encoding means; it is then
//! applied to the attributes of each access, a walk or a remembered translation alike.

pub(crate) mod combine;
mod display;
pub(crate) mod mair;
pub(crate) mod output;
pub(crate) mod overrides;
pub(crate) mod stage1;
pub(crate) mod stage2;

#[cfg(test)]
mod testing;

/// The attributes of an access, as a device presents them or as the SMMU puts them out (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Attributes {
    /// Memory type, with the allocation hints of its cacheable levels.
    pub memory_type: MemoryType,
    /// Shareability; every Device type and Normal-iNC-oNC are Outer Shareable on output (§13.1.7).
    pub shareability: Shareability,
}

/// Memory type (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MemoryType {
    /// A Device type.
    Device(Device),
    /// Normal memory.
    Normal {
        /// Inner cacheability.
        inner: Cacheability,
        /// Outer cacheability.
        outer: Cacheability,
    },
}

/// Device types, the weakest first (§13.1.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Device {
    /// Device-GRE.
    Gre,
    /// Device-nGRE.
    NGre,
    /// Device-nGnRE.
    NGnRe,
    /// Device-nGnRnE.
    NGnRnE,
}

/// Cacheability of one level of Normal memory; only cacheable levels carry hints (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Cacheability {
    /// Non-cacheable.
    NonCacheable,
    /// Write-Through.
    WriteThrough(Hints),
    /// Write-Back.
    WriteBack(Hints),
}

/// Allocation hints of a cacheable level (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hints {
    /// RA: allocate on a read.
    pub read_allocate: bool,
    /// WA: allocate on a write.
    pub write_allocate: bool,
    /// TR: the data is short-lived.
    pub transient: bool,
}

/// Shareability, the weakest first (§13.1.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Shareability {
    /// NSH.
    NonShareable,
    /// ISH.
    InnerShareable,
    /// OSH.
    OuterShareable,
}

impl Hints {
    /// RA, WA, not transient: what a level without hints of its own counts as (§13.1.3).
    pub const ALLOCATE: Self = Self { read_allocate: true, write_allocate: true, transient: false };
}

impl MemoryType {
    /// Non-cacheable at both levels.
    pub const NON_CACHEABLE: Self =
        Self::Normal { inner: Cacheability::NonCacheable, outer: Cacheability::NonCacheable };
    /// Write-Back at both levels, with the hints of a type that has none of its own (§13.1.3).
    pub const WRITE_BACK: Self = Self::Normal {
        inner: Cacheability::WriteBack(Hints::ALLOCATE),
        outer: Cacheability::WriteBack(Hints::ALLOCATE),
    };

    /// The same with [`Hints::ALLOCATE`] at each cacheable level.
    pub(crate) const fn allocating(self) -> Self {
        const fn level(level: Cacheability) -> Cacheability {
            match level {
                Cacheability::NonCacheable => level,
                Cacheability::WriteThrough(_) => Cacheability::WriteThrough(Hints::ALLOCATE),
                Cacheability::WriteBack(_) => Cacheability::WriteBack(Hints::ALLOCATE),
            }
        }
        match self {
            Self::Device(_) => self,
            Self::Normal { inner, outer } => Self::Normal { inner: level(inner), outer: level(outer) },
        }
    }

    /// Whether this is [`MemoryType::WRITE_BACK`], the weakest type: it changes nothing it is combined with.
    #[inline(always)]
    pub(crate) const fn is_weakest(self) -> bool {
        const fn level(level: Cacheability) -> bool {
            matches!(
                level,
                Cacheability::WriteBack(Hints {
                    read_allocate: true,
                    write_allocate: true,
                    transient: false
                })
            )
        }
        matches!(self, Self::Normal { inner, outer } if level(inner) && level(outer))
    }

    /// Whether some level is Write-Through or Write-Back. The other types, every Device type and
    /// Normal-iNC-oNC, have no hints and count as Outer Shareable (§13.1.1).
    #[inline]
    pub const fn is_cacheable(self) -> bool {
        match self {
            Self::Device(_) => false,
            Self::Normal { inner, outer } => {
                !matches!((inner, outer), (Cacheability::NonCacheable, Cacheability::NonCacheable))
            }
        }
    }
}

impl Shareability {
    /// The field of a CD, of an STE or of CR1: 00 NSH, 01 acts as 00, 10 OSH, 11 ISH (§5.2, §5.4, §6.3.11).
    /// Only the low two bits of `field` count.
    ///
    /// SH of a descriptor has the same encoding, except that its 01 is a question.
    #[inline]
    pub(crate) const fn from_field(field: u8) -> Self {
        match field & 0b11 {
            0b10 => Self::OuterShareable,
            0b11 => Self::InnerShareable,
            _ => Self::NonShareable,
        }
    }
}

impl Attributes {
    /// What a client that presents no attributes counts as: Normal-iWB-oWB, Non-shareable (§13.1.3).
    pub const INCOMING_DEFAULT: Self =
        Self { memory_type: MemoryType::WRITE_BACK, shareability: Shareability::NonShareable };
    /// `memory_type` with `shareability`, or with Outer Shareable if the type is not cacheable (§13.1.1).
    #[inline]
    pub const fn new(memory_type: MemoryType, shareability: Shareability) -> Self {
        Self { memory_type, shareability }.with_implied_shareability()
    }

    /// The same, Outer Shareable if the type is not cacheable (§13.1.1).
    #[inline(always)]
    const fn with_implied_shareability(mut self) -> Self {
        if !self.memory_type.is_cacheable() {
            self.shareability = Shareability::OuterShareable;
        }
        self
    }
}
