//! Overrides of what the client presents, by the STE or by GBPA (§13.1.4, §5.2, §6.3.14).
//!
//! Those of memory attributes need not apply to PCIe streams (§13.6.1). The SMMU does not know which streams these
//! are; a stream with ATS is one.

use super::combine::LevelHints;
use super::stage2;
use super::{Attributes, Device, Hints, MemoryType, Shareability};
use crate::choice::answer::{AlloccfgWithoutMtcfg, PcieOverrides, TranslatedAlloccfg};
use crate::env::Env;
use crate::features::Features;
use crate::layout::register::Gbpa;
use crate::layout::ste::SteWord1;
use crate::transaction::{Access, Privilege, Purpose};

/// The overrides in effect; `None` if all is as it comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overrides(Option<Replaced>);

/// What takes the place of which attribute; `None` stands for "use incoming".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Replaced {
    memory_type: Option<MemoryType>,
    allocation: Allocation,
    shareability: Option<Shareability>,
    privilege: Option<Privilege>,
    /// Of reads; a write is always data.
    purpose: Option<Purpose>,
    /// The stream is known to be one of PCIe.
    pcie: bool,
}

/// ALLOCCFG in effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Allocation {
    /// The hints that came with the access.
    Incoming,
    /// These, at both levels.
    Override(Hints),
    /// These, at both levels, unless the implementation has it that ALLOCCFG needs MTCFG (STE-C22).
    OverrideOrIncoming(Hints),
}

impl Overrides {
    /// Those of an STE (§5.2).
    pub(crate) fn from_ste(word: SteWord1, f: &Features) -> Self {
        let mut replaced = Replaced::decode(
            f,
            Fields {
                memory_type: word.mtcfg().then_some(word.mem_attr()),
                alloccfg: word.alloccfg(),
                shcfg: word.shcfg(),
                privcfg: word.privcfg(),
                instcfg: word.instcfg(),
            },
        );
        if let (None, Allocation::Override(hints)) = (replaced.memory_type, replaced.allocation) {
            replaced.allocation = Allocation::OverrideOrIncoming(hints);
        }
        Self::of(replaced)
    }

    /// Those of GBPA, for streams that bypass a disabled SMMU (§6.3.14).
    pub(crate) fn from_gbpa(gbpa: Gbpa, f: &Features) -> Self {
        let replaced = Replaced::decode(
            f,
            Fields {
                memory_type: gbpa.mtcfg().then_some(gbpa.mem_attr()),
                alloccfg: gbpa.alloccfg(),
                shcfg: gbpa.shcfg(),
                privcfg: gbpa.privcfg(),
                instcfg: gbpa.instcfg(),
            },
        );
        Self::of(replaced)
    }

    /// The same, for a stream that has ATS if `has_ats` says so.
    pub(crate) fn for_stream(self, has_ats: bool) -> Self {
        Self(self.0.map(|replaced| Replaced { pcie: has_ats, ..replaced }))
    }

    fn of(replaced: Replaced) -> Self {
        Self((replaced != Replaced::NOTHING).then_some(replaced))
    }

    /// The memory attributes of an access that arrived with `incoming` (§13.1.4).
    #[inline(always)]
    pub(crate) fn attributes(&self, env: &mut impl Env, incoming: Attributes) -> Attributes {
        let incoming = incoming.with_implied_shareability();
        match &self.0 {
            None => incoming,
            Some(replaced) => replaced.attributes(env, incoming),
        }
    }

    /// The memory attributes of a Translated transaction that arrived with `incoming`: type and shareability are
    /// not replaced, allocation hints may be (§13.1.4).
    pub(crate) fn attributes_of_translated(&self, env: &mut impl Env, incoming: Attributes) -> Attributes {
        let incoming = incoming.with_implied_shareability();
        let Some(Replaced {
            allocation: Allocation::Override(hints) | Allocation::OverrideOrIncoming(hints),
            ..
        }) = self.0
        else {
            return incoming;
        };
        let memory_type = incoming.memory_type.with_hints(LevelHints::both(hints));
        if memory_type != incoming.memory_type
            && env.ask(&[TranslatedAlloccfg::Ignore, TranslatedAlloccfg::Apply]) == TranslatedAlloccfg::Apply
        {
            return Attributes { memory_type, ..incoming };
        }
        incoming
    }

    /// The access that permissions are checked for (§13.1.2).
    #[inline(always)]
    pub(crate) fn access(&self, incoming: Access) -> Access {
        let (privilege, purpose) = match &self.0 {
            None => (incoming.privilege, incoming.purpose),
            Some(replaced) => (
                replaced.privilege.unwrap_or(incoming.privilege),
                replaced.purpose.unwrap_or(incoming.purpose),
            ),
        };
        Access::new(incoming.direction, privilege, purpose)
    }
}

impl Replaced {
    #[inline(never)]
    fn attributes(&self, env: &mut impl Env, incoming: Attributes) -> Attributes {
        let memory_type = match self.memory_type {
            // A level that brings no hints of its own takes RA, WA, nTR (§13.1.3).
            Some(memory_type) => memory_type.with_hints(incoming.memory_type.hints()),
            None => incoming.memory_type,
        };
        let memory_type = match self.allocation {
            Allocation::Override(hints) => memory_type.with_hints(LevelHints::both(hints)),
            Allocation::OverrideOrIncoming(hints) if memory_type.is_cacheable() => {
                match env.ask(&[AlloccfgWithoutMtcfg::Apply, AlloccfgWithoutMtcfg::Ignore]) {
                    AlloccfgWithoutMtcfg::Apply => memory_type.with_hints(LevelHints::both(hints)),
                    AlloccfgWithoutMtcfg::Ignore => memory_type,
                }
            }
            Allocation::Incoming | Allocation::OverrideOrIncoming(_) => memory_type,
        };
        let replaced = Attributes::new(memory_type, self.shareability.unwrap_or(incoming.shareability));
        if self.pcie && replaced != incoming && keeps_incoming(env) { incoming } else { replaced }
    }

    /// Fields that ATTR_TYPES_OVR or ATTR_PERMS_OVR does not announce mean "use incoming" (§5.2, §6.3.14).
    fn decode(f: &Features, fields: Fields) -> Self {
        let mut overrides = Self::NOTHING;
        if f.attr_types_ovr {
            overrides.memory_type = fields.memory_type.map(memory_type);
            overrides.allocation = allocation(fields.alloccfg);
            overrides.shareability = shareability(fields.shcfg);
        }
        if f.attr_perms_ovr {
            overrides.privilege = privilege(fields.privcfg);
            overrides.purpose = purpose(fields.instcfg);
        }
        overrides
    }

    /// Everything as it comes in.
    const NOTHING: Self = Self {
        memory_type: None,
        allocation: Allocation::Incoming,
        shareability: None,
        privilege: None,
        purpose: None,
        pcie: false,
    };
}

/// Whether overrides leave the memory attributes of PCIe streams alone (§13.6.1).
#[cold]
fn keeps_incoming(env: &mut impl Env) -> bool {
    env.ask(&[PcieOverrides::Apply, PcieOverrides::Incoming]) == PcieOverrides::Incoming
}

/// The fields that an STE and GBPA have in common, as they are encoded.
struct Fields {
    /// MemAttr, if MTCFG is 1.
    memory_type: Option<u8>,
    alloccfg: u8,
    shcfg: u8,
    privcfg: u8,
    instcfg: u8,
}

/// The encoding of stage 2 without S2FWB and without MTEPERM; its reserved values have a meaning here.
fn memory_type(mem_attr: u8) -> MemoryType {
    stage2::mem_attr(mem_attr).unwrap_or(MemoryType::Device(Device::NGnRnE))
}

/// 0b0xxx incoming, 0b1RWT override.
fn allocation(alloccfg: u8) -> Allocation {
    if alloccfg & 0b1000 == 0 {
        return Allocation::Incoming;
    }
    let hints = Hints {
        read_allocate: alloccfg & 0b100 != 0,
        write_allocate: alloccfg & 0b010 != 0,
        transient: alloccfg & 0b001 != 0,
    };
    // 0b1001 acts as 0b1000.
    Allocation::Override(hints.consistent())
}

/// Its own order: 00 NSH, 01 incoming, 10 OSH, 11 ISH.
fn shareability(shcfg: u8) -> Option<Shareability> {
    match shcfg {
        0b01 => None,
        _ => Some(Shareability::from_field(shcfg)),
    }
}

/// 01 is reserved and acts as 00.
fn privilege(privcfg: u8) -> Option<Privilege> {
    match privcfg {
        0b10 => Some(Privilege::Unprivileged),
        0b11 => Some(Privilege::Privileged),
        _ => None,
    }
}

/// 01 is reserved and acts as 00.
fn purpose(instcfg: u8) -> Option<Purpose> {
    match instcfg {
        0b10 => Some(Purpose::Data),
        0b11 => Some(Purpose::Instruction),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, attributes};
    use super::*;
    use crate::choice::Choice;
    use crate::features::Preset;
    use crate::transaction::Direction;

    const STREAMING: &str = "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-ISH";
    const DEFAULT: &str = "Normal-iWB(RA,WA)-oWB(RA,WA)-NSH";
    const CACHED: &str = "Normal-iWB(RA,WA)-oWB(RA,WA)-OSH";

    fn features(attr_types_ovr: bool, attr_perms_ovr: bool) -> Features {
        let max = Features::new(Preset::Max.id_registers()).expect("the preset is legal");
        Features { attr_types_ovr, attr_perms_ovr, ..max }
    }

    /// Asked of an STE whose word 1 is `word`; the fields lie at MemAttr [35:32], MTCFG [36],
    /// ALLOCCFG [40:37], SHCFG [45:44].
    fn check(word: u64, incoming: &str, expected: &str, asked: &[Choice]) {
        let overrides = Overrides::from_ste(SteWord1::from_bits(word), &features(true, true));
        let (result, questions) = ask([], |env| overrides.attributes(env, attributes(incoming)));
        assert_eq!((result.to_string(), &*questions), (expected.to_owned(), asked), "{word:#x}");
    }

    #[test]
    fn memory_type_of_an_ste() {
        const USE_INCOMING_SH: u64 = 1 << 44;
        let rows = [
            "Device-nGnRnE-OSH",
            "Device-nGnRE-OSH",
            "Device-nGRE-OSH",
            "Device-GRE-OSH",
            "Device-nGnRnE-OSH",
            "Normal-iNC-oNC-OSH",
            "Normal-iWT(RA,nWA,TR)-oNC-ISH",
            "Normal-iWB(RA,nWA,TR)-oNC-ISH",
            "Device-nGnRnE-OSH",
            "Normal-iNC-oWT(nRA,WA)-ISH",
            "Normal-iWT(RA,nWA,TR)-oWT(nRA,WA)-ISH",
            "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-ISH",
            "Device-nGnRnE-OSH",
            "Normal-iNC-oWB(nRA,WA)-ISH",
            "Normal-iWT(RA,nWA,TR)-oWB(nRA,WA)-ISH",
            "Normal-iWB(RA,nWA,TR)-oWB(nRA,WA)-ISH",
        ];
        for (mem_attr, expected) in (0..).zip(rows) {
            check(USE_INCOMING_SH | 1 << 36 | mem_attr << 32, STREAMING, expected, &[]);
            check(USE_INCOMING_SH | mem_attr << 32, STREAMING, STREAMING, &[]);
        }
        let write_back = USE_INCOMING_SH | 0b1_1111 << 32;
        check(write_back, "Device-nGnRE-OSH", CACHED, &[]);
        check(write_back, "Normal-iNC-oNC-NSH", CACHED, &[]);
        check(write_back, "Normal-iNC-oWT(nRA,WA)-ISH", "Normal-iWB(RA,WA)-oWB(nRA,WA)-ISH", &[]);
    }

    #[test]
    fn shareability_of_an_ste() {
        check(0b00 << 44, STREAMING, "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-NSH", &[]);
        check(0b01 << 44, STREAMING, "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-ISH", &[]);
        check(0b10 << 44, STREAMING, "Normal-iWB(RA,nWA,TR)-oWT(nRA,WA)-OSH", &[]);
        check(0b11 << 44, DEFAULT, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH", &[]);
        check(0b00 << 44, "Device-GRE-OSH", "Device-GRE-OSH", &[]);
        check(0b11 << 44, "Normal-iNC-oNC-OSH", "Normal-iNC-oNC-OSH", &[]);
    }

    #[test]
    fn allocation_of_an_ste() {
        let with_type = |alloccfg: u64| 1 << 44 | alloccfg << 37 | 0b1_1011 << 32;
        check(with_type(0b0111), DEFAULT, "Normal-iWB(RA,WA)-oWT(RA,WA)-NSH", &[]);
        check(with_type(0b1000), DEFAULT, "Normal-iWB(nRA,nWA)-oWT(nRA,nWA)-NSH", &[]);
        check(with_type(0b1001), DEFAULT, "Normal-iWB(nRA,nWA)-oWT(nRA,nWA)-NSH", &[]);
        check(with_type(0b1010), DEFAULT, "Normal-iWB(nRA,WA)-oWT(nRA,WA)-NSH", &[]);
        check(with_type(0b1101), DEFAULT, "Normal-iWB(RA,nWA,TR)-oWT(RA,nWA,TR)-NSH", &[]);
        check(with_type(0b1110), STREAMING, "Normal-iWB(RA,WA)-oWT(RA,WA)-ISH", &[]);
    }

    #[test]
    fn allocation_without_a_memory_type_is_a_question() {
        let word = 1 << 44 | 0b1000 << 37;
        check(word, DEFAULT, "Normal-iWB(nRA,nWA)-oWB(nRA,nWA)-NSH", &[Choice::AlloccfgWithoutMtcfg]);
        check(word, "Device-GRE-OSH", "Device-GRE-OSH", &[]);
        check(1 << 44 | 0b0110 << 37, DEFAULT, DEFAULT, &[]);

        let overrides = Overrides::from_ste(SteWord1::from_bits(word), &features(true, true));
        let script = [("alloccfg-without-mtcfg", "ignore")];
        let (result, _) = ask(script, |env| overrides.attributes(env, attributes(DEFAULT)));
        assert_eq!(result.to_string(), DEFAULT);
    }

    #[test]
    fn gbpa_has_the_same_fields_elsewhere_and_no_question() {
        // SHCFG 11, ALLOCCFG 0b1100, MTCFG 0.
        let overrides = Overrides::from_gbpa(Gbpa::from_bits(0x3c00), &features(true, true));
        let (result, asked) = ask([], |env| overrides.attributes(env, attributes(DEFAULT)));
        assert_eq!(result.to_string(), "Normal-iWB(RA,nWA)-oWB(RA,nWA)-ISH");
        assert_eq!(asked, []);
        // SHCFG 10, ALLOCCFG incoming, MTCFG 1, MemAttr iWB-oWT; privileged instruction reads.
        let overrides = Overrides::from_gbpa(Gbpa::from_bits(0xf_201b), &features(true, true));
        let (result, _) = ask([], |env| overrides.attributes(env, attributes(DEFAULT)));
        assert_eq!(result.to_string(), "Normal-iWB(RA,WA)-oWT(RA,WA)-OSH");
        let access = overrides.access(Access::data(Direction::Read));
        assert_eq!(access, Access::new(Direction::Read, Privilege::Privileged, Purpose::Instruction));
    }

    #[test]
    fn fields_that_are_not_announced_have_no_effect() {
        let everything = SteWord1::from_bits(0x000f_31df_0000_0000);
        let gbpa = Gbpa::from_bits(0x000f_3e1f);
        let read = Access::data(Direction::Read);
        for f in [features(false, false), features(true, false), features(false, true)] {
            for overrides in [Overrides::from_ste(everything, &f), Overrides::from_gbpa(gbpa, &f)] {
                let (result, asked) = ask([], |env| overrides.attributes(env, attributes(STREAMING)));
                assert_eq!(asked, []);
                assert_eq!(result != attributes(STREAMING), f.attr_types_ovr);
                assert_eq!(overrides.access(read) != read, f.attr_perms_ovr);
            }
        }
    }

    #[test]
    fn permissions_of_an_ste() {
        use Privilege::{Privileged, Unprivileged};
        use Purpose::{Data, Instruction};
        // PRIVCFG [49:48] and INSTCFG [51:50], and what becomes of an unprivileged data access and of a
        // privileged instruction read.
        let rows = [
            (0b00, (Unprivileged, Data), (Privileged, Instruction)),
            (0b01, (Unprivileged, Data), (Privileged, Instruction)),
            (0b10, (Unprivileged, Data), (Unprivileged, Data)),
            (0b11, (Privileged, Instruction), (Privileged, Instruction)),
        ];
        for (field, of_data, of_instruction) in rows {
            let word = SteWord1::from_bits(field << 48 | field << 50);
            let overrides = Overrides::from_ste(word, &features(true, true));
            let access = |direction, privilege, purpose| {
                let access = overrides.access(Access::new(direction, privilege, purpose));
                (access.privilege, access.purpose)
            };
            assert_eq!(access(Direction::Read, Unprivileged, Data), of_data, "{field:#b}");
            assert_eq!(access(Direction::Read, Privileged, Instruction), of_instruction, "{field:#b}");
            assert_eq!(access(Direction::Write, Unprivileged, Data), (of_data.0, Data), "{field:#b}");
            assert_eq!(access(Direction::Write, Privileged, Data), (of_instruction.0, Data), "{field:#b}");
        }
    }
}
