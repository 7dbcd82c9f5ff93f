//! STE validity and meaning (§5.2, §5.2.2): from eight words to the stream they describe.

use super::StreamWorld;
use super::cd::ContextSetting;
use super::cd::is_write_back;
use super::cd_table::CdTable;
use super::geometry::{
    self, AddressFormat, Granule, Shape, Table, base_out_of_range, beyond_ttb, effective_output_bits,
    stage2_start_level,
};
use crate::attributes::Shareability;
use crate::attributes::overrides::Overrides;
use crate::attributes::stage1::ShareabilitySource;
use crate::attributes::stage2::Stage2Settings;
use crate::choice::answer::{CdAddressBeyondIas, CdAddressBeyondOas};
use crate::choice::answer::{EatsWithBypassedS2s, SteReservedBits, TxszOutOfRange};
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::features::{Features, Httu, Revision, StallModel, TableEndianness};
use crate::ids::{Regime, Vmid};
use crate::layout::ste::{Ste, SteWord1, SteWord2, SteWord3};
use crate::rule::Rule;

/// A legal, enabled stream. Fields that are IGNORED for its Config do not exist here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    /// Where the CDs are, if stage 1 translates.
    pub(crate) stage1: Option<CdTable>,
    /// How stage 2 translates, if it does.
    pub(crate) stage2: Option<Stage2>,
    pub(crate) world: StreamWorld,
    /// S2VMID; 0 where there are no VMIDs (§3.17).
    pub(crate) vmid: Vmid,
    /// CD.S must be 0 (§5.5).
    pub(crate) s1_stalld: bool,
    pub(crate) eats: Eats,
    /// Event records of the stream may be merged (§7.3.1).
    pub(crate) mev: bool,
    /// The overrides of incoming attributes (§13.1.4).
    pub(crate) overrides: Overrides,
}

/// What ATS traffic of the stream may do: the effective EATS (§5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Eats {
    /// No ATS.
    Off,
    /// Translated transactions carry physical addresses.
    Full,
    /// Translated transactions carry IPAs, which stage 2 translates.
    Split,
}

/// The parameters of stage 2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage2 {
    /// S2VMID: the tag of its translations.
    pub(crate) vmid: Vmid,
    pub(crate) table: Table,
    pub(crate) flags: FaultFlags,
    /// Hardware sets the Access flag.
    pub(crate) ha: bool,
    /// Hardware keeps the dirty state; implies `ha`.
    pub(crate) hd: bool,
    /// Hardware sets the Access flag of table descriptors; implies `ha`.
    pub(crate) haft: bool,
    /// A lookup leaves Access flags alone (§9 HTTUI): those that hardware would set count as set.
    pub(crate) leaves_flags: bool,
    /// A lookup inhibits what `hd` would write (§9 HTTUI); what it permits stays.
    pub(crate) stays_clean: bool,
    /// A clear Access flag does not fault; no meaning with `ha`.
    pub(crate) affd: bool,
    /// Its walks are Write-Back at both levels of cacheability (§5.2 S2IR0, S2OR0).
    pub(crate) write_back: bool,
    /// Stage 1 walks and CD fetches through Device memory fault.
    pub(crate) ptw: bool,
    /// IDR3.XNX: XN\[0\] of a page has a meaning.
    pub(crate) xnx: bool,
    /// What the attributes of a page depend on.
    pub(crate) attributes: Stage2Settings,
}

/// All that the meaning of an STE depends on, beside its words and the features, which never change. Caches keep it
/// with the STE (§6.3.12, §6.3.9.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct StreamSetting {
    /// CR2.E2H.
    pub(crate) e2h: bool,
    /// CR0.ATSCHK.
    pub(crate) atschk: bool,
}

impl Stream {
    /// What a CD of the stream means.
    #[inline(always)]
    pub(crate) fn context_setting(&self) -> ContextSetting {
        ContextSetting { world: self.world, s1_stalld: self.s1_stalld }
    }

    /// The regime whose tags the translations of the stream have.
    #[inline(always)]
    pub(crate) fn regime(&self) -> Regime {
        match self.world {
            StreamWorld::NsEl1 => Regime::NsEl1(self.vmid),
            StreamWorld::NsEl2 => Regime::NsEl2,
            StreamWorld::NsEl2E2h => Regime::NsEl2E2h,
        }
    }
}

/// Reads the STE. An STE that ends its transactions is an error, also the silent one of Config 0b0xx. Out of
/// line: most transactions find it parsed.
#[inline(never)]
pub(crate) fn parse(
    env: &mut impl Env,
    f: &Features,
    setting: StreamSetting,
    ste: &Ste,
) -> Result<Stream, Rule> {
    let (w0, w1, w2) = (ste.word0(), ste.word1(), ste.word2());
    refuse! {
        !w0.v() => SteNotValid,
        w0.config() & 0b100 == 0 => SteDisabled,
    }
    let s1 = w0.config() & 0b001 != 0;
    let s2 = w0.config() & 0b010 != 0;
    refuse! {
        s1 && !f.s1p => SteNoStage1,
        s2 && !f.s2p => SteNoStage2,
    }
    let eats = eats(env, f, setting, (s1, s2), (w1, w2))?;
    let world = stream_world(f, setting, (s1, s2), w1)?;
    let stage1 = if s1 { Some(stage1(env, f, ste, s2)?) } else { None };
    let stage2 = if s2 { Some(stage2(env, f, w1, w2, ste.word3())?) } else { None };
    let has_vmid = f.s2p && (s1 || s2) && world == StreamWorld::NsEl1;
    refuse! {
        has_vmid && !f.vmid16 && w2.s2_vmid() > 0xff => SteVmidTooBig,
        (has_reserved_bit(ste) || s2 && beyond_ttb(f, ste.0[3])) && reserved_bits_refused(env) => SteReservedBit,
    }
    Ok(Stream {
        stage1,
        stage2,
        world,
        vmid: Vmid(if has_vmid { w2.s2_vmid() } else { 0 }),
        s1_stalld: w1.s1_stalld(),
        eats,
        mev: w1.mev(),
        overrides: Overrides::from_ste(w1, f).for_stream(eats != Eats::Off),
    })
}

/// STE-07 to STE-10, and what EATS comes to (§5.2). IGNORED without ATS and with Config 0b100.
fn eats(
    env: &mut impl Env,
    f: &Features,
    setting: StreamSetting,
    (s1, s2): (bool, bool),
    (w1, w2): (SteWord1, SteWord2),
) -> Result<Eats, Rule> {
    if !f.ats || !(s1 || s2) || w1.eats() == 0 {
        return Ok(Eats::Off);
    }
    match w1.eats() {
        0b01 => {
            let stalls = w2.s2_s() && (s2 || bypassed_s2s_refused(env, f));
            refuse! { stalls => SteFullAtsStalls, }
            Ok(Eats::Full)
        }
        0b10 => {
            refuse! {
                !(s1 && s2) => SteSplitAtsNotNested,
                w2.s2_s() => SteSplitAtsStalls,
                f.ns1ats => SteSplitAtsUnsupported,
            }
            Ok(if setting.atschk { Eats::Split } else { Eats::Off })
        }
        // 0b11 needs a DPT, which this model does not have: reserved, acts as 0b00.
        _ => Ok(Eats::Off),
    }
}

/// v3.0 leaves open whether S2S counts while stage 2 is bypassed (§5.2 EATS).
#[cold]
fn bypassed_s2s_refused(env: &mut impl Env, f: &Features) -> bool {
    f.revision == Revision::V3_0
        && env.ask(&[EatsWithBypassedS2s::Legal, EatsWithBypassedS2s::Invalid])
            == EatsWithBypassedS2s::Invalid
}

/// STRW is used for stage 1 without stage 2 only, and only where EL2 contexts exist (§5.2 STRW).
fn stream_world(
    f: &Features,
    setting: StreamSetting,
    (s1, s2): (bool, bool),
    w1: SteWord1,
) -> Result<StreamWorld, Rule> {
    if !f.hyp || s2 || !s1 {
        return Ok(StreamWorld::NsEl1);
    }
    match w1.strw() {
        0b00 => Ok(StreamWorld::NsEl1),
        0b10 if setting.e2h => Ok(StreamWorld::NsEl2E2h),
        0b10 => Ok(StreamWorld::NsEl2),
        _ => Err(Rule::SteBadStrw),
    }
}

/// STE-17 to STE-22.
fn stage1(env: &mut impl Env, f: &Features, ste: &Ste, nested: bool) -> Result<CdTable, Rule> {
    let (w0, w1) = (ste.word0(), ste.word1());
    let substreams = f.ssid_bits != 0 && w0.s1_cd_max() != 0;
    refuse! {
        w1.s1_stalld() && f.stall_model != StallModel::StallAndTerminate => SteS1StalldWithoutModel,
        f.ssid_bits != 0 && w0.s1_cd_max() > f.ssid_bits => SteS1CdMaxTooBig,
        substreams && !f.two_level_cd && matches!(w0.s1_fmt(), 0b01 | 0b10) => SteNoTwoLevelCd,
    }
    let table = CdTable::new(substreams, w0, w1);
    let (pointer, limit_bits) = (w0.s1_context_ptr(), if nested { f.ias_bits } else { f.oas_bits });
    if !crate::address::fits(pointer, limit_bits) && pointer_refused(env, f, nested) {
        return Err(Rule::SteS1ContextPtrRange);
    }
    Ok(table)
}

/// Whether an S1ContextPtr out of range makes the STE illegal; if not, the fetch decides (§3.4.3).
#[cold]
fn pointer_refused(env: &mut impl Env, f: &Features, nested: bool) -> bool {
    if nested {
        use CdAddressBeyondIas::{BadSte, Stage2, Truncate};
        let permitted: &[_] =
            if f.revision == Revision::V3_0 { &[BadSte, Stage2, Truncate] } else { &[BadSte, Stage2] };
        env.ask(permitted) == BadSte
    } else {
        use CdAddressBeyondOas::{BadSte, Fault, Truncate};
        let permitted: &[_] =
            if f.revision == Revision::V3_0 { &[BadSte, Fault, Truncate] } else { &[BadSte] };
        env.ask(permitted) == BadSte
    }
}

/// STE-24 to STE-44.
fn stage2(
    env: &mut impl Env,
    f: &Features,
    w1: SteWord1,
    w2: SteWord2,
    w3: SteWord3,
) -> Result<Stage2, Rule> {
    refuse! {
        w2.s2_s() && f.stall_model == StallModel::TerminateOnly => SteS2StallUnsupported,
        !w2.s2_s() && f.stall_model == StallModel::StallOnly => SteS2StallRequired,
        !w2.s2_aa64() => SteStage2Aarch32,
        (w2.s2_ha() || w2.s2_hd()) && f.httu == Httu::None => SteS2HttuUnsupported,
        w2.s2_hd() && f.httu == Httu::AccessFlag => SteS2DirtyUnsupported,
        w2.s2_haft() && !w2.s2_ha() && f.httu == Httu::WithTable => SteS2HaftWithoutHa,
    }
    let table = stage2_table(env, f, w2, w3)?;
    refuse! {
        w2.s2_endi() && f.table_endianness == TableEndianness::LittleOnly => SteS2BigEndian,
        !w2.s2_endi() && f.table_endianness == TableEndianness::BigOnly => SteS2LittleEndian,
    }
    let ha = w2.s2_ha();
    Ok(Stage2 {
        vmid: Vmid(w2.s2_vmid()),
        table,
        flags: FaultFlags { abort: true, record: w2.s2_r(), stall: w2.s2_s() },
        ha,
        hd: ha && w2.s2_hd(),
        haft: ha && w2.s2_haft() && f.httu == Httu::WithTable,
        leaves_flags: false,
        stays_clean: false,
        affd: w2.s2_affd(),
        write_back: is_write_back(w2.s2_ir0(), w2.s2_or0()),
        ptw: w2.s2_ptw(),
        xnx: f.xnx,
        attributes: Stage2Settings {
            fwb: f.fwb && w1.s2_fwb(),
            mteperm: f.mteperm,
            shareability: shareability_source(&table, w2.s2_sh0()),
        },
    })
}

/// Where the descriptor has address bits in the place of SH, a field gives the shareability (§5.2 S2DS).
pub(super) fn shareability_source(table: &Table, field: u8) -> ShareabilitySource {
    match table.shape.format {
        AddressFormat::Lpa2 => ShareabilitySource::Configuration(Shareability::from_field(field)),
        AddressFormat::Bits48 | AddressFormat::Bits48Of64K | AddressFormat::Wide64K => {
            ShareabilitySource::Descriptor
        }
    }
}

/// STE-32 to STE-36: granule, base, size and start level.
fn stage2_table(env: &mut impl Env, f: &Features, w2: SteWord2, w3: SteWord3) -> Result<Table, Rule> {
    let granule = Granule::from_tg0(f, w2.s2_tg()).ok_or(Rule::SteS2Granule)?;
    let ds = f.ds && w3.s2_ds() && granule != Granule::K64;
    let output_bits = effective_output_bits(f, w2.s2_ps());
    let base = geometry::ttb(f, w3.s2_ttb());
    refuse! { base_out_of_range(base, output_bits, Some(granule), ds) => SteS2TtbRange, }
    let limits = (geometry::min_stage2_t0sz(f, granule, ds), geometry::max_txsz(f, granule));
    let t0sz = within_limits(env, f, w2.s2_t0sz(), limits).ok_or(Rule::SteS2T0szRange)?;
    let input_bits = 64 - t0sz;
    let start_level = stage2_start_level(f, granule, w2.s2_sl0(), w3.s2_sl0_2(), ds)
        .filter(|&level| geometry::stage2_size_fits(granule, level, input_bits))
        .filter(|&level| !geometry::start_level_exceeds_output(f, granule, level))
        .ok_or(Rule::SteS2StartLevel)?;
    let format = AddressFormat::of(f, granule, ds);
    let big_endian = w2.s2_endi();
    let shape = Shape { granule, format, input_bits, output_bits, start_level, big_endian };
    Ok(Table::new(base, shape))
}

/// The TxSZ in effect; `None` where it makes the structure illegal. v3.0 may clamp it instead (§5.4, §5.2).
pub(super) fn within_limits(env: &mut impl Env, f: &Features, txsz: u8, (min, max): (u8, u8)) -> Option<u8> {
    if (min..=max).contains(&txsz) { Some(txsz) } else { clamped(env, f, txsz, (min, max)) }
}

#[cold]
fn clamped(env: &mut impl Env, f: &Features, txsz: u8, (min, max): (u8, u8)) -> Option<u8> {
    let permitted: &[_] = match f.revision {
        Revision::V3_0 => &[TxszOutOfRange::Invalid, TxszOutOfRange::Clamp],
        Revision::V3_1 | Revision::V3_2 | Revision::V3_3 | Revision::V3_4 => &[TxszOutOfRange::Invalid],
    };
    match env.ask(permitted) {
        TxszOutOfRange::Invalid => None,
        TxszOutOfRange::Clamp => Some(txsz.clamp(min, max)),
    }
}

/// Bits that no field covers, word by word (§5.2).
const RESERVED: [u64; 8] = [
    0x0700_0000_0000_0000, // [58:56]
    0x0000_0e00_0000_0000, // [43:41]
    0,
    0x9f00_0000_0000_0000, // [63], [60:56]
    0x0000_3f00_0000_0000, // [45:40]
    0xff00_0000_0000_0000, // [63:56]
    0x9f00_0000_0000_0008, // [63], [60:56], [3]
    0,
];

/// Whether parsing this STE may ask a question: its meaning is not in its words alone.
pub(crate) fn asks(f: &Features, ste: &Ste) -> bool {
    let pointer = ste.word0().s1_context_ptr();
    f.revision == Revision::V3_0
        || has_reserved_bit(ste)
        || beyond_ttb(f, ste.0[3])
        || !crate::address::fits(pointer, f.ias_bits.min(f.oas_bits))
}

fn has_reserved_bit(ste: &Ste) -> bool {
    ste.0.iter().zip(RESERVED).fold(0, |set, (word, mask)| set | word & mask) != 0
}

#[cold]
fn reserved_bits_refused(env: &mut impl Env) -> bool {
    env.ask(&[SteReservedBits::Ignore, SteReservedBits::Invalid]) == SteReservedBits::Invalid
}
