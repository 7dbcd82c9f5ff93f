//! Which revision of the architecture introduced a feature (§2.3–§2.8), and which may contain it (§2.9).

use super::constraints::Decoded;

/// The fields that announce a feature two or more revisions ahead of AIDR (§2.9).
pub(super) fn too_new(decoded: &Decoded) -> Vec<&'static str> {
    let newest_allowed = decoded.aidr.arch_minor_rev() + 1;
    let announced = |field| decoded.ids.field(field).expect("the table names only known fields");
    let ahead = FEATURES.iter().filter(|(home, _, _)| *home > newest_allowed);
    ahead.filter(|(_, field, first)| announced(field) >= *first).map(|(_, field, _)| *field).collect()
}

/// AIDR, and what is too new for it.
pub(super) fn shown(decoded: &Decoded) -> Vec<&'static str> {
    [vec!["AIDR.ArchMinorRev"], too_new(decoded)].concat()
}

/// The minor revision that introduced a feature, its field, and the smallest value that announces it.
/// Secure, Realm and Root features have their fields elsewhere; those of v3.0 need no row.
const FEATURES: &[(u8, &str, u64)] = &[
    (2, "IDR3.BBML", 1),
    (2, "IDR3.RIL", 1),
    (2, "IDR3.STT", 1),
    (2, "IDR3.MPAM", 1),
    (2, "IDR3.FWB", 1),
    (3, "IDR3.E0PD", 1),
    (3, "IDR3.PTWNNC", 1),
    (3, "IDR1.ECMDQ", 1),
    (3, "IDR0.ATSRECERR", 1),
    (3, "IDR0.RME_IMPL", 1),
    (3, "IDR3.DPT", 1),
    (4, "IDR0.HTTU", 3),
    (4, "IDR3.EPAN", 1),
    (4, "IDR3.THE", 1),
    (4, "IDR3.S1PI", 1),
    (4, "IDR3.S2PI", 1),
    (4, "IDR3.S2PO", 1),
    (4, "IDR3.AIE", 1),
    (4, "IDR3.MTEPERM", 1),
    (4, "IDR3.PASIDTT", 1),
    (4, "IDR5.DS", 1),
    (4, "IDR5.D128", 1),
    (4, "IDR5.VAX", 2),
    (4, "IDR5.OAS", 7),
];
