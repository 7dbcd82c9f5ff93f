//! Non-secure registers (§6.3).

use smmu_model::features::FIELDS;
use smmu_model::layout::idr::{Aidr, Idr0, Idr1, Idr2, Idr3, Idr5, Idr6};
use smmu_model::layout::names::{REGISTERS, register_fields};
use smmu_model::layout::register::{
    CmdqCons, Cr0, Cr1, Cr2, Gbpa, Gerror, IrqCfg0, IrqCfg2, IrqCtrl, OutputQueueIndex, QueueBase,
    StrtabBase, StrtabBaseCfg,
};

use super::{accessors, check_names, check_typed, optional_pages, position, positions, show};

const CR0: &str = "SMMUEN[0] PRIQEN[1] EVENTQEN[2] CMDQEN[3] ATSCHK[4] VMW[8:6] DPT_WALK_EN[10]";
const CR1: &str = "QUEUE_IC[1:0] QUEUE_OC[3:2] QUEUE_SH[5:4] TABLE_IC[7:6] TABLE_OC[9:8] TABLE_SH[11:10]";
const CR2: &str = "E2H[0] RECINVSID[1] PTM[2] REC_CFG_ATS[3]";
const GBPA: &str = "MemAttr[3:0] MTCFG[4] ALLOCCFG[11:8] SHCFG[13:12] PRIVCFG[17:16] INSTCFG[19:18] ABORT[20]
    Update[31]";
const IRQ_CTRL: &str = "GERROR_IRQEN[0] PRIQ_IRQEN[1] EVENTQ_IRQEN[2]";
const GERROR: &str = "CMDQ_ERR[0] EVENTQ_ABT_ERR[2] PRIQ_ABT_ERR[3] MSI_CMDQ_ABT_ERR[4] MSI_EVENTQ_ABT_ERR[5]
    MSI_PRIQ_ABT_ERR[6] MSI_GERROR_ABT_ERR[7] SFM_ERR[8] CMDQP_ERR[9] DPT_ERR[10]";
const STRTAB_BASE: &str = "ADDR[55:6] RA[62]";
const STRTAB_BASE_CFG: &str = "LOG2SIZE[5:0] SPLIT[10:6] FMT[17:16]";
const INPUT_QUEUE_BASE: &str = "LOG2SIZE[4:0] ADDR[55:5] RA[62]";
const OUTPUT_QUEUE_BASE: &str = "LOG2SIZE[4:0] ADDR[55:5] WA[62]";
const CMDQ_CONS: &str = "RD[19:0] ERR[30:24]";
const PROD: &str = "WR[19:0] OVFLG[31]";
const CONS: &str = "RD[19:0] OVACKFLG[31]";
const IRQ_CFG0: &str = "ADDR[55:2]";
const IRQ_CFG1: &str = "DATA[31:0]";
const IRQ_CFG2: &str = "MemAttr[3:0] SH[5:4]";
const PRIQ_IRQ_CFG2: &str = "MemAttr[3:0] SH[5:4] LO[31]";

/// By offset, page 1 last.
const WRITABLE: &[(&str, &str)] = &[
    ("CR0", CR0),
    ("CR0ACK", CR0),
    ("CR1", CR1),
    ("CR2", CR2),
    ("STATUSR", "DORMANT[0]"),
    ("GBPA", GBPA),
    ("IRQ_CTRL", IRQ_CTRL),
    ("IRQ_CTRLACK", IRQ_CTRL),
    ("GERROR", GERROR),
    ("GERRORN", GERROR),
    ("GERROR_IRQ_CFG0", IRQ_CFG0),
    ("GERROR_IRQ_CFG1", IRQ_CFG1),
    ("GERROR_IRQ_CFG2", IRQ_CFG2),
    ("STRTAB_BASE", STRTAB_BASE),
    ("STRTAB_BASE_CFG", STRTAB_BASE_CFG),
    ("CMDQ_BASE", INPUT_QUEUE_BASE),
    ("CMDQ_PROD", "WR[19:0]"),
    ("CMDQ_CONS", CMDQ_CONS),
    ("EVENTQ_BASE", OUTPUT_QUEUE_BASE),
    ("EVENTQ_IRQ_CFG0", IRQ_CFG0),
    ("EVENTQ_IRQ_CFG1", IRQ_CFG1),
    ("EVENTQ_IRQ_CFG2", IRQ_CFG2),
    ("PRIQ_BASE", OUTPUT_QUEUE_BASE),
    ("PRIQ_IRQ_CFG0", IRQ_CFG0),
    ("PRIQ_IRQ_CFG1", IRQ_CFG1),
    ("PRIQ_IRQ_CFG2", PRIQ_IRQ_CFG2),
    ("EVENTQ_PROD", PROD),
    ("EVENTQ_CONS", CONS),
    ("PRIQ_PROD", PROD),
    ("PRIQ_CONS", CONS),
];

const IDR0: &str = "S2P[0] S1P[1] TTF[3:2] COHACC[4] BTM[5] HTTU[7:6] DORMHINT[8] HYP[9] ATS[10] NS1ATS[11]
    ASID16[12] MSI[13] SEV[14] ATOS[15] PRI[16] VMW[17] VMID16[18] CD2L[19] VATOS[20] TTENDIAN[22:21]
    ATSRECERR[23] STALL_MODEL[25:24] TERM_MODEL[26] ST_LEVEL[28:27] RME_IMPL[30]";
const IDR1: &str = "SIDSIZE[5:0] SSIDSIZE[10:6] PRIQS[15:11] EVENTQS[20:16] CMDQS[25:21] ATTR_PERMS_OVR[26]
    ATTR_TYPES_OVR[27] REL[28] QUEUES_PRESET[29] TABLES_PRESET[30] ECMDQ[31]";
const IDR2: &str = "BA_VATOS[9:0]";
const IDR3: &str =
    "HAD[2] PBHA[3] XNX[4] PPS[5] MPAM[7] FWB[8] STT[9] RIL[10] BBML[12:11] E0PD[13] PTWNNC[14]
    DPT[15] PASIDTT[16] EPAN[17] S1PI[18] S2PI[19] S2PO[20] THE[21] MTEPERM[22] AIE[23]";
const IDR5: &str = "OAS[2:0] GRAN4K[4] GRAN16K[5] GRAN64K[6] DS[7] D128[8] VAX[11:10] STALL_MAX[31:16]";
const IDR6: &str = "CMDQ_CONTROL_PAGE_LOG2NUMQ[19:16] CMDQ_CONTROL_PAGE_LOG2NUMP[27:24]";
const AIDR: &str = "ArchMinorRev[3:0] ArchMajorRev[7:4]";

/// The low word of a register of 32 bits.
pub(super) fn low(raw: [u64; 1]) -> u32 {
    u32::try_from(raw[0]).expect("a 32-bit register")
}

#[test]
fn names_are_where_the_specification_has_them() {
    assert_eq!(REGISTERS.len(), WRITABLE.len() + optional_pages::WRITABLE.len());
    for ((register, fields), (name, text)) in
        REGISTERS.iter().zip(WRITABLE.iter().chain(optional_pages::WRITABLE))
    {
        assert_eq!(register, name);
        check_names::<1>(name, fields, text);
    }
    assert_eq!(register_fields("gerror_irqcfg1"), register_fields("GERROR_IRQ_CFG1"));
    assert_eq!(register_fields("GERROR_IRQ_CFG1").len(), 1);
    assert_eq!(register_fields("AGBPA"), []);
}

#[test]
fn id_register_names_are_where_the_specification_has_them() {
    let registers = [
        ("IDR0", IDR0),
        ("IDR1", IDR1),
        ("IDR2", IDR2),
        ("IDR3", IDR3),
        ("IDR5", IDR5),
        ("IDR6", IDR6),
        ("IIDR", "Implementer[11:0] Revision[15:12] Variant[19:16] ProductID[31:20]"),
        ("AIDR", AIDR),
    ];
    let expected = registers.into_iter().flat_map(|(register, text)| {
        positions(text).into_iter().map(move |at| format!("{register}.{}[{}:{}]", at.name, at.high, at.low))
    });
    let fields = FIELDS.iter().filter(|field| !field.is_register());
    let found = fields.map(|field| format!("{}[{}:{}]", field.name, field.high_bit, field.low_bit));
    let (mut expected, mut found) = (expected.collect::<Vec<_>>(), found.collect::<Vec<_>>());
    expected.sort_by_key(|item| position(item).name.to_owned());
    found.sort_by_key(|item| position(item).name.to_owned());
    assert_eq!(found, expected);
}

#[test]
fn control_registers() {
    check_typed::<1>(
        32,
        CR0,
        accessors! { raw:
            "SMMUEN" Cr0::from_bits(low(raw)).smmuen(),
            "PRIQEN" Cr0::from_bits(low(raw)).priqen(),
            "EVENTQEN" Cr0::from_bits(low(raw)).eventqen(),
            "CMDQEN" Cr0::from_bits(low(raw)).cmdqen(),
            "ATSCHK" Cr0::from_bits(low(raw)).atschk(),
            "VMW" Cr0::from_bits(low(raw)).vmw(),
            "DPT_WALK_EN" Cr0::from_bits(low(raw)).dpt_walk_en(),
        },
    );
    check_typed::<1>(
        32,
        CR1,
        accessors! { raw:
            "QUEUE_IC" Cr1::from_bits(low(raw)).queue_ic(),
            "QUEUE_OC" Cr1::from_bits(low(raw)).queue_oc(),
            "QUEUE_SH" Cr1::from_bits(low(raw)).queue_sh(),
            "TABLE_IC" Cr1::from_bits(low(raw)).table_ic(),
            "TABLE_OC" Cr1::from_bits(low(raw)).table_oc(),
            "TABLE_SH" Cr1::from_bits(low(raw)).table_sh(),
        },
    );
    check_typed::<1>(
        32,
        CR2,
        accessors! { raw:
            "E2H" Cr2::from_bits(low(raw)).e2h(),
            "RECINVSID" Cr2::from_bits(low(raw)).recinvsid(),
            "PTM" Cr2::from_bits(low(raw)).ptm(),
            "REC_CFG_ATS" Cr2::from_bits(low(raw)).rec_cfg_ats(),
        },
    );
    check_typed::<1>(
        32,
        GBPA,
        accessors! { raw:
            "MemAttr" Gbpa::from_bits(low(raw)).mem_attr(),
            "MTCFG" Gbpa::from_bits(low(raw)).mtcfg(),
            "ALLOCCFG" Gbpa::from_bits(low(raw)).alloccfg(),
            "SHCFG" Gbpa::from_bits(low(raw)).shcfg(),
            "PRIVCFG" Gbpa::from_bits(low(raw)).privcfg(),
            "INSTCFG" Gbpa::from_bits(low(raw)).instcfg(),
            "ABORT" Gbpa::from_bits(low(raw)).abort(),
            "Update" Gbpa::from_bits(low(raw)).update(),
        },
    );
}

#[test]
fn interrupts_and_errors() {
    check_typed::<1>(
        32,
        IRQ_CTRL,
        accessors! { raw:
            "GERROR_IRQEN" IrqCtrl::from_bits(low(raw)).gerror_irqen(),
            "PRIQ_IRQEN" IrqCtrl::from_bits(low(raw)).priq_irqen(),
            "EVENTQ_IRQEN" IrqCtrl::from_bits(low(raw)).eventq_irqen(),
        },
    );
    check_typed::<1>(
        32,
        GERROR,
        accessors! { raw:
            "CMDQ_ERR" Gerror::from_bits(low(raw)).cmdq_err(),
            "EVENTQ_ABT_ERR" Gerror::from_bits(low(raw)).eventq_abt_err(),
            "PRIQ_ABT_ERR" Gerror::from_bits(low(raw)).priq_abt_err(),
            "MSI_CMDQ_ABT_ERR" Gerror::from_bits(low(raw)).msi_cmdq_abt_err(),
            "MSI_EVENTQ_ABT_ERR" Gerror::from_bits(low(raw)).msi_eventq_abt_err(),
            "MSI_PRIQ_ABT_ERR" Gerror::from_bits(low(raw)).msi_priq_abt_err(),
            "MSI_GERROR_ABT_ERR" Gerror::from_bits(low(raw)).msi_gerror_abt_err(),
            "SFM_ERR" Gerror::from_bits(low(raw)).sfm_err(),
            "CMDQP_ERR" Gerror::from_bits(low(raw)).cmdqp_err(),
            "DPT_ERR" Gerror::from_bits(low(raw)).dpt_err(),
        },
    );
    check_typed::<1>(64, IRQ_CFG0, accessors! { raw: "ADDR" IrqCfg0::from_bits(raw[0]).addr(), });
    check_typed::<1>(
        32,
        PRIQ_IRQ_CFG2,
        accessors! { raw:
            "MemAttr" IrqCfg2::from_bits(low(raw)).mem_attr(),
            "SH" IrqCfg2::from_bits(low(raw)).sh(),
            "LO" IrqCfg2::from_bits(low(raw)).lo(),
        },
    );
}

#[test]
fn tables_and_queues() {
    check_typed::<1>(
        64,
        STRTAB_BASE,
        accessors! { raw:
            "ADDR" StrtabBase::from_bits(raw[0]).addr(),
            "RA" StrtabBase::from_bits(raw[0]).ra(),
        },
    );
    check_typed::<1>(
        32,
        STRTAB_BASE_CFG,
        accessors! { raw:
            "LOG2SIZE" StrtabBaseCfg::from_bits(low(raw)).log2size(),
            "SPLIT" StrtabBaseCfg::from_bits(low(raw)).split(),
            "FMT" StrtabBaseCfg::from_bits(low(raw)).fmt(),
        },
    );
    check_typed::<1>(
        64,
        INPUT_QUEUE_BASE,
        accessors! { raw:
            "LOG2SIZE" QueueBase::from_bits(raw[0]).log2size(),
            "ADDR" QueueBase::from_bits(raw[0]).addr(),
            "RA" QueueBase::from_bits(raw[0]).allocate(),
        },
    );
    check_typed::<1>(
        32,
        CMDQ_CONS,
        accessors! { raw:
            "RD" CmdqCons::from_bits(low(raw)).rd(),
            "ERR" CmdqCons::from_bits(low(raw)).err(),
        },
    );
    check_typed::<1>(
        32,
        PROD,
        accessors! { raw:
            "WR" OutputQueueIndex::from_bits(low(raw)).index(),
            "OVFLG" OutputQueueIndex::from_bits(low(raw)).overflow(),
        },
    );
}

/// `typed!(Idr0 IDR0: "S2P" s2p, …)`: an ID register of 32 bits.
macro_rules! typed {
    ($register:ident $text:ident: $($name:literal $read:ident,)*) => {
        check_typed::<1>(32, $text, accessors! { raw: $($name $register::from_bits(low(raw)).$read(),)* })
    };
}

#[test]
#[rustfmt::skip]
fn id_registers() {
    typed! { Idr0 IDR0:
        "S2P" s2p, "S1P" s1p, "TTF" ttf, "COHACC" cohacc, "BTM" btm, "HTTU" httu, "DORMHINT" dormhint,
        "HYP" hyp, "ATS" ats, "NS1ATS" ns1ats, "ASID16" asid16, "MSI" msi, "SEV" sev, "ATOS" atos, "PRI" pri,
        "VMW" vmw, "VMID16" vmid16, "CD2L" cd2l, "VATOS" vatos, "TTENDIAN" ttendian, "ATSRECERR" atsrecerr,
        "STALL_MODEL" stall_model, "TERM_MODEL" term_model, "ST_LEVEL" st_level, "RME_IMPL" rme_impl,
    }
    typed! { Idr1 IDR1:
        "SIDSIZE" sidsize, "SSIDSIZE" ssidsize, "PRIQS" priqs, "EVENTQS" eventqs, "CMDQS" cmdqs,
        "ATTR_PERMS_OVR" attr_perms_ovr, "ATTR_TYPES_OVR" attr_types_ovr, "REL" rel,
        "QUEUES_PRESET" queues_preset, "TABLES_PRESET" tables_preset, "ECMDQ" ecmdq,
    }
    typed! { Idr2 IDR2: "BA_VATOS" ba_vatos, }
    typed! { Idr3 IDR3:
        "HAD" had, "PBHA" pbha, "XNX" xnx, "PPS" pps, "MPAM" mpam, "FWB" fwb, "STT" stt, "RIL" ril,
        "BBML" bbml, "E0PD" e0pd, "PTWNNC" ptwnnc, "DPT" dpt, "PASIDTT" pasidtt, "EPAN" epan, "S1PI" s1pi,
        "S2PI" s2pi, "S2PO" s2po, "THE" the, "MTEPERM" mteperm, "AIE" aie,
    }
    typed! { Idr5 IDR5:
        "OAS" oas, "GRAN4K" gran4k, "GRAN16K" gran16k, "GRAN64K" gran64k, "DS" ds, "D128" d128, "VAX" vax,
        "STALL_MAX" stall_max,
    }
    typed! { Idr6 IDR6:
        "CMDQ_CONTROL_PAGE_LOG2NUMQ" cmdq_control_page_log2numq,
        "CMDQ_CONTROL_PAGE_LOG2NUMP" cmdq_control_page_log2nump,
    }
    typed! { Aidr AIDR: "ArchMinorRev" arch_minor_rev, "ArchMajorRev" arch_major_rev, }
}

/// What Linux 7.3 wrote while it set the SMMU up.
#[test]
fn registers_of_a_linux_driver() {
    let cases = [
        ("CR0", 0xd, "SMMUEN=0x1 EVENTQEN=0x1 CMDQEN=0x1"),
        ("CR1", 0xd75, "QUEUE_IC=0x1 QUEUE_OC=0x1 QUEUE_SH=0x3 TABLE_IC=0x1 TABLE_OC=0x1 TABLE_SH=0x3"),
        ("CR2", 0x6, "RECINVSID=0x1 PTM=0x1"),
        ("IRQ_CTRL", 0x5, "GERROR_IRQEN=0x1 EVENTQ_IRQEN=0x1"),
        ("STRTAB_BASE", 0x4000_0000_44e1_7000, "ADDR=0x44e17000 RA=0x1"),
        ("STRTAB_BASE_CFG", 0x1_0210, "LOG2SIZE=0x10 SPLIT=0x8 FMT=0x1"),
        ("CMDQ_BASE", 0x4000_0000_5bf0_0010, "LOG2SIZE=0x10 ADDR=0x5bf00000 RA=0x1"),
        ("EVENTQ_BASE", 0x4000_0000_5c00_000f, "LOG2SIZE=0xf ADDR=0x5c000000 WA=0x1"),
    ];
    for (register, value, expected) in cases {
        assert_eq!(show(register_fields(register), &[value]), expected, "{register}");
    }
}
