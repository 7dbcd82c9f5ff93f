//! CD validity and meaning (§5.4, §5.4.2): from eight words to the parameters of stage 1.

use super::StreamWorld;
use super::geometry::{
    self, AddressFormat, Granule, Shape, Table, base_out_of_range, beyond_ttb, effective_output_bits,
    stage1_start_level,
};
use super::ste::{shareability_source, within_limits};
use crate::address::low_mask;
use crate::attributes::mair::MemoryTypes;
use crate::attributes::stage1::ShareabilitySource;
use crate::choice::answer::CdReservedBits;
use crate::env::Env;
use crate::fault::FaultFlags;
use crate::features::{Features, Httu, Revision, StallModel, TableEndianness};
use crate::ids::Asid;
use crate::layout::cd::Cd;
use crate::rule::Rule;

/// A legal CD: the parameters of stage 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) flags: FaultFlags,
    /// The tag of its translations that are not global, in a world that has ASIDs.
    pub(crate) asid: Option<Asid>,
    /// The ASID is not one of those that processing elements use (§3.17).
    pub(crate) aset: bool,
    /// The half of the lower addresses; the only one in a world that has one table.
    low: Half,
    /// The half of the upper addresses.
    high: Half,
    /// TTB1, ASIDs and unprivileged accesses exist.
    pub(crate) two_halves: bool,
    /// What the attributes of a page depend on.
    pub(crate) types: MemoryTypes,
    pub(crate) rules: Stage1Rules,
    /// A clear Access flag does not fault; no meaning with `ha`.
    pub(crate) affd: bool,
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
}

/// All that the meaning of a CD depends on, beside its words and the features: fields of the STE (§16.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct ContextSetting {
    pub(crate) world: StreamWorld,
    pub(crate) s1_stalld: bool,
}

/// What a CD says about one half of the address space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Half {
    /// `None` if EPDx is set.
    pub(crate) table: Option<Table>,
    /// The bits of an address that must be those of `above`: all above the table, without the ignored ones
    /// (§3.4.1 TBI). No meaning without a table.
    pub(crate) above_mask: u64,
    /// 0 in the lower half, all ones in the upper.
    pub(crate) above: u64,
    /// Unprivileged accesses are kept out (§5.4 E0PD).
    pub(crate) e0pd: bool,
    /// The table descriptors restrict permissions (§5.4 HAD, D8.6).
    pub(crate) hierarchical: bool,
    /// Where the shareability of a page is found.
    pub(crate) shareability: ShareabilitySource,
    /// Its walks are Write-Back at both levels of cacheability (§5.4 IR0, OR0).
    pub(crate) write_back: bool,
}

/// What besides the descriptors decides about permissions (§5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stage1Rules {
    /// The world tells privileged from unprivileged accesses.
    pub(crate) two_levels: bool,
    /// CD.PAN; no meaning without two levels.
    pub(crate) pan: bool,
    /// CD.EPAN in effect: PAN counts an executable page as accessible.
    pub(crate) epan: bool,
    /// CD.WXN.
    pub(crate) wxn: bool,
}

impl Context {
    /// The half that an address lies in: bit 55 selects (§3.4.1).
    #[inline(always)]
    pub(crate) fn half(&self, address: u64) -> &Half {
        if self.two_halves && address >> 55 & 1 != 0 { &self.high } else { &self.low }
    }
}

/// Reads the CD in the light of the STE that led to it. Out of line: most transactions find it parsed.
#[inline(never)]
pub(crate) fn parse(
    env: &mut impl Env,
    f: &Features,
    setting: ContextSetting,
    cd: &Cd,
) -> Result<Context, Rule> {
    let ContextSetting { world, s1_stalld } = setting;
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
    let (two_halves, ha, aie) = (world.has_two_tables(), w0.ha(), f.aie && cd.word2().aie());
    let (e0pd, had) = (f.e0pd && two_halves, f.had);
    let low = HalfFields {
        table: low,
        tbi: w0.tbi0(),
        e0pd: e0pd && cd.word1().e0pd0(),
        had: aie || (had && cd.word1().had0()),
        sh: w0.sh0(),
        write_back: is_write_back(w0.ir0(), w0.or0()),
    };
    let high = HalfFields {
        table: high,
        tbi: w0.tbi1(),
        e0pd: e0pd && cd.word2().e0pd1(),
        had: aie || (had && cd.word2().had1()),
        sh: w0.sh1(),
        write_back: is_write_back(w0.ir1(), w0.or1()),
    };
    Ok(Context {
        flags: FaultFlags { abort: w0.a(), record: w0.r(), stall: w0.s() },
        asid: two_halves.then_some(Asid(w0.asid())),
        aset: w0.aset(),
        low: low.in_half(0),
        high: high.in_half(u64::MAX),
        two_halves,
        types: MemoryTypes::new(cd.mair(), aie),
        rules: Stage1Rules {
            two_levels: two_halves,
            pan: w0.pan(),
            epan: f.epan && cd.word1().epan(),
            wxn: w0.wxn(),
        },
        affd: w0.affd(),
        ha,
        hd: ha && w0.hd(),
        haft: ha && cd.word1().haft() && f.httu == Httu::WithTable,
        leaves_flags: false,
        stays_clean: false,
    })
}

/// The fields of one half.
struct HalfFields {
    table: Option<Table>,
    tbi: bool,
    /// In effect.
    e0pd: bool,
    /// In effect, or implied by AIE.
    had: bool,
    sh: u8,
    write_back: bool,
}

impl HalfFields {
    fn in_half(self, above: u64) -> Half {
        let top = if self.tbi { 56 } else { 64 };
        Half {
            above_mask: self.table.map_or(0, |table| low_mask(top) & !low_mask(table.shape.input_bits)),
            above,
            e0pd: self.e0pd,
            hierarchical: !self.had,
            shareability: self
                .table
                .map_or(ShareabilitySource::Descriptor, |table| shareability_source(&table, self.sh)),
            table: self.table,
            write_back: self.write_back,
        }
    }
}

/// Cacheability of walks: 00 Non-cacheable, 01 and 11 Write-Back, 10 Write-Through (§5.4 IR0, §5.2 S2IR0).
pub(super) const fn is_write_back(inner: u8, outer: u8) -> bool {
    inner & outer & 1 != 0
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
    let shape = Shape {
        granule,
        format: AddressFormat::of(f, granule, ds(f, cd)),
        input_bits,
        output_bits,
        start_level: stage1_start_level(granule, input_bits),
        big_endian: cd.word0().endi(),
    };
    Some(Table::new(base, shape))
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

fn has_reserved_bit(cd: &Cd) -> bool {
    cd.0.iter().zip(RESERVED).fold(0, |set, (word, mask)| set | word & mask) != 0
}

#[cold]
fn reserved_bits_refused(env: &mut impl Env) -> bool {
    env.ask(&[CdReservedBits::Ignore, CdReservedBits::Invalid]) == CdReservedBits::Invalid
}
