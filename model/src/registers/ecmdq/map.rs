//! Where the registers of Enhanced Command queues lie (§6.1, §6.2.5, §6.3.49–§6.3.51, §6.3.107–§6.3.109).
//!
//! Control pages follow each other in ascending order behind what lies below them: pages 0 and 1, and the
//! VATOS page where there is one. The place is IMPLEMENTATION DEFINED; CMDQ_CONTROL_PAGE_BASE tells it.

use crate::features::Features;
use crate::ids::EcmdqId;
use crate::layout::idr::Idr2;

/// The size of a control page, and of every other page of registers (§6.1).
const PAGE_BYTES: u64 = 0x1_0000;

/// Where optional pages may begin (§6.1).
const OPTIONAL_PAGES: u64 = 2 * PAGE_BYTES;

/// The page 0 registers that describe control page 0, and their distance to those of the next.
const DESCRIPTIONS: u64 = 0x4000;
const DESCRIPTION_BYTES: u64 = 32;

/// Which register of a control page or of a queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EcmdqKind {
    /// CMDQ_CONTROL_PAGE_BASE (§6.3.49).
    PageBase,
    /// CMDQ_CONTROL_PAGE_CFG (§6.3.50).
    PageCfg,
    /// CMDQ_CONTROL_PAGE_STATUS (§6.3.51).
    PageStatus,
    /// ECMDQ_BASE (§6.3.107).
    Base,
    /// ECMDQ_PROD (§6.3.108).
    Prod,
    /// ECMDQ_CONS (§6.3.109).
    Cons,
}

/// A register of Enhanced Command queues.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EcmdqRegister {
    /// Which register.
    pub kind: EcmdqKind,
    /// Of which queue; a register that describes a page has queue 0.
    pub id: EcmdqId,
}

impl EcmdqKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::PageBase, Self::PageCfg, Self::PageStatus, Self::Base, Self::Prod, Self::Cons];

    /// The specification's name, without `SMMU_` and the index.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PageBase => "CMDQ_CONTROL_PAGE_BASE",
            Self::PageCfg => "CMDQ_CONTROL_PAGE_CFG",
            Self::PageStatus => "CMDQ_CONTROL_PAGE_STATUS",
            Self::Base => "ECMDQ_BASE",
            Self::Prod => "ECMDQ_PROD",
            Self::Cons => "ECMDQ_CONS",
        }
    }

    /// The section that describes it.
    pub const fn section(self) -> &'static str {
        match self {
            Self::PageBase => "§6.3.49",
            Self::PageCfg => "§6.3.50",
            Self::PageStatus => "§6.3.51",
            Self::Base => "§6.3.107",
            Self::Prod => "§6.3.108",
            Self::Cons => "§6.3.109",
        }
    }

    /// 4 or 8 bytes.
    pub const fn size_bytes(self) -> u8 {
        match self {
            Self::PageBase | Self::Base => 8,
            Self::PageCfg | Self::PageStatus | Self::Prod | Self::Cons => 4,
        }
    }

    /// Whether it describes a page rather than a queue.
    pub const fn is_of_page(self) -> bool {
        match self {
            Self::PageBase | Self::PageCfg | Self::PageStatus => true,
            Self::Base | Self::Prod | Self::Cons => false,
        }
    }

    /// Where it lies among its fellows.
    const fn place(self) -> u64 {
        match self {
            Self::PageBase | Self::Base => 0,
            Self::PageCfg | Self::Prod => 8,
            Self::PageStatus | Self::Cons => 12,
        }
    }

    fn starting_at(place: u64, of_page: bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.place() == place && kind.is_of_page() == of_page)
    }
}

impl EcmdqRegister {
    /// Whether an implementation with these features has it; without, its place is RES0.
    pub fn exists(self, f: &Features) -> bool {
        let queues = if self.kind.is_of_page() { 1 } else { f.ecmdq_per_page };
        u16::from(self.id.page) < f.ecmdq_pages && u16::from(self.id.queue) < queues
    }

    /// Where it lies, in bytes from the base of page 0.
    pub fn offset(self, f: &Features) -> u64 {
        let page = u64::from(self.id.page);
        let start = if self.kind.is_of_page() {
            DESCRIPTIONS + page * DESCRIPTION_BYTES
        } else {
            first_page(f) + page * PAGE_BYTES + u64::from(self.id.queue) * stride(f)
        };
        start + self.kind.place()
    }

    /// The register that begins at `offset`.
    pub(crate) fn starting_at(f: &Features, offset: u64) -> Option<Self> {
        let of_page = offset < first_page(f);
        let from = offset.checked_sub(if of_page { DESCRIPTIONS } else { first_page(f) })?;
        let page_bytes = if of_page { DESCRIPTION_BYTES } else { PAGE_BYTES };
        let (page, within) = (from / page_bytes, from % page_bytes);
        let (queue, place) = if of_page { (0, within) } else { (within / stride(f), within % stride(f)) };
        let id = EcmdqId { page: u8::try_from(page).ok()?, queue: u8::try_from(queue).ok()? };
        let register = Self { kind: EcmdqKind::starting_at(place, of_page)?, id };
        register.exists(f).then_some(register)
    }
}

/// Where control page 0 begins.
pub(super) fn first_page(f: &Features) -> u64 {
    let vatos = Idr2::from_bits(f.ids.idr[2]).ba_vatos();
    if f.vatos { OPTIONAL_PAGES + (u64::from(vatos) + 1) * PAGE_BYTES } else { OPTIONAL_PAGES }
}

/// Where all pages of registers end.
pub(crate) fn end(f: &Features) -> u64 {
    first_page(f) + u64::from(f.ecmdq_pages) * PAGE_BYTES
}

/// The distance of two queues, which lie evenly in their page (§6.2.5). Without queues, a page.
fn stride(f: &Features) -> u64 {
    PAGE_BYTES / u64::from(f.ecmdq_per_page.max(1))
}
