//! What stage 1 makes of the attributes (§13.4.1, §13.4.2).

use super::{Attributes, Shareability, mair};
use crate::choice::answer::DescriptorShReserved;
use crate::env::Env;
use crate::layout::descriptor::Stage1Leaf;

/// What the attributes of a stage 1 page depend on beside its descriptor (§5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stage1Settings {
    /// CD.MAIR.
    pub(crate) mair: u64,
    /// CD.AIE in effect: AttrIndx has four bits.
    pub(crate) aie: bool,
    pub(crate) shareability: ShareabilitySource,
}

/// Where the shareability of a page is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ShareabilitySource {
    /// SH of the descriptor.
    Descriptor,
    /// CD.SHx or STE.S2SH0: with DS, a 4 or 16 KiB granule has address bits in the place of SH.
    Configuration(Shareability),
}

impl Stage1Settings {
    /// The attributes of a page or block. They replace type and shareability of the access; its hints are
    /// combined with them by [`with_incoming_hints`].
    ///
    /// Our answer to an open point: Device and Normal-iNC-oNC are Outer Shareable already here, so stage 2
    /// does not get to see the SH of such a descriptor (DDI 0487 D8.6.2).
    #[inline(always)]
    pub(crate) fn decode(&self, env: &mut impl Env, leaf: Stage1Leaf) -> Attributes {
        let index = leaf.attr_indx() | if self.aie { u8::from(leaf.attr_indx_3()) << 3 } else { 0 };
        let memory_type = mair::memory_type(self.mair, index);
        let shareability = if memory_type.is_cacheable() {
            self.shareability.resolve(env, leaf.sh())
        } else {
            Shareability::OuterShareable
        };
        Attributes { memory_type, shareability }
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
    use super::super::testing::{ask, attributes};
    use super::*;
    use crate::choice::Choice;

    /// Byte 0 Device-nGnRnE, 1 Normal-iNC-oNC, 2 iWB-oWB, 3 iWT(RA)-oNC, 4 iNC-oWB transient, 7 iWT-oWT.
    const MAIR: u64 = 0xbb_00_00_74_4a_ff_44_00;

    fn check(settings: Stage1Settings, leaf: u64, expected: &str, asked: &[Choice]) {
        let (result, questions) = ask([], |env| settings.decode(env, Stage1Leaf::from_bits(leaf)));
        assert_eq!((result.to_string(), &*questions), (expected.to_owned(), asked), "{leaf:#x}");
    }

    #[test]
    fn type_and_shareability_of_a_page() {
        let settings =
            Stage1Settings { mair: MAIR, aie: false, shareability: ShareabilitySource::Descriptor };
        // AttrIndx lies at [4:2], SH at [9:8].
        check(settings, 0x303, "Device-nGnRnE-OSH", &[]);
        check(settings, 0x107, "Normal-iNC-oNC-OSH", &[]);
        check(settings, 0x00b, "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH", &[]);
        check(settings, 0x20b, "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH", &[]);
        check(settings, 0x30f, "Normal-iWT(RA,nWA)-oNC-ISH", &[]);
        check(settings, 0x313, "Normal-iNC-oWB(RA,WA,TR)-ISH", &[]);
        let reserved = [Choice::DescriptorShReserved];
        check(settings, 0x10b, "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH", &reserved);
        // Bit 59 is AttrIndx[3] only with AIE.
        check(settings, 0x0800_0000_0000_030b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
        let extended = Stage1Settings { aie: true, ..settings };
        check(extended, 0x0800_0000_0000_030b, "Normal-iWT(RA,WA)-oWT(RA,WA)-ISH", &[]);
        check(extended, 0x0000_0000_0000_030b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
        // Address bits in the place of SH.
        let shareability = ShareabilitySource::Configuration(Shareability::InnerShareable);
        check(Stage1Settings { shareability, ..settings }, 0x10b, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
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
