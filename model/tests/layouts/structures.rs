//! Stream table entry, context descriptor and the level 1 descriptors (§5.1–§5.4).

use smmu_model::layout::cd::Cd;
use smmu_model::layout::l1cd::L1Cd;
use smmu_model::layout::l1std::L1Std;
use smmu_model::layout::names;
use smmu_model::layout::ste::Ste;

use super::{accessors, check_names, check_typed, show};

/// §5.2, words 0 to 3: those with typed words.
const STE_0_TO_3: &str = "
    V[0] Config[3:1] S1Fmt[5:4] S1ContextPtr[55:6] S1CDMax[63:59]
    S1DSS[65:64] S1CIR[67:66] S1COR[69:68] S1CSH[71:70] S2HWU59[72] S2HWU60[73] S2HWU61[74] S2HWU62[75]
    DRE[76] CONT[80:77] DCP[81] PPAR[82] MEV[83] SW_RESERVED[87:84] S1PIE[88] S2FWB[89] S1MPAM[90]
    S1STALLD[91] EATS[93:92] STRW[95:94] MemAttr[99:96] MTCFG[100] ALLOCCFG[104:101] SHCFG[109:108]
    NSCFG[111:110] PRIVCFG[113:112] INSTCFG[115:114] IMPDEF_127_116[127:116]
    S2VMID[143:128] IMPDEF_159_144[159:144] S2T0SZ[165:160] S2SL0[167:166] S2IR0[169:168] S2OR0[171:170]
    S2SH0[173:172] S2TG[175:174] S2PS[178:176] S2AA64[179] S2ENDI[180] S2AFFD[181] S2PTW[182] S2HD[183]
    S2HA[184] S2S[185] S2R[186] S2HAFT[187] S2PIE[188] S2POE[189] DPT_VMATCH[191:190]
    S2NSW[192] S2NSA[193] S2SL0_2[194] S2DS[195] S2TTB[247:196] S2SKL[254:253]";

/// §5.2, words 4 to 7.
const STE_4_TO_7: &str = "
    IMPDEF_271_256[271:256] PARTID[287:272] S_S2T0SZ[293:288] S_S2SL0[295:294] S_S2TG[303:302]
    MECID[319:304]
    PMG[327:320] MPAM_NS[328] AssuredOnly[329] TL0[330] TL1[331] VMSPtr[375:332]
    S2SW[384] S2SA[385] S_S2SL0_2[386] S_S2TTB[439:388] S_S2SKL[446:445]
    S2POI0[451:448] S2POI1[455:452] S2POI2[459:456] S2POI3[463:460] S2POI4[467:464] S2POI5[471:468]
    S2POI6[475:472] S2POI7[479:476] S2POI8[483:480] S2POI9[487:484] S2POI10[491:488] S2POI11[495:492]
    S2POI12[499:496] S2POI13[503:500] S2POI14[507:504] S2POI15[511:508]";

/// §5.4, words 0 to 2.
const CD_0_TO_2: &str = "
    T0SZ[5:0] TG0[7:6] IR0[9:8] OR0[11:10] SH0[13:12] EPD0[14] ENDI[15] T1SZ[21:16] TG1[23:22] IR1[25:24]
    OR1[27:26] SH1[29:28] EPD1[30] V[31] IPS[34:32] AFFD[35] WXN[36] UWXN[37] TBI0[38] TBI1[39] PAN[40]
    AA64[41] HD[42] HA[43] S[44] R[45] A[46] ASET[47] ASID[63:48]
    NSCFG0[64] HAD0[65] E0PD0[66] HAFT[67] TTB0[119:68] PnCH[122] EPAN[123] HWU059[124] HWU060[125]
    HWU061[126] HWU062[127]
    NSCFG1[128] HAD1[129] E0PD1[130] AIE[131] TTB1[183:132] DS[186] PIE[187] HWU159[188] HWU160[189]
    HWU161[190] HWU162[191]";

/// §5.4, words 3 to 7.
const CD_3_TO_7: &str = "
    MAIR0[223:192] MAIR1[255:224]
    AMAIR0[287:256] AMAIR1[319:288]
    IMPDEF_351_320[351:320] PARTID[367:352] PMG[375:368]
    PIIU0[386:384] PIIU1[389:387] PIIU2[392:390] PIIU3[395:393] PIIU4[398:396] PIIU5[401:399] PIIU6[404:402]
    PIIU7[407:405] PIIU8[410:408] PIIU9[413:411] PIIU10[416:414] PIIU11[419:417] PIIU12[422:420]
    PIIU13[425:423] PIIU14[428:426] PIIU15[431:429]
    PIIP0[450:448] PIIP1[453:451] PIIP2[456:454] PIIP3[459:457] PIIP4[462:460] PIIP5[465:463] PIIP6[468:466]
    PIIP7[471:469] PIIP8[474:472] PIIP9[477:475] PIIP10[480:478] PIIP11[483:481] PIIP12[486:484]
    PIIP13[489:487] PIIP14[492:490] PIIP15[495:493]";

/// §5.1.
const L1STD: &str = "Span[4:0] L2Ptr[55:6]";

/// §5.3.
const L1CD: &str = "V[0] L2Ptr[55:12]";

#[test]
fn names_are_where_the_specification_has_them() {
    check_names::<8>("STE", names::STE, &[STE_0_TO_3, STE_4_TO_7].concat());
    check_names::<8>("CD", names::CD, &[CD_0_TO_2, CD_3_TO_7].concat());
    check_names::<1>("L1STD", names::L1STD, L1STD);
    check_names::<1>("L1CD", names::L1CD, L1CD);
}

#[test]
fn stream_table_entry() {
    check_typed::<8>(
        512,
        STE_0_TO_3,
        accessors! { raw:
            "V" Ste(raw).word0().v(),
            "Config" Ste(raw).word0().config(),
            "S1Fmt" Ste(raw).word0().s1_fmt(),
            "S1ContextPtr" Ste(raw).word0().s1_context_ptr(),
            "S1CDMax" Ste(raw).word0().s1_cd_max(),
            "S1DSS" Ste(raw).word1().s1_dss(),
            "S1CIR" Ste(raw).word1().s1_cir(),
            "S1COR" Ste(raw).word1().s1_cor(),
            "S1CSH" Ste(raw).word1().s1_csh(),
            "S2HWU59" Ste(raw).word1().s2_hwu59(),
            "S2HWU60" Ste(raw).word1().s2_hwu60(),
            "S2HWU61" Ste(raw).word1().s2_hwu61(),
            "S2HWU62" Ste(raw).word1().s2_hwu62(),
            "DRE" Ste(raw).word1().dre(),
            "CONT" Ste(raw).word1().cont(),
            "DCP" Ste(raw).word1().dcp(),
            "PPAR" Ste(raw).word1().ppar(),
            "MEV" Ste(raw).word1().mev(),
            "SW_RESERVED" Ste(raw).word1().sw_reserved(),
            "S1PIE" Ste(raw).word1().s1_pie(),
            "S2FWB" Ste(raw).word1().s2_fwb(),
            "S1MPAM" Ste(raw).word1().s1_mpam(),
            "S1STALLD" Ste(raw).word1().s1_stalld(),
            "EATS" Ste(raw).word1().eats(),
            "STRW" Ste(raw).word1().strw(),
            "MemAttr" Ste(raw).word1().mem_attr(),
            "MTCFG" Ste(raw).word1().mtcfg(),
            "ALLOCCFG" Ste(raw).word1().alloccfg(),
            "SHCFG" Ste(raw).word1().shcfg(),
            "NSCFG" Ste(raw).word1().nscfg(),
            "PRIVCFG" Ste(raw).word1().privcfg(),
            "INSTCFG" Ste(raw).word1().instcfg(),
            "IMPDEF_127_116" Ste(raw).word1().impdef(),
            "S2VMID" Ste(raw).word2().s2_vmid(),
            "IMPDEF_159_144" Ste(raw).word2().impdef(),
            "S2T0SZ" Ste(raw).word2().s2_t0sz(),
            "S2SL0" Ste(raw).word2().s2_sl0(),
            "S2IR0" Ste(raw).word2().s2_ir0(),
            "S2OR0" Ste(raw).word2().s2_or0(),
            "S2SH0" Ste(raw).word2().s2_sh0(),
            "S2TG" Ste(raw).word2().s2_tg(),
            "S2PS" Ste(raw).word2().s2_ps(),
            "S2AA64" Ste(raw).word2().s2_aa64(),
            "S2ENDI" Ste(raw).word2().s2_endi(),
            "S2AFFD" Ste(raw).word2().s2_affd(),
            "S2PTW" Ste(raw).word2().s2_ptw(),
            "S2HD" Ste(raw).word2().s2_hd(),
            "S2HA" Ste(raw).word2().s2_ha(),
            "S2S" Ste(raw).word2().s2_s(),
            "S2R" Ste(raw).word2().s2_r(),
            "S2HAFT" Ste(raw).word2().s2_haft(),
            "S2PIE" Ste(raw).word2().s2_pie(),
            "S2POE" Ste(raw).word2().s2_poe(),
            "DPT_VMATCH" Ste(raw).word2().dpt_vmatch(),
            "S2NSW" Ste(raw).word3().s2_nsw(),
            "S2NSA" Ste(raw).word3().s2_nsa(),
            "S2SL0_2" Ste(raw).word3().s2_sl0_2(),
            "S2DS" Ste(raw).word3().s2_ds(),
            "S2TTB" Ste(raw).word3().s2_ttb(),
            "S2SKL" Ste(raw).word3().s2_skl(),
        },
    );
}

#[test]
fn context_descriptor() {
    check_typed::<8>(
        512,
        CD_0_TO_2,
        accessors! { raw:
            "T0SZ" Cd(raw).word0().t0sz(),
            "TG0" Cd(raw).word0().tg0(),
            "IR0" Cd(raw).word0().ir0(),
            "OR0" Cd(raw).word0().or0(),
            "SH0" Cd(raw).word0().sh0(),
            "EPD0" Cd(raw).word0().epd0(),
            "ENDI" Cd(raw).word0().endi(),
            "T1SZ" Cd(raw).word0().t1sz(),
            "TG1" Cd(raw).word0().tg1(),
            "IR1" Cd(raw).word0().ir1(),
            "OR1" Cd(raw).word0().or1(),
            "SH1" Cd(raw).word0().sh1(),
            "EPD1" Cd(raw).word0().epd1(),
            "V" Cd(raw).word0().v(),
            "IPS" Cd(raw).word0().ips(),
            "AFFD" Cd(raw).word0().affd(),
            "WXN" Cd(raw).word0().wxn(),
            "UWXN" Cd(raw).word0().uwxn(),
            "TBI0" Cd(raw).word0().tbi0(),
            "TBI1" Cd(raw).word0().tbi1(),
            "PAN" Cd(raw).word0().pan(),
            "AA64" Cd(raw).word0().aa64(),
            "HD" Cd(raw).word0().hd(),
            "HA" Cd(raw).word0().ha(),
            "S" Cd(raw).word0().s(),
            "R" Cd(raw).word0().r(),
            "A" Cd(raw).word0().a(),
            "ASET" Cd(raw).word0().aset(),
            "ASID" Cd(raw).word0().asid(),
            "NSCFG0" Cd(raw).word1().nscfg0(),
            "HAD0" Cd(raw).word1().had0(),
            "E0PD0" Cd(raw).word1().e0pd0(),
            "HAFT" Cd(raw).word1().haft(),
            "TTB0" Cd(raw).word1().ttb0(),
            "PnCH" Cd(raw).word1().pnch(),
            "EPAN" Cd(raw).word1().epan(),
            "HWU059" Cd(raw).word1().hwu059(),
            "HWU060" Cd(raw).word1().hwu060(),
            "HWU061" Cd(raw).word1().hwu061(),
            "HWU062" Cd(raw).word1().hwu062(),
            "NSCFG1" Cd(raw).word2().nscfg1(),
            "HAD1" Cd(raw).word2().had1(),
            "E0PD1" Cd(raw).word2().e0pd1(),
            "AIE" Cd(raw).word2().aie(),
            "TTB1" Cd(raw).word2().ttb1(),
            "DS" Cd(raw).word2().ds(),
            "PIE" Cd(raw).word2().pie(),
            "HWU159" Cd(raw).word2().hwu159(),
            "HWU160" Cd(raw).word2().hwu160(),
            "HWU161" Cd(raw).word2().hwu161(),
            "HWU162" Cd(raw).word2().hwu162(),
        },
    );
    check_typed::<8>(512, "MAIR[255:192]", accessors! { raw: "MAIR" Cd(raw).mair(), });
}

#[test]
fn level_1_descriptors() {
    check_typed::<1>(
        64,
        L1STD,
        accessors! { raw: "Span" L1Std::from_bits(raw[0]).span(), "L2Ptr" L1Std::from_bits(raw[0]).l2_ptr(), },
    );
    check_typed::<1>(
        64,
        L1CD,
        accessors! { raw: "V" L1Cd::from_bits(raw[0]).v(), "L2Ptr" L1Cd::from_bits(raw[0]).l2_ptr(), },
    );
}

/// What Linux 7.3 wrote for an NVMe device, by domain.
#[test]
fn structures_of_a_linux_driver() {
    assert_eq!(show(names::L1STD, &[0x5be2_0009]), "Span=0x9 L2Ptr=0x5be20000");
    assert_eq!(
        show(names::STE, &[0x44e1_000b, 0xd6, 0, 0, 0, 0, 0, 0]),
        "V=0x1 Config=0x5 S1ContextPtr=0x44e10000 S1DSS=0x2 S1CIR=0x1 S1COR=0x1 S1CSH=0x3"
    );
    assert_eq!(
        show(names::CD, &[0x0002_e204_c000_3510, 0x44ee_7000, 0, 0xffff_ffff_f404_ff44, 0, 0, 0, 0]),
        "T0SZ=0x10 IR0=0x1 OR0=0x1 SH0=0x3 EPD1=0x1 V=0x1 IPS=0x4 AA64=0x1 R=0x1 A=0x1 ASET=0x1 ASID=0x2 \
         TTB0=0x44ee7000 MAIR0=0xf404ff44 MAIR1=0xffffffff"
    );
    assert_eq!(
        show(names::STE, &[0xd, 0, 0x044c_3594_0000_0002, 0x44ee_6000, 0, 0, 0, 0]),
        "V=0x1 Config=0x6 S2VMID=0x2 S2T0SZ=0x14 S2SL0=0x2 S2IR0=0x1 S2OR0=0x1 S2SH0=0x3 S2PS=0x4 S2AA64=0x1 \
         S2PTW=0x1 S2R=0x1 S2TTB=0x44ee6000"
    );
}

/// A nested configuration that QEMU took.
#[test]
fn structures_of_a_random_configuration() {
    let ste = Ste([0x4400_000f, 0x1000_0000_00d4, 0x044c_355c_0000_0055, 0x5800_0000, 0, 0, 0, 0]);
    assert_eq!(
        show(names::STE, &ste.0),
        "V=0x1 Config=0x7 S1ContextPtr=0x44000000 S1CIR=0x1 S1COR=0x1 S1CSH=0x3 SHCFG=0x1 S2VMID=0x55 \
         S2T0SZ=0x1c S2SL0=0x1 S2IR0=0x1 S2OR0=0x1 S2SH0=0x3 S2PS=0x4 S2AA64=0x1 S2PTW=0x1 S2R=0x1 \
         S2TTB=0x58000000"
    );
    assert_eq!((ste.word1().shcfg(), ste.word2().s2_t0sz(), ste.word2().s2_sl0()), (1, 28, 1));
    let cd = Cd([0x3742_620c_c0a0_3520, 0x5000_0000, 0, 0xff_440c_0400, 0, 0, 0, 0]);
    assert_eq!(
        show(names::CD, &cd.0),
        "T0SZ=0x20 IR0=0x1 OR0=0x1 SH0=0x3 T1SZ=0x20 TG1=0x2 EPD1=0x1 V=0x1 IPS=0x4 AFFD=0x1 AA64=0x1 R=0x1 \
         A=0x1 ASID=0x3742 TTB0=0x50000000 MAIR0=0x440c0400 MAIR1=0xff"
    );
    assert_eq!((cd.word0().t0sz(), cd.word0().ips(), cd.word0().asid()), (32, 4, 0x3742));
}
