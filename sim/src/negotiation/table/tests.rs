//! Every field of IDR0 to IDR5 is in the table, once, and the table and the kernel's list agree.

use smmu_model::features::FIELDS;

use super::*;
use crate::kernel::generation::DOCUMENTED;

#[test]
fn every_field_of_idr0_to_idr5_is_in_one_capability() {
    let is_asked =
        |name: &str| ["IDR0.", "IDR1.", "IDR2.", "IDR3.", "IDR5."].iter().any(|r| name.starts_with(r));
    for field in FIELDS.iter().filter(|field| is_asked(field.name)) {
        let homes: Vec<_> = CAPABILITIES.iter().filter(|known| known.fields.contains(&field.name)).collect();
        assert_eq!(homes.len(), 1, "{}", field.name);
    }
    let all: usize = CAPABILITIES.iter().map(|capability| capability.fields.len()).sum();
    assert_eq!(all, FIELDS.iter().filter(|field| is_asked(field.name)).count(), "no field is made up");
}

#[test]
fn the_table_lists_as_documented_what_the_kernel_documents() {
    for capability in CAPABILITIES {
        let is_listed = matches!(capability.documented, Documented::Since6_13 | Documented::Since7_3);
        for field in capability.fields {
            assert_eq!(DOCUMENTED.contains(field), is_listed, "{field}");
        }
    }
}

#[test]
fn what_is_documented_can_be_read_directly_or_is_emulated() {
    use super::super::capability::Way;
    for capability in CAPABILITIES.iter().filter(|known| DOCUMENTED.contains(&known.fields[0])) {
        assert!(matches!(capability.way(), Way::Direct | Way::OfTheVmm), "{}", capability.name);
    }
}
