//! CD validity and meaning (§5.4, §5.4.2): from eight words to the parameters of stage 1.

use super::StreamWorld;
use super::geometry::{
    self, AddressFormat, Granule, Table, base_out_of_range, effective_output_bits, stage1_start_level,
};
use super::ste::{shareability_source, within_limits};
use crate::attributes::stage1::Stage1Settings;
use crate::choice::answer::CdReservedBits;
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::features::{Features, Httu, StallModel, TableEndianness};
use crate::layout::cd::{Cd, CdWord0};
use crate::rule::Rule;

/// A legal CD: the parameters of stage 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) world: StreamWorld,
    pub(crate) flags: FaultFlags,
    /// The half of the lower addresses; the only one where the world has one table.
    low: Half,
    /// The half of the upper addresses.
    high: Half,
    cd: Cd,
    /// The effective IPS.
    output_bits: u8,
    /// Hardware sets the Access flag.
    pub(crate) ha: bool,
    /// Hardware keeps the dirty state; implies `ha`.
    pub(crate) hd: bool,
    /// Hardware sets the Access flag of table descriptors; implies `ha`.
    pub(crate) haft: bool,
}

/// What one half of the address space needs beyond its registers.
#[derive(Clone, Copy, Debug)]
enum Half {
    /// No walks: EPDx, or a world without this half.
    Off,
    /// The granule, and the TxSZ in effect.
    On { granule: Granule, txsz: u8 },
}

/// Which translation table base an address selects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    Ttb0,
    Ttb1,
}

impl Context {
    /// Whether the upper bits of an address are ignored in this half (§3.4.1).
    #[inline(always)]
    pub(crate) fn tbi(&self, which: Which) -> bool {
        let w0 = self.cd.word0();
        match which {
            Which::Ttb0 => w0.tbi0(),
            Which::Ttb1 => w0.tbi1(),
        }
    }

    /// 64 - TxSZ of this half, as far as it is known: `None` where the half is off.
    #[inline(always)]
    pub(crate) fn input_bits(&self, which: Which) -> Option<u8> {
        match self.half(which) {
            Half::Off => None,
            Half::On { txsz, .. } => Some(64 - txsz),
        }
    }

    /// Whether unprivileged accesses are kept out of this half (§5.4 E0PD).
    #[inline(always)]
    pub(crate) fn e0pd(&self, f: &Features, which: Which) -> bool {
        let closed = match which {
            Which::Ttb0 => self.cd.word1().e0pd0(),
            Which::Ttb1 => self.cd.word2().e0pd1(),
        };
        closed && f.e0pd && self.world.has_two_tables()
    }

    /// The table of this half; `None` where it is off.
    #[inline(always)]
    pub(crate) fn table(&self, f: &Features, which: Which) -> Option<Table> {
        let Half::On { granule, txsz } = self.half(which) else { return None };
        let (base, ds) = match which {
            Which::Ttb0 => (self.cd.word1().ttb0(), self.ds(f)),
            Which::Ttb1 => (self.cd.word2().ttb1(), self.ds(f)),
        };
        let input_bits = 64 - txsz;
        let table = Table {
            base,
            granule,
            format: AddressFormat::of(f, granule, ds),
            input_bits,
            output_bits: self.output_bits,
            start_level: stage1_start_level(granule, input_bits),
            big_endian: self.cd.word0().endi(),
        };
        Some(table.align_base())
    }

    /// What the attributes of a page of this half depend on.
    #[inline(always)]
    pub(crate) fn attributes(&self, f: &Features, table: &Table, which: Which) -> Stage1Settings {
        let w0 = self.cd.word0();
        let sh = match which {
            Which::Ttb0 => w0.sh0(),
            Which::Ttb1 => w0.sh1(),
        };
        let shareability = shareability_source(table, sh);
        Stage1Settings { mair: self.cd.mair(), aie: self.aie(f), shareability }
    }

    /// Whether the table descriptors of this half restrict permissions (§5.4 HAD, D8.6).
    #[inline(always)]
    pub(crate) fn hierarchical(&self, f: &Features, which: Which) -> bool {
        let disabled = match which {
            Which::Ttb0 => self.cd.word1().had0(),
            Which::Ttb1 => self.cd.word2().had1(),
        };
        !(self.aie(f) || (disabled && f.had))
    }

    /// AttrIndx has four bits.
    #[inline(always)]
    fn aie(&self, f: &Features) -> bool {
        f.aie && self.cd.word2().aie()
    }

    /// Word 0: AFFD, WXN, PAN have the meaning of their field text.
    #[inline(always)]
    pub(crate) fn word0(&self) -> CdWord0 {
        self.cd.word0()
    }

    /// PAN counts an executable page as accessible (§5.4 EPAN).
    #[inline(always)]
    pub(crate) fn epan(&self, f: &Features) -> bool {
        f.epan && self.cd.word1().epan()
    }

    #[inline(always)]
    fn ds(&self, f: &Features) -> bool {
        f.ds && self.cd.word2().ds()
    }

    #[inline(always)]
    fn half(&self, which: Which) -> Half {
        match which {
            Which::Ttb0 => self.low,
            Which::Ttb1 => self.high,
        }
    }
}

/// Reads the CD in the light of the STE that led to it.
#[inline(always)]
pub(crate) fn parse(
    env: &mut impl Env,
    f: &Features,
    world: StreamWorld,
    s1_stalld: bool,
    cd: &Cd,
) -> Result<Context, Rule> {
    let w0 = cd.word0();
    let low_off = world.has_two_tables() && w0.epd0();
    let high_off = !world.has_two_tables() || w0.epd1();
    let walks = !low_off || !high_off;
    refuse! {
        !w0.v() => CdNotValid,
        s1_stalld && w0.s() => CdStallDisabled,
        f.term_abort_only && !w0.a() => CdTermModel,
        w0.s() && f.stall_model == StallModel::TerminateOnly => CdStallUnsupported,
        !w0.s() && f.stall_model == StallModel::StallOnly => CdStallRequired,
        walks && w0.endi() && f.table_endianness == TableEndianness::LittleOnly => CdBigEndian,
        walks && !w0.endi() && f.table_endianness == TableEndianness::BigOnly => CdLittleEndian,
        !w0.aa64() => CdAarch32,
        (w0.ha() || w0.hd()) && f.httu == Httu::None => CdHttuUnsupported,
        w0.hd() && f.httu == Httu::AccessFlag => CdDirtyUnsupported,
        cd.word1().haft() && !w0.ha() && f.httu == Httu::WithTable => CdHaftWithoutHa,
        world.has_two_tables() && !f.asid16 && w0.asid() > 0xff => CdAsidTooBig,
    }
    let output_bits = effective_output_bits(f, w0.ips());
    let low = if low_off { Half::Off } else { low_half(env, f, cd, output_bits)? };
    let high = if high_off { Half::Off } else { high_half(env, f, cd, output_bits)? };
    refuse! { has_reserved_bit(cd) && reserved_bits_refused(env) => CdReservedBit, }
    let ha = w0.ha();
    Ok(Context {
        world,
        flags: FaultFlags { abort: w0.a(), record: w0.r(), stall: w0.s() },
        low,
        high,
        cd: *cd,
        output_bits,
        ha,
        hd: ha && w0.hd(),
        haft: ha && cd.word1().haft() && f.httu == Httu::WithTable,
    })
}

/// CD-17, CD-19, CD-20. The granule comes first because the limits of T0SZ depend on it.
#[inline(always)]
fn low_half(env: &mut impl Env, f: &Features, cd: &Cd, output_bits: u8) -> Result<Half, Rule> {
    let granule = Granule::from_tg0(f, cd.word0().tg0()).ok_or(Rule::CdTg0)?;
    let ds = f.ds && cd.word2().ds();
    let txsz = within_limits(env, f, cd.word0().t0sz(), limits(f, granule, ds)).ok_or(Rule::CdT0szRange)?;
    refuse! { base_out_of_range(cd.word1().ttb0(), output_bits, Some(granule), ds) => CdTtb0Range, }
    Ok(Half::On { granule, txsz })
}

/// CD-18, CD-21, CD-22.
#[inline(always)]
fn high_half(env: &mut impl Env, f: &Features, cd: &Cd, output_bits: u8) -> Result<Half, Rule> {
    let granule = Granule::from_tg1(f, cd.word0().tg1()).ok_or(Rule::CdTg1)?;
    let ds = f.ds && cd.word2().ds();
    let txsz = within_limits(env, f, cd.word0().t1sz(), limits(f, granule, ds)).ok_or(Rule::CdT1szRange)?;
    refuse! { base_out_of_range(cd.word2().ttb1(), output_bits, Some(granule), ds) => CdTtb1Range, }
    Ok(Half::On { granule, txsz })
}

#[inline(always)]
fn limits(f: &Features, granule: Granule, ds: bool) -> (u8, u8) {
    (geometry::min_stage1_txsz(f, granule, ds), geometry::max_txsz(f, granule))
}

/// Bits that no field covers, word by word (§5.4).
const RESERVED: [u64; 8] = [
    0,
    0x0300_0000_0000_0000, // [57:56]
    0x0300_0000_0000_0000, // [57:56]
    0,
    0,
    0xff00_0000_0000_0000, // [63:56]
    0xffff_0000_0000_0000, // [63:48]
    0xffff_0000_0000_0000, // [63:48]
];

#[inline(always)]
fn has_reserved_bit(cd: &Cd) -> bool {
    cd.0.iter().zip(RESERVED).fold(0, |set, (word, mask)| set | word & mask) != 0
}

#[cold]
fn reserved_bits_refused(env: &mut impl Env) -> bool {
    env.ask(&[CdReservedBits::Ignore, CdReservedBits::Invalid]) == CdReservedBits::Invalid
}
