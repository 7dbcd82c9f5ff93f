//! Every liberty as a question: where the architecture permits more than one behaviour, the model asks.
//!
//! A [`Choice`] names the point; each has its own small enum of answers, with a documented default. The
//! [`Chooser`] answers. [`Defaults`] costs nothing; [`Scripted`] takes answers by name; [`Seeded`] draws
//! them. The same version of the architecture does not permit every answer, so each question carries the
//! set of permitted ones.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An answer to one [`Choice`].
pub trait Answer: Copy + PartialEq + 'static {
    /// The question that this type answers.
    const CHOICE: Choice;
    /// All answers, the default first.
    const ALL: &'static [Self];
    /// Position in `ALL`.
    fn index(self) -> usize;
}

macro_rules! choices {
    ($($(#[doc = $text:literal])+ $name:ident = $key:literal [$($source:literal),+] $section:literal {
        $($(#[doc = $answer_text:literal])+ $answer:ident = $answer_key:literal,)+
    })*) => {
        /// A point where the architecture permits more than one behaviour.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Choice {
            $($(#[doc = $text])+ $name,)*
        }

        impl Choice {
            /// All choices, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name used in scenarios and in the protocol, for example `ste-reserved-bits`.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// The choice with this name.
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$name),)* _ => None }
            }

            /// The section that grants the liberty.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// The labels of the **CHOICE:** marks of our working reference that this point covers.
            pub const fn sources(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($source),+],)* }
            }

            /// What is asked, in our words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => concat!($($text,)+).trim_start(),)* }
            }

            /// The names of the answers, the default first.
            pub const fn answers(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($answer_key),+],)* }
            }

            /// What each answer means, in the order of [`Choice::answers`].
            pub const fn answer_texts(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$(concat!($($answer_text,)+)),+],)* }
            }
        }

        /// The answers, one enum per choice.
        pub mod answer {
            $(
                $(#[doc = $text])+
                #[derive(Clone, Copy, PartialEq, Eq, Debug)]
                pub enum $name { $($(#[doc = $answer_text])+ $answer,)+ }

                impl super::Answer for $name {
                    const CHOICE: super::Choice = super::Choice::$name;
                    const ALL: &'static [Self] = &[$(Self::$answer),+];
                    #[inline]
                    fn index(self) -> usize {
                        let mut index = 0;
                        $(if self == Self::$answer { return index; } index += 1;)+
                        index
                    }
                }
            )*
        }
    };
}

choices! {
    /// A bit without a defined field is set in an STE.
    SteReservedBits = "ste-reserved-bits" ["STE-C01", "C-08"] "§5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// The STE is invalid: C_BAD_STE.
        Invalid = "invalid",
    }
    /// A bit without a defined field is set in a CD or a level 1 context descriptor.
    CdReservedBits = "cd-reserved-bits" ["CD-C03", "C-08"] "§5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// The structure is invalid: C_BAD_CD, or C_BAD_SUBSTREAMID for a level 1 descriptor.
        Invalid = "invalid",
    }
    /// The address of an STE or level 1 stream table descriptor exceeds the output size.
    SteAddressBeyondOas = "ste-address-beyond-oas" ["STE-C02", "C-22", "STE-ADDR-OAS"] "§3.4.3" {
        /// The fetch fails: F_STE_FETCH.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
    }
    /// S1ContextPtr has bits set below the alignment that S1CDMax and S1Fmt ask for.
    S1ContextPtrLowBits = "s1-context-ptr-low-bits" ["STE-C09", "C-07"] "§5.2" {
        /// They are taken as zero.
        Zero = "zero",
        /// They are merged into the index, so that another entry of the same table is fetched.
        Merge = "merge",
    }
    /// The address of a CD or level 1 descriptor from S1ContextPtr exceeds OAS (stage 1 only); only v3.0 is free.
    CdAddressBeyondOas = "cd-address-beyond-oas" ["STE-C10", "C-18"] "§3.4.3" {
        /// The STE is invalid: C_BAD_STE. The only answer from v3.1.
        BadSte = "bad-ste",
        /// The fetch fails: F_CD_FETCH with the address as calculated.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
    }
    /// The IPA of a CD or level 1 descriptor from S1ContextPtr exceeds IAS (stage 2 in use).
    CdAddressBeyondIas = "cd-address-beyond-ias" ["STE-C11", "C-19"] "§3.4.3" {
        /// The STE is invalid: C_BAD_STE.
        BadSte = "bad-ste",
        /// Stage 2 gets the address as calculated, and faults it: F_TRANSLATION with CLASS CD.
        Stage2 = "stage-2",
        /// v3.0 only: the address is truncated to IAS.
        Truncate = "truncate",
    }
    /// The L2Ptr of a level 1 context descriptor leads beyond OAS (stage 1 only); only v3.0 is free.
    L1CdPointerBeyondOas = "l1cd-pointer-beyond-oas" ["CD-C01", "C-20"] "§3.4.3" {
        /// C_BAD_SUBSTREAMID. The only answer from v3.1.
        BadSubstream = "bad-substream",
        /// The fetch fails: F_CD_FETCH with the address as calculated.
        Fault = "fault",
        /// The address is truncated and the fetch goes on.
        Truncate = "truncate",
    }
    /// The L2Ptr of a level 1 context descriptor leads beyond IAS (stage 2 in use).
    L1CdPointerBeyondIas = "l1cd-pointer-beyond-ias" ["CD-C02", "C-21"] "§3.4.3" {
        /// C_BAD_SUBSTREAMID.
        BadSubstream = "bad-substream",
        /// Stage 2 gets the address as calculated, and faults it: F_TRANSLATION with CLASS CD.
        Stage2 = "stage-2",
        /// v3.0 only: the address is truncated to IAS.
        Truncate = "truncate",
    }
    /// A Translated transaction carries a physical address that exceeds OAS.
    TranslatedBeyondOas = "translated-beyond-oas" ["C-42"] "§3.9.1.1" {
        /// The transaction is aborted, no event.
        Abort = "abort",
        /// The address is truncated.
        Truncate = "truncate",
    }
    /// A Translated transaction carries a PASID and IDR3.PASIDTT is 1. §3.9.1.3 places C_BAD_CD and the errors
    /// of the CD fetch among its events, but what it needs of a CD is MPAM alone: unclear whether an SMMU
    /// without MPAM must fetch it.
    TranslatedPasidCd = "translated-pasid-cd" ["15 11"] "§3.9.1.3" {
        /// The CD is fetched and must be valid.
        Check = "check",
        /// The CD is not fetched.
        Skip = "skip",
    }
    /// v3.0 only: EATS is 0b01 and S2S is 1 while stage 2 is bypassed.
    EatsWithBypassedS2s = "eats-with-bypassed-s2s" ["STE-C19", "C-40"] "§5.2" {
        /// S2S is not looked at: the STE is legal.
        Legal = "legal",
        /// The STE is invalid: C_BAD_STE.
        Invalid = "invalid",
    }
    /// v3.0 only: T0SZ, T1SZ or S2T0SZ is outside its limits.
    TxszOutOfRange = "txsz-out-of-range" ["STE-C24", "CD-C04", "C-16"] "§5.4" {
        /// The structure is invalid. The only answer from v3.1.
        Invalid = "invalid",
        /// The nearest limit is used.
        Clamp = "clamp",
    }
    /// CR2.RECINVSID is 1 and a StreamID was bad.
    RecordBadStreamid = "record-bad-streamid" ["C-04", "CR2-RECINVSID"] "§6.3.12" {
        /// C_BAD_STREAMID is recorded.
        Record = "record",
        /// Nothing is recorded; the transaction aborts all the same.
        Discard = "discard",
    }
    /// Bits [15:12] of a 64 KiB granule descriptor are set where 52-bit output is not in effect.
    Granule64HighBits = "granule-64k-high-bits" ["vmsa 4.2"] "DDI 0487 D8.15.1" {
        /// Address Size fault.
        Fault = "fault",
        /// The bits are ignored.
        Ignore = "ignore",
    }
    /// A Contiguous group is larger than the configured input range.
    ContiguousBeyondInput = "contiguous-beyond-input" ["vmsa 7"] "DDI 0487 D8.7.1.3" {
        /// No fault: the descriptor stands for itself.
        Translate = "translate",
        /// Translation fault.
        Fault = "fault",
    }
    /// SH is the reserved 0b01 in a descriptor.
    DescriptorShReserved = "descriptor-sh-reserved" ["vmsa 10.1"] "DDI 0487 D8.6.1" {
        /// It acts as Non-shareable.
        NonShareable = "non-shareable",
        /// It acts as Inner Shareable.
        InnerShareable = "inner-shareable",
        /// It acts as Outer Shareable.
        OuterShareable = "outer-shareable",
    }
    /// Stage 2 MemAttr is a reserved encoding (S2FWB either way).
    Stage2MemAttrReserved = "stage2-memattr-reserved" ["vmsa 10.2", "vmsa 10.3"] "DDI 0487 D8.6.5" {
        /// It acts as Device-nGnRnE.
        DeviceNgnrne = "device-ngnrne",
        /// It acts as Normal Non-cacheable.
        NonCacheable = "non-cacheable",
        /// It acts as Normal Write-Back.
        WriteBack = "write-back",
    }
    /// STE.MTCFG is 0 and ALLOCCFG asks for an override of the allocation hints.
    AlloccfgWithoutMtcfg = "alloccfg-without-mtcfg" ["STE-C22"] "§5.2" {
        /// ALLOCCFG applies.
        Apply = "apply",
        /// ALLOCCFG has no effect.
        Ignore = "ignore",
    }
    /// A permission fault is found on a page whose Access flag hardware may set.
    AccessFlagOnPermissionFault = "access-flag-on-permission-fault" ["vmsa 8"] "§3.13.2" {
        /// The flag is left alone.
        Leave = "leave",
        /// The flag is set.
        Set = "set",
    }
    /// A fault asks for a stall, and the implementation may hold that stalling this device is unsafe. It may
    /// not with STALL_MODEL 0b10; this model terminates there too, as long as it does not stall.
    StallUnsafeDevice = "stall-unsafe-device" ["CD-C18", "C-65"] "§3.12" {
        /// The fault is terminated with an abort and recorded with Stall 0.
        Terminate = "terminate",
    }
    /// An event equals the one recorded just before, in every field that counts.
    EventMerge = "event-merge" ["STE-C18", "C-31"] "§7.3.1" {
        /// Both are recorded.
        Separate = "separate",
        /// The second is merged into the first.
        Merge = "merge",
    }
    /// The write of an event record got an external abort.
    EventWriteAbort = "event-write-abort" ["C-30", "ABT-REPORT"] "§7.2.2" {
        /// Synchronous: EVENTQ_ABT_ERR, PROD does not move.
        Synchronous = "synchronous",
        /// Asynchronous: EVENTQ_ABT_ERR, PROD has moved over the lost record.
        Asynchronous = "asynchronous",
        /// The interconnect reports nothing: PROD moves, the record is lost.
        Unreported = "unreported",
    }
    /// The indexes of a queue are inconsistent: more entries than the queue holds.
    QueueInconsistent = "queue-inconsistent" ["C-25", "QIDX-INCONSISTENT"] "§3.5.1" {
        /// Nothing is consumed or produced meanwhile.
        Stop = "stop",
        /// Entries are consumed, or produced, at the index all the same.
        Proceed = "proceed",
    }
    /// A command has a bit set that has no defined field.
    CommandReservedBits = "command-reserved-bits" ["4.1.5"] "§4.1.5" {
        /// The bit has no effect.
        Ignore = "ignore",
        /// CERROR_ILL.
        Illegal = "illegal",
    }
    /// CMD_ATC_INV has a Size above 52.
    AtcInvSize = "atc-inv-size" ["4.5.1"] "§4.5.1" {
        /// CERROR_ILL.
        Illegal = "illegal",
        /// An unknown span is invalidated, possibly none.
        Unknown = "unknown",
    }
    /// A register access that is not an aligned 32-bit access, nor an aligned 64-bit access.
    RegisterAccessSize = "register-access-size" ["REG-SIZE", "REG-ILLEGAL"] "§6.2" {
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
        /// The access is aborted.
        Abort = "abort",
    }
    /// A 64-bit access that covers two 32-bit registers.
    RegisterPair = "register-pair" ["REG-64-ON-PAIR"] "§6.2" {
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
        /// Two 32-bit accesses, the lower offset first.
        LowFirst = "low-first",
        /// Two 32-bit accesses, the higher offset first.
        HighFirst = "high-first",
        /// Only the register at the lower offset is accessed.
        LowOnly = "low-only",
        /// Only the register at the higher offset is accessed.
        HighOnly = "high-only",
        /// The access is aborted.
        Abort = "abort",
    }
    /// A page 0 offset of a register that lives in page 1 (0xA8, 0xAC, 0xC8, 0xCC).
    Page0Alias = "page0-alias" ["PAGE0-ALIAS"] "§6.2" {
        /// It is the page 1 register.
        Alias = "alias",
        /// Reads as zero, writes are ignored.
        RazWi = "raz-wi",
    }
    /// An undefined offset of page 1.
    Page1Undefined = "page1-undefined" ["PAGE1-UNDEF"] "§6.2" {
        /// Reads as zero, writes are ignored.
        Res0 = "res0",
        /// It is the same offset of page 0.
        Page0 = "page0",
    }
    /// A CR0 or IRQ_CTRL field is written again, to another value, before its Update has finished.
    ControlRewrite = "control-rewrite" ["CR0-REWRITE", "C-57"] "§6.3.9" {
        /// The second value is ignored: the Update ends with the first.
        FirstWins = "first-wins",
        /// If the second value is the one before the first write, the Update ceases without effect;
        /// otherwise as `first-wins`.
        Cease = "cease",
        /// v3.1 and earlier: the second value is stored and the Update ends with it.
        LastWins = "last-wins",
    }
    /// GBPA is written while an update is pending, v3.1 and earlier.
    GbpaBusy = "gbpa-busy" ["GBPA-BUSY", "C-59"] "§6.3.14.1" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// The update finishes with the new value.
        Store = "store",
    }
    /// GBPA is written without Update, v3.1 and earlier.
    GbpaNoUpdate = "gbpa-no-update" ["GBPA-NOUPDATE", "C-60"] "§6.3.14.1" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// It takes effect.
        Apply = "apply",
    }
    /// A guarded register is written while its guard forbids it, v3.1 and earlier.
    GuardedWrite = "guarded-write" ["CR1-GUARD-V1", "STRTAB-GUARD-V1", "QBASE-GUARD-V1", "IRQCFG-GUARD-V1", "CR2-TRANSITION"] "§6.3" {
        /// The write is ignored. The only answer from v3.2.
        Ignore = "ignore",
        /// The register takes the value.
        Store = "store",
    }
    /// GERRORN is toggled for an error that is not active.
    GerrornInactive = "gerrorn-inactive" ["GERRORN-INACTIVE"] "§6.3.20" {
        /// The error becomes active, as GERROR and GERRORN now differ.
        Activate = "activate",
        /// GERROR follows, and the error stays inactive.
        Stay = "stay",
    }
    /// The reset value of a field that resets to an UNKNOWN value.
    ResetUnknown = "reset-unknown" ["RESET-UNKNOWN"] "§6.3" {
        /// Zero.
        Zeros = "zeros",
        /// All ones.
        Ones = "ones",
    }
    /// The reset value of GBPA.
    GbpaReset = "gbpa-reset" ["GBPA-RESET", "C-54"] "§6.3.14" {
        /// Bypass with incoming attributes.
        Bypass = "bypass",
        /// Abort.
        Abort = "abort",
    }
    /// CMDQ_CONS is written while the queue is disabled: what becomes of ERR.
    CmdqConsErrWrite = "cmdq-cons-err-write" ["CMDQ-CONS-ERRWRITE"] "§6.3.28" {
        /// ERR takes the written value.
        Take = "take",
        /// ERR keeps its own value.
        Keep = "keep",
    }
}

/// Answers the model's questions.
pub trait Chooser {
    /// Picks one of the answers whose bit is set in `permitted` (bit n is answer n of `choice`).
    ///
    /// `permitted` is never zero. An answer that is not permitted is a bug of the chooser.
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize;
}

/// The documented default of each choice, or the first permitted answer where this version of the
/// architecture excludes the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults;

impl Chooser for Defaults {
    #[inline]
    fn choose(&mut self, _choice: Choice, permitted: u8) -> usize {
        first(permitted)
    }
}

/// Fixed answers by choice, defaults for the rest.
#[derive(Clone, Debug, Default)]
pub struct Scripted(BTreeMap<Choice, usize>);

/// Why an answer could not be fixed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptError {
    /// No choice has this name.
    UnknownChoice(String),
    /// The choice has no such answer.
    UnknownAnswer {
        /// The choice that was named.
        choice: Choice,
        /// What was asked of it.
        answer: String,
    },
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownChoice(key) => write!(f, "there is no choice named `{key}`"),
            Self::UnknownAnswer { choice, answer } => write!(
                f,
                "the choice `{}` has no answer `{answer}`: it has {}",
                choice.key(),
                choice.answers().join(", ")
            ),
        }
    }
}

impl std::error::Error for ScriptError {}

impl Scripted {
    /// Fixes the answer to the choice named `key`.
    pub fn fix(&mut self, key: &str, answer: &str) -> Result<(), ScriptError> {
        let choice = Choice::from_key(key).ok_or_else(|| ScriptError::UnknownChoice(key.to_owned()))?;
        let index = choice.answers().iter().position(|name| *name == answer);
        let index = index.ok_or_else(|| ScriptError::UnknownAnswer { choice, answer: answer.to_owned() })?;
        self.0.insert(choice, index);
        Ok(())
    }

    /// The fixed answer, if it is permitted here.
    pub fn answer(&self, choice: Choice, permitted: u8) -> Option<usize> {
        self.0.get(&choice).copied().filter(|&index| permitted & (1 << index) != 0)
    }

    /// All fixed answers by name.
    pub fn fixed(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(choice, &index)| (choice.key(), choice.answers()[index]))
    }
}

impl Chooser for Scripted {
    fn choose(&mut self, choice: Choice, permitted: u8) -> usize {
        self.answer(choice, permitted).unwrap_or_else(|| first(permitted))
    }
}

/// Draws each answer from a ChaCha8 stream; the stream is specified, so a seed means the same for years.
#[derive(Clone, Debug)]
pub struct Seeded {
    stream: ChaCha8Rng,
    drawn: u64,
}

impl Seeded {
    /// The answers that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { stream: ChaCha8Rng::seed_from_u64(seed), drawn: 0 }
    }

    /// How many answers were drawn so far: with the seed, the whole state.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The state after `drawn` answers of `seed`.
    pub fn resume(seed: u64, drawn: u64) -> Self {
        let mut chooser = Self::new(seed);
        chooser.stream.set_word_pos(u128::from(drawn));
        chooser.drawn = drawn;
        chooser
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, _choice: Choice, permitted: u8) -> usize {
        self.drawn += 1;
        let nth = self.stream.next_u32() % permitted.count_ones();
        (0..8).filter(|index| permitted & (1 << index) != 0).nth(index(nth)).expect("fewer than are set")
    }
}

#[inline]
fn first(permitted: u8) -> usize {
    index(permitted.trailing_zeros())
}

#[inline]
fn index(value: u32) -> usize {
    usize::try_from(value).expect("a small number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_unique_and_fit_the_mask() {
        let keys: BTreeSet<_> = Choice::ALL.iter().map(|choice| choice.key()).collect();
        assert_eq!(keys.len(), Choice::ALL.len());
        for choice in Choice::ALL {
            assert_eq!(Choice::from_key(choice.key()), Some(*choice));
            assert!((1..=8).contains(&choice.answers().len()));
            assert_eq!(choice.answers().len(), choice.answer_texts().len());
        }
    }

    #[test]
    fn defaults_take_the_first_permitted_answer() {
        assert_eq!(Defaults.choose(Choice::TxszOutOfRange, 0b11), 0);
        assert_eq!(Defaults.choose(Choice::TxszOutOfRange, 0b10), 1);
    }

    #[test]
    fn a_seed_means_the_same_for_years() {
        let mut chooser = Seeded::new(7);
        let drawn: Vec<_> = (0..12).map(|_| chooser.choose(Choice::RegisterPair, 0b11_1111)).collect();
        assert_eq!(drawn, GOLDEN_SEED_7);
        let mut resumed = Seeded::resume(7, 5);
        let rest: Vec<_> = (5..12).map(|_| resumed.choose(Choice::RegisterPair, 0b11_1111)).collect();
        assert_eq!(rest, GOLDEN_SEED_7[5..]);
    }

    const GOLDEN_SEED_7: [usize; 12] = [3, 0, 0, 5, 3, 3, 5, 4, 2, 5, 4, 1];

    #[test]
    fn a_script_refuses_what_it_does_not_know() {
        let mut script = Scripted::default();
        assert!(script.fix("page0-alias", "raz-wi").is_ok());
        assert_eq!(script.fix("nonsense", "x"), Err(ScriptError::UnknownChoice("nonsense".into())));
        let error = script.fix("page0-alias", "x").unwrap_err();
        assert_eq!(error.to_string(), "the choice `page0-alias` has no answer `x`: it has alias, raz-wi");
        assert_eq!(script.choose(Choice::Page0Alias, 0b11), 1);
        assert_eq!(script.choose(Choice::Page0Alias, 0b01), 0);
    }
}
