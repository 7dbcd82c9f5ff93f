//! Which bits of each register an implementation stores; the others read as zero (§6.3).

use super::Register;
use crate::address::low_mask;
use crate::features::Features;
use crate::layout::atos::{AtosCtrl, AtosSid};
use crate::layout::register::{
    CmdqCons, Cr0, Cr1, Cr2, Gbpa, Gerror, IrqCfg2, IrqCtrl, OutputQueueIndex, StrtabBaseCfg,
};

/// WR or RD with the wrap flag of the largest possible queue: [19:0].
pub(super) const INDEX: u32 = 0xf_ffff;

/// The bits of a register that software can set, if it exists.
pub(super) fn implemented(f: &Features, register: Register) -> u64 {
    match register {
        Register::StrtabBase => base(f, 6),
        Register::CmdqBase | Register::EventqBase | Register::PriqBase => queue_base(f),
        Register::GerrorIrqCfg0 | Register::EventqIrqCfg0 | Register::PriqIrqCfg0 => address(f, 2),
        Register::Cr0 | Register::Cr0Ack => u64::from(cr0(f).into_bits()),
        Register::Cr1 => u64::from(CR1.into_bits()),
        Register::Cr2 => u64::from(cr2(f).into_bits()),
        Register::Gbpa => u64::from(GBPA.into_bits()),
        Register::IrqCtrl | Register::IrqCtrlAck => u64::from(irq_ctrl(f).into_bits()),
        Register::Gerror | Register::Gerrorn => u64::from(gerror(f).into_bits()),
        Register::GerrorIrqCfg1 | Register::EventqIrqCfg1 | Register::PriqIrqCfg1 => u64::from(u32::MAX),
        Register::GerrorIrqCfg2 | Register::EventqIrqCfg2 => u64::from(IRQ_CFG2.into_bits()),
        Register::PriqIrqCfg2 => u64::from(IRQ_CFG2.with_lo(true).into_bits()),
        Register::StrtabBaseCfg => u64::from(strtab_base_cfg(f).into_bits()),
        Register::CmdqProd => u64::from(INDEX),
        Register::CmdqCons => u64::from(CmdqCons::new().with_rd(INDEX).with_err(0x7f).into_bits()),
        Register::EventqProd | Register::EventqCons | Register::PriqProd | Register::PriqCons => {
            u64::from(OutputQueueIndex::new().with_index(INDEX).with_overflow(true).into_bits())
        }
        Register::GatosCtrl | Register::VatosCtrl => u64::from(AtosCtrl::new().with_run(true).into_bits()),
        Register::GatosSid | Register::VatosSid => atos_sid(f).into_bits(),
        Register::GatosAddr | Register::VatosAddr => ATOS_ADDR,
        Register::GatosPar | Register::VatosPar => ATOS_PAR,
        Register::VatosSel => {
            if f.vmid16 {
                0xffff
            } else {
                0xff
            }
        }
        Register::Idr0
        | Register::Idr1
        | Register::Idr2
        | Register::Idr3
        | Register::Idr4
        | Register::Idr5
        | Register::Idr6
        | Register::Iidr
        | Register::Aidr => u64::from(u32::MAX),
        Register::Statusr
        | Register::S2pii
        | Register::Agbpa
        | Register::Mpamidr
        | Register::Gmpam
        | Register::Gbpmpam
        | Register::DptBase
        | Register::DptBaseCfg
        | Register::DptCfgFar => 0,
    }
}

/// The registers that hold a physical address.
const ADDRESSES: [Register; 7] = [
    Register::StrtabBase,
    Register::CmdqBase,
    Register::EventqBase,
    Register::PriqBase,
    Register::GerrorIrqCfg0,
    Register::EventqIrqCfg0,
    Register::PriqIrqCfg0,
];

/// Bits of an address above the output size, which an implementation may store all the same (§3.4.3).
pub(super) fn beyond_oas(f: &Features, register: Register) -> u64 {
    if ADDRESSES.contains(&register) { address_beyond_oas(f) } else { 0 }
}

/// The same, of any register that holds an address.
pub(super) fn address_beyond_oas(f: &Features) -> u64 {
    const ADDRESS_BITS: u8 = 56;
    low_mask(ADDRESS_BITS) & !low_mask(f.oas_bits)
}

/// The fields of GBPA that have no effect, for want of ATTR_TYPES_OVR or ATTR_PERMS_OVR (§6.3.14).
pub(super) const fn gbpa_without_effect(f: &Features) -> Gbpa {
    let mut fields = Gbpa::new();
    if !f.attr_types_ovr {
        fields = fields.with_mem_attr(0b1111).with_mtcfg(true).with_alloccfg(0b1111).with_shcfg(0b11);
    }
    if !f.attr_perms_ovr {
        fields = fields.with_privcfg(0b11).with_instcfg(0b11);
    }
    fields
}

const CR1: Cr1 = Cr1::new()
    .with_table_sh(0b11)
    .with_table_oc(0b11)
    .with_table_ic(0b11)
    .with_queue_sh(0b11)
    .with_queue_oc(0b11)
    .with_queue_ic(0b11);

/// Also what has no effect without ATTR_TYPES_OVR and ATTR_PERMS_OVR: it may read as last written (§6.3.14).
const GBPA: Gbpa = Gbpa::new()
    .with_mem_attr(0b1111)
    .with_mtcfg(true)
    .with_alloccfg(0b1111)
    .with_shcfg(0b11)
    .with_privcfg(0b11)
    .with_instcfg(0b11)
    .with_abort(true)
    .with_update(true);

const IRQ_CFG2: IrqCfg2 = IrqCfg2::new().with_mem_attr(0b1111).with_sh(0b11);

const fn cr0(f: &Features) -> Cr0 {
    Cr0::new()
        .with_smmuen(true)
        .with_priqen(f.pri)
        .with_eventqen(true)
        .with_cmdqen(true)
        .with_atschk(f.ats)
        .with_vmw(if f.vmw { 0b111 } else { 0 })
}

const fn cr2(f: &Features) -> Cr2 {
    Cr2::new().with_e2h(f.hyp).with_recinvsid(true).with_ptm(f.btm).with_rec_cfg_ats(f.atsrecerr)
}

const fn irq_ctrl(f: &Features) -> IrqCtrl {
    IrqCtrl::new().with_gerror_irqen(true).with_priq_irqen(f.pri).with_eventq_irqen(true)
}

/// DPT_ERR belongs to a feature that is refused.
const fn gerror(f: &Features) -> Gerror {
    Gerror::new()
        .with_cmdq_err(true)
        .with_eventq_abt_err(true)
        .with_priq_abt_err(f.pri)
        .with_msi_cmdq_abt_err(f.msi)
        .with_msi_eventq_abt_err(f.msi)
        .with_msi_priq_abt_err(f.msi && f.pri)
        .with_msi_gerror_abt_err(f.msi)
        .with_sfm_err(true)
        .with_cmdqp_err(f.ecmdq_pages != 0)
}

/// STREAMID and SUBSTREAMID are stored whole: whether bits beyond SIDSIZE and SSIDSIZE count is a question of
/// each operation (§9.1.5).
const fn atos_sid(f: &Features) -> AtosSid {
    let sid = AtosSid::new().with_stream_id(u32::MAX);
    if f.ssid_bits == 0 { sid } else { sid.with_substream_id(0xf_ffff).with_ssid_valid(true) }
}

/// ADDR, TYPE, PnU, RnW, InD and HTTUI (§6.3.39).
const ATOS_ADDR: u64 = !0x3f;

/// All that either form of PAR has (§6.3.40).
const ATOS_PAR: u64 = !0b1000;

const fn strtab_base_cfg(f: &Features) -> StrtabBaseCfg {
    let cfg = StrtabBaseCfg::new().with_log2size(0b11_1111);
    if f.two_level_stream_table { cfg.with_fmt(0b11).with_split(0b1_1111) } else { cfg }
}

/// The base of a queue: ADDR, LOG2SIZE and the allocation hint.
pub(super) const fn queue_base(f: &Features) -> u64 {
    base(f, 5) | 0x1f
}

/// An address and the allocation hint in bit 62.
const fn base(f: &Features, low_bit: u8) -> u64 {
    address(f, low_bit) | 1 << 62
}

/// Address bits from `low_bit` up; those at and above the output size are not stored.
const fn address(f: &Features, low_bit: u8) -> u64 {
    low_mask(f.oas_bits) & !low_mask(low_bit)
}
