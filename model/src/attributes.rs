//! Memory attributes (§13.1.1): type, shareability and allocation hints.

/// The attributes of an access, as a device presents them or as the SMMU puts them out (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Attributes {
    /// Memory type, with the allocation hints of its cacheable levels.
    pub memory_type: MemoryType,
    /// Shareability; every Device type and Normal-iNC-oNC are Outer Shareable on output (§13.1.7).
    pub shareability: Shareability,
}

/// Memory type (§13.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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

impl Attributes {
    /// What a client that presents no attributes counts as: Normal-iWB-oWB, Non-shareable (§13.1.3).
    pub const INCOMING_DEFAULT: Self = Self {
        memory_type: MemoryType::Normal {
            inner: Cacheability::WriteBack(Hints::ALLOCATE),
            outer: Cacheability::WriteBack(Hints::ALLOCATE),
        },
        shareability: Shareability::NonShareable,
    };
}
