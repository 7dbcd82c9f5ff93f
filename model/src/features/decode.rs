//! From checked ID registers to [`Features`] (§6.3.1–§6.3.8, §3.4).

use super::constraints::Decoded;
use super::{Features, Httu, IdRegisters, Revision, StallModel, TableEndianness};

/// Takes the registers apart. They have passed every check, so reserved encodings cannot occur.
pub(super) fn decode(ids: IdRegisters) -> Features {
    let Decoded { idr0, idr1, idr3, idr5, idr6, aidr, .. } = Decoded::new(ids);
    let oas_bits = oas_bits(idr5.oas());
    Features {
        ids,
        revision: revision(aidr.arch_minor_rev()),
        s1p: idr0.s1p(),
        s2p: idr0.s2p(),
        oas_bits,
        ias_bits: ias_bits(idr0.ttf(), oas_bits),
        vax_bits: vax_bits(idr5.vax()),
        granule_4k: idr5.gran4k(),
        granule_16k: idr5.gran16k(),
        granule_64k: idr5.gran64k(),
        ds: idr5.ds(),
        stt: idr3.stt(),
        httu: httu(idr0.httu()),
        table_endianness: table_endianness(idr0.ttendian()),
        bbml: idr3.bbml(),
        had: idr3.had(),
        pbha: idr3.pbha(),
        xnx: idr3.xnx(),
        fwb: idr3.fwb(),
        e0pd: idr3.e0pd(),
        epan: idr3.epan(),
        aie: idr3.aie(),
        ptwnnc: idr3.ptwnnc(),
        mteperm: idr3.mteperm(),
        stall_model: stall_model(idr0.stall_model()),
        stall_max: idr5.stall_max(),
        term_abort_only: idr0.term_model(),
        sid_bits: idr1.sidsize(),
        ssid_bits: idr1.ssidsize(),
        two_level_stream_table: idr0.st_level() == 1,
        two_level_cd: idr0.cd2l(),
        asid16: idr0.asid16(),
        vmid16: idr0.vmid16(),
        vmw: idr0.vmw(),
        hyp: idr0.hyp(),
        attr_types_ovr: idr1.attr_types_ovr(),
        attr_perms_ovr: idr1.attr_perms_ovr(),
        cmdq_log2_max: idr1.cmdqs(),
        eventq_log2_max: idr1.eventqs(),
        priq_log2_max: if idr0.pri() { idr1.priqs() } else { 0 },
        ecmdq_pages: if idr1.ecmdq() { 1 << idr6.cmdq_control_page_log2nump() } else { 0 },
        ecmdq_per_page: if idr1.ecmdq() { 1 << idr6.cmdq_control_page_log2numq() } else { 0 },
        ril: idr3.ril(),
        btm: idr0.btm(),
        cohacc: idr0.cohacc(),
        msi: idr0.msi(),
        sev: idr0.sev(),
        dormhint: idr0.dormhint(),
        ats: idr0.ats(),
        ns1ats: idr0.ns1ats(),
        atsrecerr: idr0.atsrecerr(),
        pasidtt: idr3.pasidtt(),
        pri: idr0.pri(),
        pps: idr3.pps(),
        atos: idr0.atos(),
        vatos: idr0.vatos(),
    }
}

fn revision(arch_minor_rev: u8) -> Revision {
    match arch_minor_rev {
        0 => Revision::V3_0,
        1 => Revision::V3_1,
        2 => Revision::V3_2,
        3 => Revision::V3_3,
        4 => Revision::V3_4,
        _ => unreachable!("a later revision is refused as unmodelled"),
    }
}

fn oas_bits(oas: u8) -> u8 {
    match oas {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        6 => 52,
        7 => 56,
        _ => unreachable!("OAS has three bits"),
    }
}

/// The wider of what the two table formats can yield (§3.4). While VMSAv8-32 LPAE is refused, this is OAS.
fn ias_bits(ttf: u8, oas_bits: u8) -> u8 {
    let lpae = if ttf & 0b01 != 0 { 40 } else { 0 };
    let vmsa_v8_64 = if ttf & 0b10 != 0 { oas_bits } else { 0 };
    lpae.max(vmsa_v8_64)
}

fn vax_bits(vax: u8) -> u8 {
    match vax {
        0 => 48,
        1 => 52,
        2 => 56,
        _ => unreachable!("VAX = 3 breaks V06"),
    }
}

fn httu(httu: u8) -> Httu {
    match httu {
        0 => Httu::None,
        1 => Httu::AccessFlag,
        2 => Httu::AccessAndDirty,
        3 => Httu::WithTable,
        _ => unreachable!("HTTU has two bits"),
    }
}

fn table_endianness(ttendian: u8) -> TableEndianness {
    match ttendian {
        0b00 => TableEndianness::Mixed,
        0b10 => TableEndianness::LittleOnly,
        0b11 => TableEndianness::BigOnly,
        _ => unreachable!("TTENDIAN = 1 breaks V11"),
    }
}

fn stall_model(stall_model: u8) -> StallModel {
    match stall_model {
        0b00 => StallModel::StallAndTerminate,
        0b01 => StallModel::TerminateOnly,
        0b10 => StallModel::StallOnly,
        _ => unreachable!("STALL_MODEL = 3 breaks V11"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Preset;
    use super::*;

    #[test]
    fn the_intermediate_size_is_that_of_the_widest_format() {
        assert_eq!(ias_bits(0b10, 36), 36);
        assert_eq!(ias_bits(0b01, 48), 40);
        assert_eq!(ias_bits(0b11, 36), 40);
        assert_eq!(ias_bits(0b11, 48), 48);
    }

    macro_rules! plain {
        ($($name:literal $field:ident),* $(,)?) => { &[$(($name, |features| u64::from(features.$field))),*] };
    }

    type Plain = (&'static str, fn(&Features) -> u64);

    /// The fields that are copied without a change of meaning.
    const PLAIN: &[Plain] = plain![
        "S1P" s1p, "S2P" s2p, "GRAN4K" granule_4k, "GRAN16K" granule_16k, "GRAN64K" granule_64k, "DS" ds,
        "STT" stt, "BBML" bbml, "HAD" had, "PBHA" pbha, "XNX" xnx, "FWB" fwb, "E0PD" e0pd, "EPAN" epan,
        "AIE" aie, "PTWNNC" ptwnnc, "MTEPERM" mteperm, "STALL_MAX" stall_max, "TERM_MODEL" term_abort_only,
        "SIDSIZE" sid_bits, "SSIDSIZE" ssid_bits, "ST_LEVEL" two_level_stream_table, "CD2L" two_level_cd,
        "ASID16" asid16, "VMID16" vmid16, "VMW" vmw, "HYP" hyp, "ATTR_TYPES_OVR" attr_types_ovr,
        "ATTR_PERMS_OVR" attr_perms_ovr, "CMDQS" cmdq_log2_max, "EVENTQS" eventq_log2_max, "RIL" ril,
        "BTM" btm, "COHACC" cohacc, "MSI" msi, "SEV" sev, "DORMHINT" dormhint, "ATS" ats, "NS1ATS" ns1ats,
        "ATSRECERR" atsrecerr, "PASIDTT" pasidtt, "PRI" pri, "PPS" pps, "ATOS" atos, "VATOS" vatos,
    ];

    /// Flips each field in turn and compares every field of each legal result with its name in FIELDS,
    /// which has golden words of its own.
    #[test]
    fn each_plain_field_comes_from_the_bits_of_its_name() {
        let idr_0_and_5 = |idr0, idr5| IdRegisters { idr: [idr0, 0, 0, 0, 0, idr5, 0], iidr: 0, aidr: 0 };
        let mut starts: Vec<IdRegisters> = Preset::ALL.iter().map(|preset| preset.id_registers()).collect();
        // Bare v3.0 with stage 1, the same with stage 2, and one that has VATOS.
        starts.extend([idr_0_and_5(0x0a, 0x10), idr_0_and_5(0x09, 0x10), idr_0_and_5(0x0010_800b, 0x10)]);

        let mut seen = std::collections::BTreeSet::new();
        for (start, (flipped, _)) in
            starts.iter().flat_map(|start| PLAIN.iter().map(move |plain| (start, plain)))
        {
            let mut ids = *start;
            ids.set_field(flipped, u64::from(ids.field(flipped) == Ok(0))).unwrap();
            for ids in [*start, ids] {
                let Ok(features) = Features::new(ids) else { continue };
                for (name, decoded) in PLAIN {
                    assert_eq!(ids.field(name), Ok(decoded(&features)), "{name} in {ids:x?}");
                    seen.insert((*name, decoded(&features) != 0));
                }
            }
        }
        assert_eq!(seen.len(), 2 * PLAIN.len(), "each field is met as zero and as not zero");
    }

    #[test]
    fn encodings_become_words() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(oas_bits), [32, 36, 40, 42, 44, 48, 52, 56]);
        assert_eq!([0, 1, 2].map(vax_bits), [48, 52, 56]);
        let with = |idr0| {
            let ids = IdRegisters { idr: [idr0, 0, 0, 0, 0, 0x10, 0], iidr: 0, aidr: 3 };
            let features = decode(ids);
            (features.httu, features.stall_model, features.table_endianness)
        };
        assert_eq!(with(0x08), (Httu::None, StallModel::StallAndTerminate, TableEndianness::Mixed));
        assert_eq!(
            with(0x0140_0048),
            (Httu::AccessFlag, StallModel::TerminateOnly, TableEndianness::LittleOnly)
        );
        assert_eq!(
            with(0x0260_0088),
            (Httu::AccessAndDirty, StallModel::StallOnly, TableEndianness::BigOnly)
        );
        assert_eq!(with(0xc8).0, Httu::WithTable);
    }
}
