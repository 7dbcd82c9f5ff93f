//! CMD_TLBI_*: invalidation of cached translations (§4.4).

use super::range::within;
use crate::address::fits;
use crate::choice::answer::TlbiAddressRange;
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::ids::{Asid, Vmid};
use crate::layout::command::Command;
use crate::rule::Rule;

/// The largest SCALE; above, it counts as this one (§4.4.1.1).
const SCALE_MAX: u8 = 39;

/// Which translations software has changed, by the name of the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tlbi {
    /// NS-EL1 stage 1 of a VMID (§4.4.2.1).
    NhAll {
        /// The VMID.
        vmid: Vmid,
    },
    /// NS-EL1 stage 1 of a VMID and ASID, except global translations (§4.4.2.2).
    NhAsid {
        /// The VMID.
        vmid: Vmid,
        /// The ASID.
        asid: Asid,
    },
    /// NS-EL1 stage 1 of a VMID, any ASID, by VA (§4.4.2.3).
    NhVaa {
        /// The VAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
    },
    /// NS-EL1 stage 1 of a VMID, and of an ASID or global, by VA (§4.4.2.4).
    NhVa {
        /// The VAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
        /// The ASID.
        asid: Asid,
    },
    /// NS-EL2 and NS-EL2-E2H (§4.4.2.7).
    El2All,
    /// By VA: with CR2.E2H, NS-EL2-E2H of an ASID or global; without, NS-EL2 (§4.4.2.8).
    El2Va {
        /// The VAs.
        pages: Pages,
        /// The ASID.
        asid: Asid,
    },
    /// By VA: with CR2.E2H, NS-EL2-E2H of any ASID; without, NS-EL2 (§4.4.2.9).
    El2Vaa {
        /// The VAs.
        pages: Pages,
    },
    /// NS-EL2-E2H of an ASID, except global translations (§4.4.2.10).
    El2Asid {
        /// The ASID.
        asid: Asid,
    },
    /// Stage 2 of a VMID, by IPA (§4.4.3.1).
    S2Ipa {
        /// The IPAs.
        pages: Pages,
        /// The VMID.
        vmid: Vmid,
    },
    /// All stages of a VMID (§4.4.3.2).
    S12Vmall {
        /// The VMID.
        vmid: Vmid,
    },
    /// All Non-secure translations that are not of NS-EL2 or NS-EL2-E2H (§4.4.4.1).
    NsnhAll,
}

/// The addresses of an invalidation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pages {
    /// The first address, a multiple of 4 KiB.
    pub address: u64,
    /// Table descriptors need not go.
    pub leaf: bool,
    /// How far it reaches; without, to the translation of `address` alone, whatever its granule.
    pub range: Option<Range>,
}

/// The extent of a range invalidation, or the hint of one at a single granule (§4.4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// log2 of the bytes of the granule: 12, 14 or 16. Only its translations need go; those of any granule without.
    pub log2_granule_bytes: Option<u8>,
    /// How many bytes from the address; it does not wrap around the address space.
    pub bytes: u64,
    /// The level of the leaf, 1 to 3, if software says it. Only such leaves need go.
    pub level: Option<u8>,
    /// The level is one of 128-bit descriptors.
    pub is_128_bit: bool,
}

/// A TLBI command to be decoded. In each struct literal the pages come first: they can make the command
/// illegal, the identifiers only make it ignored.
pub(super) struct Fields<'a, E> {
    env: &'a mut E,
    f: &'a Features,
    command: Command,
}

impl<'a, E: Env> Fields<'a, E> {
    #[inline]
    pub(super) fn new(env: &'a mut E, f: &'a Features, command: Command) -> Self {
        Self { env, f, command }
    }

    #[inline]
    pub(super) fn nh_all(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::NhAll { vmid: self.stage1_vmid()? })
    }

    #[inline]
    pub(super) fn nh_asid(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::NhAsid { vmid: self.stage1_vmid()?, asid: self.asid()? })
    }

    #[inline]
    pub(super) fn nh_va(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::NhVa { pages: self.va()?, vmid: self.stage1_vmid()?, asid: self.asid()? })
    }

    #[inline]
    pub(super) fn nh_vaa(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::NhVaa { pages: self.va()?, vmid: self.stage1_vmid()? })
    }

    #[inline]
    pub(super) fn el2_asid(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::El2Asid { asid: self.asid()? })
    }

    #[inline]
    pub(super) fn el2_va(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::El2Va { pages: self.va()?, asid: self.asid()? })
    }

    #[inline]
    pub(super) fn el2_vaa(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::El2Vaa { pages: self.va()? })
    }

    #[inline]
    pub(super) fn s12_vmall(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::S12Vmall { vmid: self.vmid()? })
    }

    #[inline]
    pub(super) fn s2_ipa(mut self) -> Result<Tlbi, Rule> {
        Ok(Tlbi::S2Ipa { pages: self.ipa()?, vmid: self.vmid()? })
    }

    /// Without 16-bit ASIDs, one that does not fit names no translation (§4.4).
    #[inline]
    fn asid(&mut self) -> Result<Asid, Rule> {
        let bits = if self.f.asid16 { 16 } else { 8 };
        identifier(self.env, self.command.tlbi0().asid(), bits).map(Asid)
    }

    #[inline]
    fn vmid(&mut self) -> Result<Vmid, Rule> {
        let bits = if self.f.vmid16 { 16 } else { 8 };
        identifier(self.env, self.command.tlbi0().vmid(), bits).map(Vmid)
    }

    /// Without stage 2 there are no VMIDs but 0 (§4.4.2).
    #[inline]
    fn stage1_vmid(&mut self) -> Result<Vmid, Rule> {
        if self.f.s2p { self.vmid() } else { identifier(self.env, self.command.tlbi0().vmid(), 0).map(Vmid) }
    }

    /// The bits of a VA from VAS - 1 up are all equal; VAS is one more than a half has bits (§4.4.2, §3.4.1).
    #[inline]
    fn va(&mut self) -> Result<Pages, Rule> {
        let address = self.command.tlbi1().address();
        let pages = self.pages(address)?;
        let upper = address.cast_signed() >> (self.f.vax_bits);
        if !matches!(upper, 0 | -1) && address_is_checked(self.env) {
            return Err(Rule::CommandOutOfRange);
        }
        Ok(pages)
    }

    /// Bits outside [55:12] are taken as zero (§4.1.6), those from IAS up may not be set (§4.4.3.1).
    #[inline]
    fn ipa(&mut self) -> Result<Pages, Rule> {
        let address = self.command.tlbi1().address() & ipa_mask(self.f.revision);
        let pages = self.pages(address)?;
        if !fits(address, self.f.ias_bits) && address_is_checked(self.env) {
            return Err(Rule::CommandOutOfRange);
        }
        Ok(pages)
    }

    #[inline]
    fn pages(&self, address: u64) -> Result<Pages, Rule> {
        Ok(Pages { address, leaf: self.command.tlbi1().leaf(), range: self.range()? })
    }

    #[inline]
    fn range(&self) -> Result<Option<Range>, Rule> {
        let (word0, word1) = (self.command.tlbi0(), self.command.tlbi1());
        if word1.tg() == 0 || !self.f.ril {
            return Ok(None);
        }
        let log2_granule_bytes = 10 + 2 * word1.tg(); // 4, 16 or 64 KiB
        // Without DS there is no level 1 leaf with 16 KiB granules: the encoding acts as no hint (§4.4.1.1).
        let ttl = if log2_granule_bytes == 14 && word1.ttl() == 1 && !self.f.ds { 0 } else { word1.ttl() };
        let scale = if self.f.ds { word0.scale() } else { word0.scale() & 0x1f };
        if word0.num() == 0 && scale == 0 && ttl == 0 {
            return Err(Rule::CommandTlbiRangeReserved);
        }
        let granules = (u64::from(word0.num()) + 1) << scale.min(SCALE_MAX);
        Ok(Some(Range {
            log2_granule_bytes: Some(log2_granule_bytes),
            bytes: granules << log2_granule_bytes,
            level: (ttl != 0).then_some(ttl),
            is_128_bit: ttl != 0 && word1.ttl128() && self.f.revision >= Revision::V3_4,
        }))
    }
}

#[inline]
fn identifier(env: &mut impl Env, id: u16, bits: u8) -> Result<u16, Rule> {
    within(env, u32::from(id), bits).map(|id| u16::try_from(id).expect("no more bits than before"))
}

/// Addresses that no table can translate need not be refused (§4.4.2, §4.4.3.1).
#[cold]
fn address_is_checked(env: &mut impl Env) -> bool {
    env.ask(&[TlbiAddressRange::Accept, TlbiAddressRange::Check]) == TlbiAddressRange::Check
}

/// The bits of an IPA or PA in a command (§4.1.6).
pub(super) const fn ipa_mask(revision: Revision) -> u64 {
    match revision {
        Revision::V3_0 => 0x0000_ffff_ffff_ffff,
        Revision::V3_1 | Revision::V3_2 | Revision::V3_3 => 0x000f_ffff_ffff_ffff,
        Revision::V3_4 => 0x00ff_ffff_ffff_ffff,
    }
}
