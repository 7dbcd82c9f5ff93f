//! Where the registers of the counter groups lie, and how each group is built (§10.5.1).
//!
//! Number, place and build of the groups are IMPLEMENTATION DEFINED. This SMMU has two, in the IMPLEMENTATION
//! DEFINED part of page 0, that differ in everything in which groups may differ and that both see all streams:
//! group 0 has narrow counters with a filter each and can capture; group 1 has wide counters with one filter, and
//! its counters lie in a page of their own.

use crate::trace::InterruptSource;

/// How many groups there are.
pub(crate) const GROUPS: u8 = 2;

/// The build of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Design {
    /// Where its page 0 begins, from the base of page 0 of the SMMU.
    page0: u64,
    /// Where its page 1 begins, if it has one: CFGR.RELOC_CTRS.
    page1: Option<u64>,
    pub(crate) counters: u8,
    pub(crate) counter_bits: u8,
    /// CFGR.SID_FILTER_TYPE: the filter of counter 0 is that of all.
    pub(crate) has_one_filter: bool,
    /// CFGR.CAPTURE.
    pub(crate) captures: bool,
    pub(super) interrupt: InterruptSource,
}

/// The build of each group.
const DESIGNS: [Design; 2] = [
    Design {
        page0: 0x1000,
        page1: None,
        counters: 4,
        counter_bits: 32,
        has_one_filter: false,
        captures: true,
        interrupt: InterruptSource::Pmcg0,
    },
    Design {
        page0: 0x2000,
        page1: Some(0x3000),
        counters: 8,
        counter_bits: 48,
        has_one_filter: true,
        captures: false,
        interrupt: InterruptSource::Pmcg1,
    },
];

/// The size of a page of a group.
const PAGE_BYTES: u64 = 0x1000;

/// The build of `group`, which is below [`GROUPS`].
pub(crate) fn design(group: u8) -> &'static Design {
    &DESIGNS[usize::from(group)]
}

impl Design {
    /// CFGR.RELOC_CTRS.
    pub(super) const fn is_relocated(&self) -> bool {
        self.page1.is_some()
    }

    /// The bits of a counter.
    pub(crate) const fn counter_mask(&self) -> u64 {
        u64::MAX >> (64 - self.counter_bits)
    }

    /// The bits of CNTEN, INTEN and OVS that have a counter.
    pub(crate) const fn counter_set(&self) -> u64 {
        (1 << self.counters) - 1
    }
}

/// How software may write a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    ReadOnly,
    Free,
    /// A one sets the bit.
    Set,
    /// A one clears the bit.
    Clear,
    /// A one in bit 0 captures; reads as zero.
    Capture,
    /// Writes start an Update (§10.5.2.19).
    Control,
    /// Writes store while IRQEN is 0.
    Guarded,
}

/// How many of a register there are, and how wide they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Word,
    Double,
    /// One word for each counter.
    Words,
    /// One value of a counter for each, a word or a double word apart.
    Values,
}

macro_rules! kinds {
    ($($name:ident = $text:literal $offset:literal $shape:ident $page:ident $section:literal $access:ident,)*) => {
        /// Which register of a group.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum PmcgKind { $(#[doc = concat!($text, " (", $section, ").")] $name,)* }

        impl PmcgKind {
            /// Every kind, ascending by offset.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The specification's name, without `SMMU_` and the index: `PMCG_EVCNTR`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The section that describes it.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// Where it, or the first of several, lies in its page.
            const fn start(self) -> u64 {
                match self { $(Self::$name => $offset,)* }
            }

            const fn shape(self) -> Shape {
                match self { $(Self::$name => Shape::$shape,)* }
            }

            /// Whether it moves to page 1 of a group that has one.
            const fn is_relocated(self) -> bool {
                match self { $(Self::$name => kinds!(@page $page),)* }
            }

            pub(super) const fn access(self) -> Access {
                match self { $(Self::$name => Access::$access,)* }
            }
        }
    };
    (@page Stays) => { false };
    (@page Moves) => { true };
}

// SCR, ROOTCR, GMPAM, MPAMIDR and S_MPAMIDR belong to a PMCG with Secure state, Realm state or MPAM.
kinds! {
    Evcntr = "PMCG_EVCNTR" 0x000 Values Moves "§10.5.2.1" Free,
    Evtyper = "PMCG_EVTYPER" 0x400 Words Stays "§10.5.2.2" Free,
    Svr = "PMCG_SVR" 0x600 Values Moves "§10.5.2.3" ReadOnly,
    Smr = "PMCG_SMR" 0xa00 Words Stays "§10.5.2.4" Free,
    Cntenset0 = "PMCG_CNTENSET0" 0xc00 Double Stays "§10.5.2.5" Set,
    Cntenclr0 = "PMCG_CNTENCLR0" 0xc20 Double Stays "§10.5.2.6" Clear,
    Intenset0 = "PMCG_INTENSET0" 0xc40 Double Stays "§10.5.2.7" Set,
    Intenclr0 = "PMCG_INTENCLR0" 0xc60 Double Stays "§10.5.2.8" Clear,
    Ovsclr0 = "PMCG_OVSCLR0" 0xc80 Double Moves "§10.5.2.9" Clear,
    Ovsset0 = "PMCG_OVSSET0" 0xcc0 Double Moves "§10.5.2.10" Set,
    Capr = "PMCG_CAPR" 0xd88 Word Moves "§10.5.2.11" Capture,
    Cfgr = "PMCG_CFGR" 0xe00 Word Stays "§10.5.2.13" ReadOnly,
    Cr = "PMCG_CR" 0xe04 Word Stays "§10.5.2.14" Free,
    Iidr = "PMCG_IIDR" 0xe08 Word Stays "§10.5.2.15" ReadOnly,
    Ceid0 = "PMCG_CEID0" 0xe20 Double Stays "§10.5.2.16" ReadOnly,
    Ceid1 = "PMCG_CEID1" 0xe28 Double Stays "§10.5.2.17" ReadOnly,
    IrqCtrl = "PMCG_IRQ_CTRL" 0xe50 Word Stays "§10.5.2.19" Control,
    IrqCtrlAck = "PMCG_IRQ_CTRLACK" 0xe54 Word Stays "§10.5.2.20" ReadOnly,
    IrqCfg0 = "PMCG_IRQ_CFG0" 0xe58 Double Stays "§10.5.2.21" Guarded,
    IrqCfg1 = "PMCG_IRQ_CFG1" 0xe60 Word Stays "§10.5.2.22" Guarded,
    IrqCfg2 = "PMCG_IRQ_CFG2" 0xe64 Word Stays "§10.5.2.23" Guarded,
    IrqStatus = "PMCG_IRQ_STATUS" 0xe68 Word Stays "§10.5.2.24" ReadOnly,
    Aidr = "PMCG_AIDR" 0xe70 Word Stays "§10.5.2.26" ReadOnly,
    Pmdevarch = "PMCG_PMDEVARCH" 0xfbc Word Stays "§10.5.2.29" ReadOnly,
    Pmdevtype = "PMCG_PMDEVTYPE" 0xfcc Word Stays "§10.5.2.29" ReadOnly,
    Cidr0 = "PMCG_CIDR0" 0xff0 Word Stays "§10.5.2.29" ReadOnly,
    Cidr1 = "PMCG_CIDR1" 0xff4 Word Stays "§10.5.2.29" ReadOnly,
    Cidr2 = "PMCG_CIDR2" 0xff8 Word Stays "§10.5.2.29" ReadOnly,
    Cidr3 = "PMCG_CIDR3" 0xffc Word Stays "§10.5.2.29" ReadOnly,
}

/// A register of a counter group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PmcgRegister {
    /// Of which group.
    pub group: u8,
    /// Which register.
    pub kind: PmcgKind,
    /// Of which counter; 0 where there is one for the group.
    pub counter: u8,
}

impl PmcgKind {
    /// Whether there is one for each counter.
    pub const fn is_of_counter(self) -> bool {
        match self.shape() {
            Shape::Words | Shape::Values => true,
            Shape::Word | Shape::Double => false,
        }
    }
}

impl PmcgRegister {
    /// Whether this SMMU has it; without, its place is RES0.
    pub fn exists(self) -> bool {
        let counters = |design: &Design| if self.kind.is_of_counter() { design.counters } else { 1 };
        self.group < GROUPS && self.counter < counters(design(self.group))
    }

    /// 4 or 8 bytes.
    pub fn size_bytes(self) -> u8 {
        match self.kind.shape() {
            Shape::Word | Shape::Words => 4,
            Shape::Double => 8,
            Shape::Values if design(self.group).counter_bits <= 32 => 4,
            Shape::Values => 8,
        }
    }

    /// Where it lies, in bytes from the base of page 0 of the SMMU.
    pub fn offset(self) -> u64 {
        let design = design(self.group);
        let page = design.page1.filter(|_| self.kind.is_relocated()).unwrap_or(design.page0);
        page + self.kind.start() + u64::from(self.counter) * u64::from(self.size_bytes())
    }

    /// The register that begins at `offset`.
    pub(crate) fn starting_at(offset: u64) -> Option<Self> {
        (0..GROUPS).find_map(|group| {
            let design = design(group);
            let in_page = |page: u64| offset.checked_sub(page).filter(|&within| within < PAGE_BYTES);
            let (within, in_page1) = match (in_page(design.page0), design.page1.and_then(in_page)) {
                (Some(within), _) => (within, false),
                (None, Some(within)) => (within, true),
                (None, None) => return None,
            };
            let lies_here = |kind: &&PmcgKind| (kind.is_relocated() && design.page1.is_some()) == in_page1;
            PmcgKind::ALL.iter().filter(lies_here).find_map(|&kind| {
                let first = Self { group, kind, counter: 0 };
                let from = within.checked_sub(kind.start())?;
                let size = u64::from(first.size_bytes());
                let register = Self { counter: u8::try_from(from / size).ok()?, ..first };
                (from % size == 0 && register.exists()).then_some(register)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_is_found_where_it_lies() {
        let mut offsets = std::collections::BTreeSet::new();
        for group in 0..GROUPS {
            for &kind in PmcgKind::ALL {
                for counter in 0..64 {
                    let register = PmcgRegister { group, kind, counter };
                    if register.exists() {
                        assert_eq!(PmcgRegister::starting_at(register.offset()), Some(register));
                        assert!(offsets.insert(register.offset()), "{register:?} lies where another does");
                    }
                }
            }
        }
        assert_eq!(offsets.range(..0x1000).count() + offsets.range(0x4000..).count(), 0);
    }

    #[test]
    fn counters_of_one_group_move_to_its_page_1() {
        let at = |group, kind, counter| PmcgRegister { group, kind, counter }.offset();
        assert_eq!(at(0, PmcgKind::Evcntr, 3), 0x100c);
        assert_eq!(at(0, PmcgKind::Svr, 1), 0x1604);
        assert_eq!(at(0, PmcgKind::Smr, 1), 0x1a04);
        assert_eq!(at(0, PmcgKind::Capr, 0), 0x1d88);
        assert_eq!(at(1, PmcgKind::Evcntr, 3), 0x3018);
        assert_eq!(at(1, PmcgKind::Evtyper, 3), 0x240c);
        assert_eq!(at(1, PmcgKind::Ovsset0, 0), 0x3cc0);
        assert_eq!(PmcgRegister::starting_at(0x2000), None, "RES0, as it has moved");
    }
}
