//! What stage 1 makes of the attributes (§13.4.1, §13.4.2).

use super::{Attributes, MemoryType, Shareability};
use crate::choice::answer::{DescriptorShReserved, DeviceShareability};
use crate::env::Env;
use crate::layout::descriptor::Stage1Leaf;

/// Where the shareability of a page is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum ShareabilitySource {
    /// SH of the descriptor.
    Descriptor,
    /// CD.SHx or STE.S2SH0: with DS, a 4 or 16 KiB granule has address bits in the place of SH.
    Configuration(Shareability),
}

/// The attributes of a page or block of `memory_type`. They replace type and shareability of the access; its
/// hints are combined with them by [`with_incoming_hints`].
///
/// Device and Normal-iNC-oNC are Outer Shareable; what stage 2 gets to see where it makes them cacheable is a question
/// of its own: [`shareability_made_cacheable`].
#[inline(always)]
pub(crate) fn page(
    env: &mut impl Env,
    memory_type: MemoryType,
    source: ShareabilitySource,
    leaf: Stage1Leaf,
) -> Attributes {
    let shareability = if memory_type.is_cacheable() {
        source.resolve(env, leaf.sh())
    } else {
        Shareability::OuterShareable
    };
    Attributes { memory_type, shareability }
}

/// The shareability that stage 2 combines with its own, for a page of a type that is not cacheable and that stage 2
/// makes cacheable: Outer Shareable, or that of the descriptor (DDI 0487 D8.6.2).
#[cold]
pub(crate) fn shareability_made_cacheable(
    env: &mut impl Env,
    source: ShareabilitySource,
    leaf: Stage1Leaf,
) -> Shareability {
    match env.ask(&[DeviceShareability::OuterShareable, DeviceShareability::Descriptor]) {
        DeviceShareability::OuterShareable => Shareability::OuterShareable,
        DeviceShareability::Descriptor => source.resolve(env, leaf.sh()),
    }
}

/// The attributes of an access to `page`: a level that is cacheable on both sides takes the stronger hints,
/// one that `incoming` (after overrides) has Device or Non-cacheable takes those of the page (§13.4.2).
///
/// The specification speaks of the incoming type as a whole. Where only one of its levels is cacheable we
/// judge each level for itself, since a Non-cacheable level has no hints to give (§13.1.3).
#[inline(always)]
pub(crate) fn with_incoming_hints(page: Attributes, incoming: Attributes) -> Attributes {
    if incoming.memory_type.is_weakest() {
        return page; // the weakest hints change nothing
    }
    let hints = page.memory_type.hints().combine(incoming.memory_type.hints());
    Attributes { memory_type: page.memory_type.with_hints(hints), ..page }
}

impl ShareabilitySource {
    /// The shareability of a page whose descriptor has `sh` in its field. Asks what a reserved one means.
    #[inline(always)]
    pub(super) fn resolve(self, env: &mut impl Env, sh: u8) -> Shareability {
        match self {
            Self::Configuration(shareability) => shareability,
            Self::Descriptor if sh == 0b01 => reserved(env),
            Self::Descriptor => Shareability::from_field(sh),
        }
    }
}

#[cold]
fn reserved(env: &mut impl Env) -> Shareability {
    let permitted = [
        DescriptorShReserved::NonShareable,
        DescriptorShReserved::InnerShareable,
        DescriptorShReserved::OuterShareable,
    ];
    match env.ask(&permitted) {
        DescriptorShReserved::NonShareable => Shareability::NonShareable,
        DescriptorShReserved::InnerShareable => Shareability::InnerShareable,
        DescriptorShReserved::OuterShareable => Shareability::OuterShareable,
    }
}

#[cfg(test)]
mod tests {
    use super::super::mair::MemoryTypes;
    use super::super::testing::{ask, attributes};
    use super::*;
    use crate::choice::Choice;

    /// Byte 0 Device-nGnRnE, 1 Normal-iNC-oNC, 2 iWB-oWB, 3 iWT(RA)-oNC, 4 iNC-oWB transient, 7 iWT-oWT.
    const MAIR: u64 = 0xbb_00_00_74_4a_ff_44_00;

    fn check(aie: bool, source: ShareabilitySource, leaf: u64, expected: &str, asked: &[Choice]) {
        let leaf = Stage1Leaf::from_bits(leaf);
        let memory_type = MemoryTypes::new(MAIR, aie).select(leaf);
        let (result, questions) = ask([], |env| page(env, memory_type, source, leaf));
        assert_eq!((result.to_string(), &*questions), (expected.to_owned(), asked), "{leaf:?}");
    }

    #[test]
    fn type_and_shareability_of_a_page() {
        let plain = |leaf, expected, asked: &[Choice]| {
            check(false, ShareabilitySource::Descriptor, leaf, expected, asked);
        };
        // AttrIndx lies at [4:2], SH at [9:8].
        plain(0x303, "Device-nGnRnE-OSH", &[]);
        plain(0x107, "Normal-iNC-oNC-OSH", &[]);
        plain(0x00b, "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH", &[]);
        plain(0x20b, "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH", &[]);
        plain(0x30f, "Normal-iWT(RA,nWA)-oNC-ISH", &[]);
        plain(0x313, "Normal-iNC-oWB(RA,WA,TR)-ISH", &[]);
        plain(0x10b, "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH", &[Choice::DescriptorShReserved]);
        // Bit 59 is AttrIndx[3] only with AIE.
        plain(0x0800_0000_0000_030b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
        let extended = |leaf, expected| check(true, ShareabilitySource::Descriptor, leaf, expected, &[]);
        extended(0x0800_0000_0000_030b, "Normal-iWT(RA,WA)-oWT(RA,WA)-ISH");
        extended(0x0000_0000_0000_030b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH");
        // Address bits in the place of SH.
        let configured = ShareabilitySource::Configuration(Shareability::InnerShareable);
        check(false, configured, 0x10b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
    }

    #[test]
    fn reserved_shareability_has_three_answers() {
        for (answer, expected) in
            [("non-shareable", "NSH"), ("inner-shareable", "ISH"), ("outer-shareable", "OSH")]
        {
            let script = [("descriptor-sh-reserved", answer)];
            let (result, _) = ask(script, |env| ShareabilitySource::Descriptor.resolve(env, 0b01));
            assert_eq!(result.to_string(), expected);
        }
    }

    #[test]
    fn hints_of_client_and_page() {
        let check = |page: &str, incoming: &str, expected: &str| {
            let result = with_incoming_hints(attributes(page), attributes(incoming));
            assert_eq!(result.to_string(), expected);
        };
        let write_back = "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH";
        let transient = "Normal-iWB(RA,nWA,TR)-oWB(nRA,WA)-ISH";
        // No-allocate and transient win, from either side; the incoming type itself does not matter.
        check(write_back, "Normal-iWT(nRA,WA)-oWB(RA,WA,TR)-OSH", "Normal-iWB(nRA,WA)-oWB(RA,WA,TR)-ISH");
        check(transient, "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH", transient);
        check(transient, "Normal-iWB(nRA,WA)-oWT(RA,nWA)-NSH", "Normal-iWB(nRA,nWA,TR)-oWB(nRA,nWA)-ISH");
        // An incoming type without hints leaves those of the page.
        check(transient, "Device-GRE-OSH", transient);
        check(transient, "Normal-iNC-oNC-OSH", transient);
        check(write_back, "Normal-iNC-oWB(nRA,nWA)-ISH", "Normal-iWB(RA,WA)-oWB(nRA,nWA)-ISH");
        // A page without hints takes none.
        check("Device-nGRE-OSH", transient, "Device-nGRE-OSH");
        check("Normal-iNC-oNC-OSH", transient, "Normal-iNC-oNC-OSH");
        check("Normal-iWT(RA,nWA)-oNC-ISH", transient, "Normal-iWT(RA,nWA,TR)-oNC-ISH");
    }
}
