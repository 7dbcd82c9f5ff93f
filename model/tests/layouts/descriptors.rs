//! VMSAv8-64 translation table descriptors (DDI 0487 D8.3).

use smmu_model::layout::descriptor::{Stage1Leaf, Stage1Table, Stage2Leaf};
use smmu_model::layout::names;

use super::{accessors, check_names, check_typed, show};

#[test]
fn names_are_where_the_specification_has_them() {
    check_names::<1>(
        "stage 1 table",
        names::STAGE1_TABLE,
        "Type[1:0] AF[10] Address[47:12] Protected[52] PXNTable[59] UXNTable[60] APTable[62:61] NSTable[63]",
    );
    check_names::<1>(
        "stage 1 leaf",
        names::STAGE1_LEAF,
        "Type[1:0] AttrIndx[4:2] NS[5] AP[7:6] SH[9:8] AF[10] nG[11] OA[47:12] GP[50] DBM[51] Contiguous[52]
         PXN[53] UXN[54] Software[58:55] AttrIndx3[59] PBHA3_1[62:60] AMEC[63]",
    );
    check_names::<1>("stage 2 table", names::STAGE2_TABLE, "Type[1:0] AF[10] Address[47:12]");
    check_names::<1>(
        "stage 2 leaf",
        names::STAGE2_LEAF,
        "Type[1:0] MemAttr[5:2] S2AP[7:6] SH[9:8] AF[10] OA[47:12] DBM[51] Contiguous[52] XN[54:53] NS[55]
         Software[57:56] AssuredOnly[58] POIndex[62:59] AMEC[63]",
    );
}

#[test]
fn stage_1_leaf() {
    check_typed::<1>(
        64,
        "Type[1:0] AttrIndx[4:2] NS[5] AP[7:6] SH[9:8] AF[10] nG[11] nT[16] GP[50] DBM[51] Contiguous[52]
         PXN[53] UXN[54] Software[58:55] AttrIndx3[59] PBHA3_1[62:60]",
        accessors! { raw:
            "Type" Stage1Leaf::from_bits(raw[0]).kind(),
            "AttrIndx" Stage1Leaf::from_bits(raw[0]).attr_indx(),
            "NS" Stage1Leaf::from_bits(raw[0]).ns(),
            "AP" Stage1Leaf::from_bits(raw[0]).ap(),
            "SH" Stage1Leaf::from_bits(raw[0]).sh(),
            "AF" Stage1Leaf::from_bits(raw[0]).af(),
            "nG" Stage1Leaf::from_bits(raw[0]).ng(),
            "nT" Stage1Leaf::from_bits(raw[0]).nt(),
            "GP" Stage1Leaf::from_bits(raw[0]).gp(),
            "DBM" Stage1Leaf::from_bits(raw[0]).dbm(),
            "Contiguous" Stage1Leaf::from_bits(raw[0]).contiguous(),
            "PXN" Stage1Leaf::from_bits(raw[0]).pxn(),
            "UXN" Stage1Leaf::from_bits(raw[0]).uxn(),
            "Software" Stage1Leaf::from_bits(raw[0]).software(),
            "AttrIndx3" Stage1Leaf::from_bits(raw[0]).attr_indx_3(),
            "PBHA3_1" Stage1Leaf::from_bits(raw[0]).pbha_3_1(),
        },
    );
}

#[test]
fn stage_1_table() {
    check_typed::<1>(
        64,
        "Type[1:0] AF[10] PXNTable[59] UXNTable[60] APTable[62:61] NSTable[63]",
        accessors! { raw:
            "Type" Stage1Table::from_bits(raw[0]).kind(),
            "AF" Stage1Table::from_bits(raw[0]).af(),
            "PXNTable" Stage1Table::from_bits(raw[0]).pxn_table(),
            "UXNTable" Stage1Table::from_bits(raw[0]).uxn_table(),
            "APTable" Stage1Table::from_bits(raw[0]).ap_table(),
            "NSTable" Stage1Table::from_bits(raw[0]).ns_table(),
        },
    );
}

#[test]
fn stage_2_leaf() {
    check_typed::<1>(
        64,
        "Type[1:0] MemAttr[5:2] S2AP0[6] S2AP1[7] SH[9:8] AF[10] nT[16] DBM[51] Contiguous[52] XN[54:53]",
        accessors! { raw:
            "Type" Stage2Leaf::from_bits(raw[0]).kind(),
            "MemAttr" Stage2Leaf::from_bits(raw[0]).mem_attr(),
            "S2AP0" Stage2Leaf::from_bits(raw[0]).s2ap_read(),
            "S2AP1" Stage2Leaf::from_bits(raw[0]).s2ap_write(),
            "SH" Stage2Leaf::from_bits(raw[0]).sh(),
            "AF" Stage2Leaf::from_bits(raw[0]).af(),
            "nT" Stage2Leaf::from_bits(raw[0]).nt(),
            "DBM" Stage2Leaf::from_bits(raw[0]).dbm(),
            "Contiguous" Stage2Leaf::from_bits(raw[0]).contiguous(),
            "XN" Stage2Leaf::from_bits(raw[0]).xn(),
        },
    );
}

#[test]
fn descriptors_of_a_linux_driver() {
    assert_eq!(show(names::STAGE1_TABLE, &[0x44a2_d003]), "Type=0x3 Address=0x44a2d000");
    assert_eq!(
        show(names::STAGE1_LEAF, &[0x44a4_0f47]),
        "Type=0x3 AttrIndx=0x1 AP=0x1 SH=0x3 AF=0x1 nG=0x1 OA=0x44a40000"
    );
    assert_eq!(show(names::STAGE2_TABLE, &[0x44a0_4003]), "Type=0x3 Address=0x44a04000");
    assert_eq!(
        show(names::STAGE2_LEAF, &[0x44a3_d7ff]),
        "Type=0x3 MemAttr=0xf S2AP=0x3 SH=0x3 AF=0x1 OA=0x44a3d000"
    );
}
