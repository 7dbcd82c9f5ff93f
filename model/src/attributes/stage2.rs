//! What stage 2 makes of the attributes (§13.4.3, §13.1.6; DDI 0487 D8.6.5, D8.6.6).

use super::mair::device;
use super::stage1::ShareabilitySource;
use super::{Attributes, Cacheability, Device, Hints, MemoryType, Shareability};
use crate::choice::answer::Stage2MemAttrReserved;
use crate::env::Env;
use crate::layout::descriptor::Stage2Leaf;

/// What the attributes of a stage 2 page depend on beside its descriptor (§5.2, §6.3.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage2Settings {
    /// STE.S2FWB in effect.
    pub(crate) fwb: bool,
    /// IDR3.MTEPERM: the NoTagAccess encodings of MemAttr exist.
    pub(crate) mteperm: bool,
    pub(crate) shareability: ShareabilitySource,
}

/// What a page or block of stage 2 does to the attributes that reach it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stage2Page {
    effect: Effect,
    shareability: Shareability,
}

/// What MemAttr does to the type. With S2FWB only one encoding needs more than a combination: Write-Back is
/// the weakest type, so to combine with it is to keep the input, and to combine with Non-cacheable keeps a
/// Device type and makes any other Non-cacheable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    Combine(MemoryType),
    WriteBack,
}

impl Stage2Settings {
    /// Reads MemAttr and SH; asks what reserved encodings mean. A type that leaves nothing cacheable is
    /// Outer Shareable whatever SH says, so nothing is asked about it.
    #[inline(always)]
    pub(crate) fn decode(&self, env: &mut impl Env, leaf: Stage2Leaf) -> Stage2Page {
        let mem_attr = leaf.mem_attr();
        let effect =
            if self.fwb { self.effect_with_fwb(mem_attr) } else { self.effect_without_fwb(mem_attr) };
        let effect = effect.unwrap_or_else(|| self.reserved(env));
        let shareability = match effect {
            Effect::Combine(memory_type) if !memory_type.is_cacheable() => Shareability::OuterShareable,
            Effect::Combine(_) | Effect::WriteBack => self.shareability.resolve(env, leaf.sh()),
        };
        Stage2Page { effect, shareability }
    }

    /// Whether a walk that stage 1 configures as Write-Back stays so through this page. No question is asked of a
    /// reserved MemAttr: it may not.
    #[cold]
    pub(crate) fn keeps_write_back(&self, leaf: Stage2Leaf) -> bool {
        let mem_attr = leaf.mem_attr();
        let effect =
            if self.fwb { self.effect_with_fwb(mem_attr) } else { self.effect_without_fwb(mem_attr) };
        match effect {
            Some(Effect::WriteBack) => true,
            Some(Effect::Combine(memory_type)) => memory_type.is_weakest(),
            None => false,
        }
    }

    #[inline(always)]
    fn effect_without_fwb(&self, bits: u8) -> Option<Effect> {
        match bits {
            0b0100 if self.mteperm => Some(Effect::Combine(MemoryType::WRITE_BACK)),
            _ => mem_attr(bits).map(Effect::Combine),
        }
    }

    /// Bit 3 is RES0 without MTEPERM: we take it to have no effect then, as any RES0 bit of a descriptor.
    #[inline(always)]
    fn effect_with_fwb(&self, bits: u8) -> Option<Effect> {
        let bits = if self.mteperm { bits } else { bits & 0b0111 };
        match bits {
            0b0000..=0b0011 => Some(Effect::Combine(MemoryType::Device(device(bits)))),
            0b0101 => Some(Effect::Combine(MemoryType::NON_CACHEABLE)),
            0b0110 | 0b1110 => Some(Effect::WriteBack),
            0b0111 | 0b1111 => Some(Effect::Combine(MemoryType::WRITE_BACK)),
            _ => None,
        }
    }

    /// A reserved encoding acts as an allocated one; with S2FWB the one that means Write-Back forces it.
    #[cold]
    fn reserved(&self, env: &mut impl Env) -> Effect {
        let permitted = [
            Stage2MemAttrReserved::DeviceNgnrne,
            Stage2MemAttrReserved::NonCacheable,
            Stage2MemAttrReserved::WriteBack,
        ];
        match env.ask(&permitted) {
            Stage2MemAttrReserved::DeviceNgnrne => Effect::Combine(MemoryType::Device(Device::NGnRnE)),
            Stage2MemAttrReserved::NonCacheable => Effect::Combine(MemoryType::NON_CACHEABLE),
            Stage2MemAttrReserved::WriteBack if self.fwb => Effect::WriteBack,
            Stage2MemAttrReserved::WriteBack => Effect::Combine(MemoryType::WRITE_BACK),
        }
    }
}

impl Stage2Page {
    /// Whether what reaches stage 2 as Device or Non-cacheable leaves it as Write-Back.
    #[inline(always)]
    pub(crate) fn forces_write_back(&self) -> bool {
        self.effect == Effect::WriteBack
    }

    /// The result for an access that reaches stage 2 with `incoming`: the result of stage 1, or the
    /// attributes after overrides. Hints do not change; a level that only S2FWB makes cacheable has RA, WA,
    /// nTR (§13.4.3, §13.1.3).
    #[inline(always)]
    pub(crate) fn apply(&self, incoming: Attributes) -> Attributes {
        match self.effect {
            // The weakest type changes nothing that it is combined with.
            Effect::Combine(memory_type) if incoming.memory_type.is_weakest() => {
                Attributes::new(memory_type, incoming.shareability.max(self.shareability))
            }
            Effect::Combine(memory_type) => {
                incoming.combine(Attributes { memory_type, shareability: self.shareability })
            }
            Effect::WriteBack => Attributes::new(
                MemoryType::WRITE_BACK.with_hints(incoming.memory_type.hints()),
                incoming.shareability.max(self.shareability),
            ),
        }
    }
}

/// The encoding of MemAttr without S2FWB: in descriptors, and always in STE, GBPA and MSI attributes (§5.2).
/// `None` if reserved. What is cacheable has no hints of its own: RA, WA, nTR.
#[inline(always)]
pub(crate) const fn mem_attr(bits: u8) -> Option<MemoryType> {
    let (outer, inner) = (bits >> 2 & 0b11, bits & 0b11);
    match (level(outer), level(inner)) {
        (None, _) => Some(MemoryType::Device(device(inner))),
        (Some(_), None) => None,
        (Some(outer), Some(inner)) => Some(MemoryType::Normal { inner, outer }),
    }
}

#[inline(always)]
const fn level(bits: u8) -> Option<Cacheability> {
    match bits {
        0b01 => Some(Cacheability::NonCacheable),
        0b10 => Some(Cacheability::WriteThrough(Hints::ALLOCATE)),
        0b11 => Some(Cacheability::WriteBack(Hints::ALLOCATE)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{all_types, ask, attributes};
    use super::*;
    use crate::choice::Choice;

    const ISH: ShareabilitySource = ShareabilitySource::Configuration(Shareability::InnerShareable);

    fn settings(fwb: bool, mteperm: bool) -> Stage2Settings {
        Stage2Settings { fwb, mteperm, shareability: ISH }
    }

    /// A stage 2 page with this MemAttr, which lies at [5:2].
    fn page(settings: Stage2Settings, mem_attr: u64) -> (Stage2Page, Vec<Choice>) {
        ask([], |env| settings.decode(env, Stage2Leaf::from_bits(mem_attr << 2 | 0b11)))
    }

    /// The five inputs of the tables below; all are Inner Shareable where that means something.
    const INPUTS: [&str; 5] = [
        "Device-nGRE-OSH",
        "Normal-iNC-oNC-OSH",
        "Normal-iWT(RA,nWA)-oNC-ISH",
        "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-ISH",
        "Normal-iWB(RA,WA)-oWB(nRA,WA)-ISH",
    ];

    fn check(settings: Stage2Settings, mem_attr: u64, results: [&str; 5]) {
        let (page, asked) = page(settings, mem_attr);
        let actual = INPUTS.map(|input| page.apply(attributes(input)).to_string());
        assert_eq!(actual, results, "MemAttr {mem_attr:#06b} with {settings:?}");
        assert_eq!(asked, []);
    }

    const GRE: [&str; 5] =
        ["Device-nGRE-OSH", "Device-GRE-OSH", "Device-GRE-OSH", "Device-GRE-OSH", "Device-GRE-OSH"];
    const N_GRE: [&str; 5] = ["Device-nGRE-OSH"; 5];
    const N_GN_RE: [&str; 5] = ["Device-nGnRE-OSH"; 5];
    const N_GN_RN_E: [&str; 5] = ["Device-nGnRnE-OSH"; 5];
    const NC: [&str; 5] = [
        "Device-nGRE-OSH",
        "Normal-iNC-oNC-OSH",
        "Normal-iNC-oNC-OSH",
        "Normal-iNC-oNC-OSH",
        "Normal-iNC-oNC-OSH",
    ];

    #[test]
    fn without_fwb_the_stronger_type_wins() {
        const NONE: &str = "Normal-iNC-oNC-OSH";
        let rows = [
            (0b0000, N_GN_RN_E),
            (0b0001, N_GN_RE),
            (0b0010, N_GRE),
            (0b0011, GRE),
            (0b0101, NC),
            (
                0b0110,
                [N_GRE[0], NONE, INPUTS[2], "Normal-iWT(RA,nWA,TR)-oNC-ISH", "Normal-iWT(RA,WA)-oNC-ISH"],
            ),
            (
                0b0111,
                [N_GRE[0], NONE, INPUTS[2], "Normal-iWB(RA,nWA,TR)-oNC-ISH", "Normal-iWB(RA,WA)-oNC-ISH"],
            ),
            (0b1001, [N_GRE[0], NONE, NONE, "Normal-iNC-oWT(nRA,WA)-ISH", "Normal-iNC-oWT(nRA,WA)-ISH"]),
            (
                0b1010,
                [
                    N_GRE[0],
                    NONE,
                    INPUTS[2],
                    "Normal-iWT(RA,nWA,TR)-oWT(nRA,WA)-ISH",
                    "Normal-iWT(RA,WA)-oWT(nRA,WA)-ISH",
                ],
            ),
            (0b1011, [N_GRE[0], NONE, INPUTS[2], INPUTS[3], "Normal-iWB(RA,WA)-oWT(nRA,WA)-ISH"]),
            (0b1101, [N_GRE[0], NONE, NONE, "Normal-iNC-oWT(nRA,WA)-ISH", "Normal-iNC-oWB(nRA,WA)-ISH"]),
            (
                0b1110,
                [
                    N_GRE[0],
                    NONE,
                    INPUTS[2],
                    "Normal-iWT(RA,nWA,TR)-oWT(nRA,WA)-ISH",
                    "Normal-iWT(RA,WA)-oWB(nRA,WA)-ISH",
                ],
            ),
            (0b1111, INPUTS),
        ];
        for (mem_attr, results) in rows {
            check(settings(false, false), mem_attr, results);
            check(settings(false, true), mem_attr, results);
        }
        check(settings(false, true), 0b0100, INPUTS);
    }

    #[test]
    fn with_fwb_stage_2_decides() {
        let forced = [
            "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH",
            "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH",
            "Normal-iWB(RA,nWA)-oWB(RA,WA)-ISH",
            "Normal-iWB(RA,nWA,TR)-oWB(nRA,WA)-ISH",
            "Normal-iWB(RA,WA)-oWB(nRA,WA)-ISH",
        ];
        let rows = [
            (0b000, N_GN_RN_E),
            (0b001, N_GN_RE),
            (0b010, N_GRE),
            (0b011, GRE),
            (0b101, NC),
            (0b110, forced),
            (0b111, INPUTS),
        ];
        for (mem_attr, results) in rows {
            check(settings(true, true), mem_attr, results);
            check(settings(true, false), mem_attr, results);
            check(settings(true, false), mem_attr | 0b1000, results);
        }
        check(settings(true, true), 0b1110, forced);
        check(settings(true, true), 0b1111, INPUTS);
    }

    #[test]
    fn exactly_the_reserved_encodings_are_asked_about() {
        let reserved = |fwb, mteperm| -> Vec<u64> {
            (0..16).filter(|&bits| !page(settings(fwb, mteperm), bits).1.is_empty()).collect()
        };
        assert_eq!(reserved(false, false), [0b0100, 0b1000, 0b1100]);
        assert_eq!(reserved(false, true), [0b1000, 0b1100]);
        assert_eq!(reserved(true, false), [0b0100, 0b1100]);
        assert_eq!(reserved(true, true), [0b0100, 0b1000, 0b1001, 0b1010, 0b1011, 0b1100, 0b1101]);
    }

    #[test]
    fn reserved_encodings_act_as_allocated_ones() {
        let rows = [
            ("device-ngnrne", 0b0000, 0b000),
            ("non-cacheable", 0b0101, 0b101),
            ("write-back", 0b1111, 0b110),
        ];
        for (answer, without_fwb, with_fwb) in rows {
            for (fwb, like) in [(false, without_fwb), (true, with_fwb)] {
                let script = [("stage2-memattr-reserved", answer)];
                let leaf = Stage2Leaf::from_bits(0b1100 << 2);
                let (actual, asked) = ask(script, |env| settings(fwb, true).decode(env, leaf));
                assert_eq!(actual, page(settings(fwb, true), like).0, "{answer}");
                assert_eq!(asked, [Choice::Stage2MemAttrReserved]);
            }
        }
    }

    #[test]
    fn shareability_is_combined() {
        // SH lies at [9:8]; MemAttr 0b1111 keeps the type.
        let descriptor =
            Stage2Settings { shareability: ShareabilitySource::Descriptor, ..settings(false, true) };
        let check = |leaf, input: &str, expected: &str, questions: &[Choice]| {
            let (page, asked) = ask([], |env| descriptor.decode(env, Stage2Leaf::from_bits(leaf)));
            assert!(page.apply(attributes(input)).to_string().ends_with(expected), "{leaf:#x}");
            assert_eq!(asked, questions);
        };
        let [nsh, ish, osh] = ["NSH", "ISH", "OSH"].map(|sh| format!("Normal-iWB(RA,WA)-oNC-{sh}"));
        for (leaf, expected) in
            [(0x03c, ["NSH", "ISH", "OSH"]), (0x33c, ["ISH", "ISH", "OSH"]), (0x23c, ["OSH", "OSH", "OSH"])]
        {
            check(leaf, &nsh, expected[0], &[]);
            check(leaf, &ish, expected[1], &[]);
            check(leaf, &osh, expected[2], &[]);
        }
        check(0x13c, &ish, "ISH", &[Choice::DescriptorShReserved]);
        // Nothing cacheable is left: SH does not matter, so it is not asked about.
        check(0x104, &nsh, "OSH", &[]);
        check(0x114, &nsh, "OSH", &[]);
    }

    /// What must hold for every page and every input, whatever the tables say.
    #[test]
    fn results_are_outer_shareable_unless_cacheable_and_hints_stay() {
        for (fwb, mteperm) in [(false, false), (false, true), (true, false), (true, true)] {
            for page in (0..16).map(|mem_attr| page(settings(fwb, mteperm), mem_attr).0) {
                for memory_type in all_types() {
                    let incoming = Attributes::new(memory_type, Shareability::NonShareable);
                    let result = page.apply(incoming);
                    let hints = incoming.memory_type.hints();
                    assert_eq!(result.memory_type, result.memory_type.with_hints(hints));
                    let expected = match result.memory_type.is_cacheable() {
                        true if incoming.memory_type.is_cacheable() => Shareability::InnerShareable,
                        true | false => Shareability::OuterShareable,
                    };
                    assert_eq!(result.shareability, expected);
                }
            }
        }
    }
}
