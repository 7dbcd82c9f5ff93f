//! CD validity and meaning (§5.4, §5.4.2): from eight words to the parameters of stage 1.

use super::StreamWorld;
use super::geometry::{
    self, AddressFormat, Granule, Table, base_out_of_range, beyond_ttb, effective_output_bits,
    stage1_start_level,
};
use super::ste::{shareability_source, within_limits};
use crate::attributes::stage1::Stage1Settings;
use crate::choice::answer::CdReservedBits;
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::features::{Features, Httu, Revision, StallModel, TableEndianness};
use crate::layout::cd::{Cd, CdWord0};
use crate::rule::Rule;

/// A legal CD: the parameters of stage 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) world: StreamWorld,
    pub(crate) flags: FaultFlags,
    /// The table of the lower addresses; the only one in a world that has one. `None` if EPD0 is set.
    low: Option<Table>,
    /// The table of the upper addresses. `None` if EPD1 is set.
    high: Option<Table>,
    cd: Cd,
    /// Hardware sets the Access flag.
    pub(crate) ha: bool,
    /// Hardware keeps the dirty state; implies `ha`.
    pub(crate) hd: bool,
    /// Hardware sets the Access flag of table descriptors; implies `ha`.
    pub(crate) haft: bool,
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
    pub(crate) fn table(&self, which: Which) -> Option<&Table> {
        match which {
            Which::Ttb0 => self.low.as_ref(),
            Which::Ttb1 => self.high.as_ref(),
        }
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
    let low = if low_off { None } else { Some(low_table(env, f, cd)?) };
    let high = if high_off { None } else { Some(high_table(env, f, cd)?) };
    let beyond = !low_off && beyond_ttb(f, cd.0[1]) || !high_off && beyond_ttb(f, cd.0[2]);
    refuse! { (has_reserved_bit(cd) || beyond) && reserved_bits_refused(env) => CdReservedBit, }
    let ha = w0.ha();
    Ok(Context {
        world,
        flags: FaultFlags { abort: w0.a(), record: w0.r(), stall: w0.s() },
        low,
        high,
        cd: *cd,
        ha,
        hd: ha && w0.hd(),
        haft: ha && cd.word1().haft() && f.httu == Httu::WithTable,
    })
}

/// CD-17, CD-19, CD-20. The granule comes first because the limits of T0SZ depend on it.
fn low_table(env: &mut impl Env, f: &Features, cd: &Cd) -> Result<Table, Rule> {
    let granule = Granule::from_tg0(f, cd.word0().tg0()).ok_or(Rule::CdTg0)?;
    let t0sz = txsz(env, f, cd, granule, cd.word0().t0sz()).ok_or(Rule::CdT0szRange)?;
    table(f, cd, granule, cd.word1().ttb0(), t0sz).ok_or(Rule::CdTtb0Range)
}

/// CD-18, CD-21, CD-22.
fn high_table(env: &mut impl Env, f: &Features, cd: &Cd) -> Result<Table, Rule> {
    let granule = Granule::from_tg1(f, cd.word0().tg1()).ok_or(Rule::CdTg1)?;
    let t1sz = txsz(env, f, cd, granule, cd.word0().t1sz()).ok_or(Rule::CdT1szRange)?;
    table(f, cd, granule, cd.word2().ttb1(), t1sz).ok_or(Rule::CdTtb1Range)
}

/// The TxSZ in effect; `None` if it is out of its limits.
fn txsz(env: &mut impl Env, f: &Features, cd: &Cd, granule: Granule, field: u8) -> Option<u8> {
    let limits = (geometry::min_stage1_txsz(f, granule, ds(f, cd)), geometry::max_txsz(f, granule));
    within_limits(env, f, field, limits)
}

/// `None` if the base is out of range.
fn table(f: &Features, cd: &Cd, granule: Granule, base: u64, txsz: u8) -> Option<Table> {
    let (base, output_bits) = (geometry::ttb(f, base), effective_output_bits(f, cd.word0().ips()));
    if base_out_of_range(base, output_bits, Some(granule), ds(f, cd)) {
        return None;
    }
    let input_bits = 64 - txsz;
    let table = Table {
        base,
        granule,
        format: AddressFormat::of(f, granule, ds(f, cd)),
        input_bits,
        output_bits,
        start_level: stage1_start_level(granule, input_bits),
        big_endian: cd.word0().endi(),
    };
    Some(table.align_base())
}

fn ds(f: &Features, cd: &Cd) -> bool {
    f.ds && cd.word2().ds()
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

/// Whether parsing this CD may ask a question: its meaning is not in its words alone.
pub(crate) fn asks(f: &Features, cd: &Cd) -> bool {
    f.revision == Revision::V3_0 || has_reserved_bit(cd) || beyond_ttb(f, cd.0[1] | cd.0[2])
}

#[inline(always)]
fn has_reserved_bit(cd: &Cd) -> bool {
    cd.0.iter().zip(RESERVED).fold(0, |set, (word, mask)| set | word & mask) != 0
}

#[cold]
fn reserved_bits_refused(env: &mut impl Env) -> bool {
    env.ask(&[CdReservedBits::Ignore, CdReservedBits::Invalid]) == CdReservedBits::Invalid
}
