//! Commands of a guest as HWPT_INVALIDATE takes them. The kernel counts commands that it has not issued when one is
//! wrong, so each is made right, or refused, before it is passed on.

use std::fmt;

use smmu_model::layout::command::{AtcInvWord1, Command, Opcode, StreamWord, TlbiWord0, TlbiWord1};
use smmu_model::layout::idr::{Idr0, Idr1, Idr3, Idr5};

use crate::iommufd::uapi::iommu_hw_info_arm_smmuv3;

/// What the hardware has that matters to commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hardware {
    ats: bool,
    asid16: bool,
    substreams: bool,
    ril: bool,
    ds: bool,
    /// An erratum: what invalidates must be issued twice.
    pub(super) repeats: bool,
}

/// `IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI`.
const ERRATA_REPEAT_TLBI_CFGI: u32 = 1 << 0;

/// Why a command that the guest's SMMU has cannot be carried out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unable {
    /// The kernel takes no such command.
    NotTaken,
    /// The hardware has no 16-bit ASIDs.
    Asid,
    /// The hardware has no substreams.
    Substream,
    /// The hardware has no range invalidation.
    Range,
    /// The hardware has no ATS.
    Ats,
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTaken => "the kernel takes no such command",
            Self::Asid => "the hardware has no ASID of 16 bits",
            Self::Substream => "the hardware has no substreams",
            Self::Range => "the hardware has no range invalidation",
            Self::Ats => "the hardware has no ATS",
        })
    }
}

impl Hardware {
    /// ATS is not among what a monitor may read of the hardware: it is there if the guest was shown it.
    pub(super) fn new(info: &iommu_hw_info_arm_smmuv3, ats: bool) -> Self {
        let [idr0, idr1, _, idr3, _, idr5] = info.idr;
        let idr0 = Idr0::from_bits(idr0);
        Self {
            ats,
            asid16: idr0.asid16(),
            substreams: Idr1::from_bits(idr1).ssidsize() != 0,
            ril: Idr3::from_bits(idr3).ril(),
            ds: Idr5::from_bits(idr5).ds(),
            repeats: info.flags & ERRATA_REPEAT_TLBI_CFGI != 0,
        }
    }

    /// A legal TLBI, CFGI_CD or ATC_INV without the bits that mean nothing in it: the kernel wants them zero. `ranges`
    /// says whether the guest's SMMU has range invalidation.
    pub(super) fn convert(&self, command: Command, opcode: Opcode, ranges: bool) -> Result<[u64; 2], Unable> {
        let stream = command.stream();
        let code = opcode.code();
        match opcode {
            Opcode::TlbiNsnhAll | Opcode::TlbiNhAll => Ok([u64::from(code), 0]),
            Opcode::TlbiNhAsid => Ok([self.tagged(command)?.into_bits(), 0]),
            Opcode::TlbiNhVa => self.by_address(command, self.tagged(command)?, ranges),
            Opcode::TlbiNhVaa => self.by_address(command, TlbiWord0::new().with_opcode(code), ranges),
            Opcode::CfgiCd => {
                let word0 = self.of_stream(command, stream.substream_id())?;
                Ok([word0.into_bits(), u64::from(command.cfgi1().leaf())])
            }
            Opcode::CfgiCdAll => Ok([self.of_stream(command, 0)?.into_bits(), 0]),
            Opcode::AtcInv if !self.ats => Err(Unable::Ats),
            Opcode::AtcInv => {
                let substream = if stream.ssv() { stream.substream_id() } else { 0 };
                let word0 = self.of_stream(command, substream)?;
                let word0 = word0.with_ssv(stream.ssv()).with_global(stream.ssv() && stream.global());
                let word0 = if self.substreams { word0 } else { word0.with_ssv(false) };
                let word1 = command.0[1] & !LOW_BITS
                    | AtcInvWord1::new().with_size(command.atc_inv1().size()).into_bits();
                Ok([word0.into_bits(), word1])
            }
            Opcode::PrefetchConfig
            | Opcode::PrefetchAddr
            | Opcode::CfgiSte
            | Opcode::CfgiSteRange
            | Opcode::CfgiVmsPidm
            | Opcode::TlbiEl3All
            | Opcode::TlbiEl3Va
            | Opcode::TlbiEl2All
            | Opcode::TlbiEl2Asid
            | Opcode::TlbiEl2Va
            | Opcode::TlbiEl2Vaa
            | Opcode::TlbiS12Vmall
            | Opcode::TlbiS2Ipa
            | Opcode::PriResp
            | Opcode::Resume
            | Opcode::StallTerm
            | Opcode::Sync
            | Opcode::TlbiSEl2All
            | Opcode::TlbiSEl2Asid
            | Opcode::TlbiSEl2Va
            | Opcode::TlbiSEl2Vaa
            | Opcode::TlbiSS12Vmall
            | Opcode::TlbiSS2Ipa
            | Opcode::TlbiSnhAll
            | Opcode::DptiAll
            | Opcode::DptiPa => Err(Unable::NotTaken),
        }
    }

    /// Opcode and ASID; the VMID is the kernel's.
    fn tagged(&self, command: Command) -> Result<TlbiWord0, Unable> {
        let asid = command.tlbi0().asid();
        if !self.asid16 && asid > 0xff {
            return Err(Unable::Asid);
        }
        Ok(TlbiWord0::new().with_opcode(command.code()).with_asid(asid))
    }

    fn of_stream(&self, command: Command, substream: u32) -> Result<StreamWord, Unable> {
        if substream != 0 && !self.substreams {
            return Err(Unable::Substream);
        }
        let word = StreamWord::new().with_opcode(command.code()).with_stream_id(command.stream().stream_id());
        Ok(word.with_substream_id(substream))
    }

    /// The address and, if the guest's SMMU has ranges and the command is about one, its extent (§4.4.1.1).
    fn by_address(&self, command: Command, word0: TlbiWord0, ranges: bool) -> Result<[u64; 2], Unable> {
        let (given0, given1) = (command.tlbi0(), command.tlbi1());
        let address = given1.into_bits() & !LOW_BITS;
        let leaf = TlbiWord1::new().with_leaf(given1.leaf());
        if given1.tg() == 0 || !ranges {
            return Ok([word0.into_bits(), address | leaf.into_bits()]);
        }
        if !self.ril {
            return Err(Unable::Range);
        }
        // Without DS there is no level 1 leaf with 16 KiB granules: the encoding acts as no hint.
        let ttl = if given1.tg() == 2 && given1.ttl() == 1 && !self.ds { 0 } else { given1.ttl() };
        let scale = if self.ds { given0.scale() } else { given0.scale() & 0x1f };
        let word0 = word0.with_num(given0.num()).with_scale(scale);
        Ok([word0.into_bits(), address | leaf.with_tg(given1.tg()).with_ttl(ttl).into_bits()])
    }
}

/// Bits [11:0], below the address of word 1.
const LOW_BITS: u64 = 0xfff;

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: Hardware =
        Hardware { ats: false, asid16: false, substreams: false, ril: false, ds: false, repeats: false };
    const RICH: Hardware = Hardware { ats: true, asid16: true, substreams: true, ril: true, ..BARE };

    #[track_caller]
    fn check(hardware: Hardware, words: [u64; 2], expected: Result<[u64; 2], Unable>) {
        let command = Command(words);
        let opcode = command.opcode().expect("the architecture has it");
        assert_eq!(hardware.convert(command, opcode, true), expected, "{words:x?}");
    }

    /// The words are put together by hand from IHI 0070 §4.3–§4.5, with stray bits that have no meaning.
    #[test]
    fn only_bits_with_a_meaning_are_passed_on() {
        check(RICH, [0xffff_ffff_ffff_ff30, u64::MAX], Ok([0x30, 0]));
        check(RICH, [0x0000_0007_0000_0010, 0], Ok([0x10, 0]));
        check(RICH, [0x0102_0007_ffff_ff11, 5], Ok([0x0102_0000_0000_0011, 0]));
        check(RICH, [0x0102_0007_0000_0012, 0x1_20ff], Ok([0x0102_0000_0000_0012, 0x1_2001]));
        check(RICH, [0x0102_0007_0210_3012, 0x1_2501], Ok([0x0102_0000_0010_3012, 0x1_2501]));
        check(RICH, [0x0102_0007_0210_3013, 0x1_2401], Ok([0x0010_3013, 0x1_2401]));
        // TG 2 with TTL 1 is no hint without DS.
        check(RICH, [0x0102_0000_0010_3012, 0x1_2901], Ok([0x0102_0000_0010_3012, 0x1_2801]));
        check(RICH, [0x0000_0080_0000_3e05, 3], Ok([0x0000_0080_0000_3005, 1]));
        check(RICH, [0x0000_0080_0000_3006, 1], Ok([0x0000_0080_0000_0006, 0]));
        check(RICH, [0x0000_0080_0000_3a40, 0x1_2fc1], Ok([0x0000_0080_0000_3a40, 0x1_2001]));
        check(RICH, [0x0000_0080_0000_3240, 0x34], Ok([0x0000_0080_0000_0040, 0x34]));
    }

    #[test]
    fn what_the_hardware_lacks_is_refused() {
        check(BARE, [0x0100_0000_0000_0011, 0], Err(Unable::Asid));
        check(BARE, [0x00ff_0000_0000_0011, 0], Ok([0x00ff_0000_0000_0011, 0]));
        check(BARE, [0x0001_0000_0000_0012, 0x1_2500], Err(Unable::Range));
        check(BARE, [0x0001_0000_0000_0012, 0x1_2300], Ok([0x0001_0000_0000_0012, 0x1_2000]));
        check(BARE, [0x0000_0080_0000_3005, 1], Err(Unable::Substream));
        check(BARE, [0x0000_0080_0000_0040, 0x34], Err(Unable::Ats));
        check(RICH, [0x20, 0], Err(Unable::NotTaken));
        check(RICH, [0x28, 0], Err(Unable::NotTaken));
    }
}
