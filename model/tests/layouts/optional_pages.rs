//! Registers of Enhanced Command queues (§6.3.49–§6.3.51, §6.3.107–§6.3.109) and of counter groups (§10.5.2).

use smmu_model::layout::ecmdq::{ControlPageBase, EcmdqCons, EcmdqProd};
use smmu_model::layout::pmcg::{Configuration, EventType};

use super::registers::low;
use super::{accessors, check_typed};

const CONTROL_PAGE_BASE: &str = "CMDQ_CONTROL_PAGE_PRESET[0] CMDQGS[2:1] ADDR[55:16]";
const ECMDQ_PROD: &str = "WR[19:0] ERRACK[23] EN[31]";
const ECMDQ_CONS: &str = "RD[19:0] ERR[23] ERR_REASON[26:24] ENACK[31]";
const EVTYPER: &str =
    "EVENT[15:0] FILTER_PARTID[16] FILTER_PMG[17] FILTER_MPAM_SP[19:18] FILTER_REALM_SID[28]
    FILTER_SID_SPAN[29] FILTER_SEC_SID[30] OVFCAP[31]";
const CFGR: &str = "NCTR[5:0] SIZE[13:8] RELOC_CTRS[20] MSI[21] CAPTURE[22] SID_FILTER_TYPE[23] MPAM[24]
    FILTER_PARTID_PMG[25]";

/// By page and offset.
pub(super) const WRITABLE: &[(&str, &str)] = &[
    ("CMDQ_CONTROL_PAGE_BASE", CONTROL_PAGE_BASE),
    ("CMDQ_CONTROL_PAGE_CFG", "EN[0]"),
    ("CMDQ_CONTROL_PAGE_STATUS", "ENACK[0]"),
    ("ECMDQ_BASE", "LOG2SIZE[4:0] ADDR[55:5] RA[62]"),
    ("ECMDQ_PROD", ECMDQ_PROD),
    ("ECMDQ_CONS", ECMDQ_CONS),
    ("PMCG_EVCNTR", "COUNTER_VALUE[63:0]"),
    ("PMCG_EVTYPER", EVTYPER),
    ("PMCG_SVR", "SHADOW_COUNTER_VALUE[63:0]"),
    ("PMCG_SMR", "STREAMID[31:0]"),
    ("PMCG_CNTENSET0", "CNTEN[63:0]"),
    ("PMCG_CNTENCLR0", "CNTEN[63:0]"),
    ("PMCG_INTENSET0", "INTEN[63:0]"),
    ("PMCG_INTENCLR0", "INTEN[63:0]"),
    ("PMCG_OVSCLR0", "OVS[63:0]"),
    ("PMCG_OVSSET0", "OVS[63:0]"),
    ("PMCG_CAPR", "CAPTURE[0]"),
    ("PMCG_CFGR", CFGR),
    ("PMCG_CR", "E[0]"),
    ("PMCG_IRQ_CTRL", "IRQEN[0]"),
    ("PMCG_IRQ_CTRLACK", "IRQEN[0]"),
    ("PMCG_IRQ_CFG0", "ADDR[55:2]"),
    ("PMCG_IRQ_CFG1", "DATA[31:0]"),
    ("PMCG_IRQ_CFG2", "MemAttr[3:0] SH[5:4]"),
    ("PMCG_IRQ_STATUS", "IRQ_ABT[0]"),
];

#[test]
fn enhanced_command_queues() {
    check_typed::<1>(
        64,
        CONTROL_PAGE_BASE,
        accessors! { raw:
            "CMDQ_CONTROL_PAGE_PRESET" ControlPageBase::from_bits(raw[0]).preset(),
            "CMDQGS" ControlPageBase::from_bits(raw[0]).cmdqgs(),
            "ADDR" ControlPageBase::from_bits(raw[0]).addr(),
        },
    );
    assert_eq!(ControlPageBase::new().with_addr(u64::MAX).into_bits(), 0x00ff_ffff_ffff_0000);
    check_typed::<1>(
        32,
        ECMDQ_PROD,
        accessors! { raw:
            "WR" EcmdqProd::from_bits(low(raw)).wr(),
            "ERRACK" EcmdqProd::from_bits(low(raw)).errack(),
            "EN" EcmdqProd::from_bits(low(raw)).en(),
        },
    );
    check_typed::<1>(
        32,
        ECMDQ_CONS,
        accessors! { raw:
            "RD" EcmdqCons::from_bits(low(raw)).rd(),
            "ERR" EcmdqCons::from_bits(low(raw)).err(),
            "ERR_REASON" EcmdqCons::from_bits(low(raw)).err_reason(),
            "ENACK" EcmdqCons::from_bits(low(raw)).enack(),
        },
    );
}

#[test]
fn counter_groups() {
    check_typed::<1>(
        32,
        EVTYPER,
        accessors! { raw:
            "EVENT" EventType::from_bits(low(raw)).event(),
            "FILTER_PARTID" EventType::from_bits(low(raw)).filter_partid(),
            "FILTER_PMG" EventType::from_bits(low(raw)).filter_pmg(),
            "FILTER_MPAM_SP" EventType::from_bits(low(raw)).filter_mpam_sp(),
            "FILTER_REALM_SID" EventType::from_bits(low(raw)).filter_realm_sid(),
            "FILTER_SID_SPAN" EventType::from_bits(low(raw)).filter_sid_span(),
            "FILTER_SEC_SID" EventType::from_bits(low(raw)).filter_sec_sid(),
            "OVFCAP" EventType::from_bits(low(raw)).ovfcap(),
        },
    );
    check_typed::<1>(
        32,
        CFGR,
        accessors! { raw:
            "NCTR" Configuration::from_bits(low(raw)).nctr(),
            "SIZE" Configuration::from_bits(low(raw)).size(),
            "RELOC_CTRS" Configuration::from_bits(low(raw)).reloc_ctrs(),
            "MSI" Configuration::from_bits(low(raw)).msi(),
            "CAPTURE" Configuration::from_bits(low(raw)).capture(),
            "SID_FILTER_TYPE" Configuration::from_bits(low(raw)).sid_filter_type(),
            "MPAM" Configuration::from_bits(low(raw)).mpam(),
            "FILTER_PARTID_PMG" Configuration::from_bits(low(raw)).filter_partid_pmg(),
        },
    );
}
