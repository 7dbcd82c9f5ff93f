//! The list of rules against the lists of the specification (§5.2.2, §5.4.2).

use smmu_model::rule::Rule;

/// The checks of STE and CD that no configuration of this model can reach, and why. `STE-05` and its like count
/// the rows of the validity lists.
const UNREACHABLE: &[(&str, &str)] = &[
    ("STE-05", "Secure only"),
    ("STE-06", "Secure and Realm only"),
    ("STE-11", "IDR3.DPT is refused"),
    ("STE-12", "Realm only"),
    ("STE-14", "Secure only"),
    ("STE-15", "Secure only"),
    ("STE-16", "Secure only"),
    ("STE-18", "Secure only"),
    ("STE-19", "Realm only"),
    ("STE-23", "VMSAv8-32 is refused: STE-27 stands for it"),
    ("STE-25", "Realm only"),
    ("STE-28", "TTF without VMSAv8-64 is refused"),
    ("STE-35", "VMSAv8-32 is refused: STE-27 stands for it"),
    ("STE-37", "IDR5.D128 is refused"),
    ("STE-38", "Secure only"),
    ("STE-39", "Secure only"),
    ("STE-40", "Secure only"),
    ("STE-41", "Secure only"),
    ("STE-42", "Secure only"),
    ("STE-45", "IDR3.S2PI is refused"),
    ("STE-46", "IDR3.S2PO is refused"),
    ("STE-47", "IDR3.S2PO is refused"),
    ("STE-48", "IDR3.S2PO is refused"),
    ("STE-50", "IDR3.MPAM is refused"),
    ("CD-09", "VMSAv8-32 is refused: CD-08 stands for it"),
    ("CD-10", "Secure only"),
    ("CD-11", "TTF without VMSAv8-64 is refused"),
    ("CD-12", "STE-27 comes first"),
    ("CD-23", "IDR5.D128 is refused"),
    ("CD-24", "IDR5.D128 is refused"),
    ("CD-25", "IDR5.D128 is refused"),
    ("CD-26", "IDR5.D128 is refused"),
    ("CD-27", "IDR3.S1PI is refused"),
    ("CD-28", "IDR3.S1PI is refused"),
    ("CD-29", "IDR3.S1PI is refused"),
];

/// Each of the 50 rows for the STE and the 29 for the CD is a rule or has a reason not to be one, never both.
#[test]
fn every_row_of_the_validity_lists_is_accounted_for() {
    for (family, rows) in [("STE", 50), ("CD", 29)] {
        for row in 1..=rows {
            let label = format!("{family}-{row:02}");
            let rules = Rule::ALL.iter().filter(|rule| rule.label() == label).count();
            let reasons = UNREACHABLE.iter().filter(|(unreachable, _)| *unreachable == label).count();
            assert_eq!(rules + reasons, 1, "{label}");
        }
        let in_family = |label: &&str| label.starts_with(&format!("{family}-"));
        let labels = Rule::ALL.iter().map(|rule| rule.label()).filter(in_family);
        for number in labels.filter_map(|label| label.rsplit('-').next()?.parse::<u32>().ok()) {
            assert!((1..=rows).contains(&number), "{family}-{number:02}");
        }
    }
}
