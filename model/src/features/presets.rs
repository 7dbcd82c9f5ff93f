//! Configurations with a name: a rich one of our own, and stand-ins for known peers.

use super::id_registers::IdRegisters;
use crate::layout::idr::{Aidr, Idr0, Idr1, Idr3, Idr5};

/// A named configuration that [`Features::new`](super::Features::new) accepts (§6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Preset {
    /// Everything this model has.
    Max,
    /// What QEMU 11.1 shows.
    Qemu11_1,
    /// A server-class part.
    Grace,
}

impl Preset {
    /// Every preset.
    pub const ALL: &[Self] = &[Self::Max, Self::Qemu11_1, Self::Grace];

    /// The name people write: `qemu-11.1`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Qemu11_1 => "qemu-11.1",
            Self::Grace => "grace",
        }
    }

    /// The preset with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|preset| preset.name() == name)
    }

    /// One line for a list of presets.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Max => "SMMUv3.4 with every feature this model has",
            Self::Qemu11_1 => {
                "SMMUv3.1 as emulated by QEMU 11.1: both stages, no stalls, no substreams, no ATS"
            }
            Self::Grace => {
                "SMMUv3.2, a server-class part, not a copy of NVIDIA's silicon: ATS, PRI, PASID, HTTU"
            }
        }
    }

    /// The words of its ID registers (§6.3).
    pub const fn id_registers(self) -> IdRegisters {
        match self {
            Self::Max => MAX,
            Self::Qemu11_1 => QEMU_11_1,
            Self::Grace => GRACE,
        }
    }
}

/// PPS stays 0 so that STE.PPAR decides, and HTTU stays below 3. No WFE events.
const MAX: IdRegisters = {
    let idr0 = Idr0::new()
        .with_s2p(true)
        .with_s1p(true)
        .with_ttf(0b10)
        .with_cohacc(true)
        .with_btm(true)
        .with_httu(0b10)
        .with_hyp(true)
        .with_ats(true)
        .with_asid16(true)
        .with_msi(true)
        .with_atos(true)
        .with_vatos(true)
        .with_pri(true)
        .with_vmw(true)
        .with_vmid16(true)
        .with_cd2l(true)
        .with_atsrecerr(true)
        .with_st_level(0b01);
    let idr1 = Idr1::new()
        .with_sidsize(32)
        .with_ssidsize(20)
        .with_priqs(19)
        .with_eventqs(19)
        .with_cmdqs(19)
        .with_attr_perms_ovr(true)
        .with_attr_types_ovr(true);
    let idr3 = Idr3::new()
        .with_had(true)
        .with_pbha(true)
        .with_xnx(true)
        .with_fwb(true)
        .with_stt(true)
        .with_ril(true)
        .with_bbml(2)
        .with_e0pd(true)
        .with_ptwnnc(true)
        .with_pasidtt(true)
        .with_epan(true)
        .with_mteperm(true)
        .with_aie(true);
    let idr5 = Idr5::new()
        .with_oas(0b110)
        .with_gran4k(true)
        .with_gran16k(true)
        .with_gran64k(true)
        .with_ds(true)
        .with_vax(0b01)
        .with_stall_max(0xffff);
    words(idr0, idr1, idr3, idr5, 4)
};

/// Raw, because they come from a running machine. The RIL and BBML of v3.2 in a v3.1 part are legal (§2.9),
/// and a missing Hyp is, before v3.2 (§6.3.1).
const QEMU_11_1: IdRegisters =
    IdRegisters { idr: [0x0d44_101b, 0x0273_0010, 0, 0x1414, 0, 0x74, 0], iidr: 0, aidr: 1 };

/// v3.2: all that v3.2 demands, and nothing of v3.3. Terminated transactions always abort.
const GRACE: IdRegisters = {
    let idr0 = Idr0::new()
        .with_s2p(true)
        .with_s1p(true)
        .with_ttf(0b10)
        .with_cohacc(true)
        .with_btm(true)
        .with_httu(0b10)
        .with_hyp(true)
        .with_ats(true)
        .with_asid16(true)
        .with_msi(true)
        .with_pri(true)
        .with_vmw(true)
        .with_vmid16(true)
        .with_cd2l(true)
        .with_term_model(true)
        .with_st_level(0b01);
    let idr1 = Idr1::new()
        .with_sidsize(24)
        .with_ssidsize(20)
        .with_priqs(19)
        .with_eventqs(19)
        .with_cmdqs(19)
        .with_attr_perms_ovr(true)
        .with_attr_types_ovr(true);
    let idr3 =
        Idr3::new().with_had(true).with_xnx(true).with_fwb(true).with_stt(true).with_ril(true).with_bbml(2);
    let idr5 = Idr5::new()
        .with_oas(0b101)
        .with_gran4k(true)
        .with_gran16k(true)
        .with_gran64k(true)
        .with_stall_max(64);
    words(idr0, idr1, idr3, idr5, 2)
};

const fn words(idr0: Idr0, idr1: Idr1, idr3: Idr3, idr5: Idr5, arch_minor_rev: u8) -> IdRegisters {
    let aidr = Aidr::new().with_arch_minor_rev(arch_minor_rev).into_bits();
    let idr = [idr0.into_bits(), idr1.into_bits(), 0, idr3.into_bits(), 0, idr5.into_bits(), 0];
    IdRegisters { idr, iidr: 0, aidr }
}
