//! Which combinations of ID register fields the architecture allows (§6.3.1–§6.3.8, §6.3.45, §2.2–§2.9).
//!
//! The model shows a Non-secure interface only: SECURE_IMPL, RME and the Realm state are taken as absent.

use std::fmt;

use super::id_registers::{FIELDS, IdRegister, IdRegisters};
use super::revisions;
use crate::layout::idr::{Aidr, Idr0, Idr1, Idr2, Idr3, Idr5, Idr6};

/// Every constraint that `ids` breaks, in the order of [`Constraint::ALL`].
pub fn violations(ids: &IdRegisters) -> Vec<Violation> {
    let decoded = Decoded::new(*ids);
    let broken = Constraint::ALL.iter().filter(|constraint| (constraint.row().broken)(&decoded));
    broken.map(|constraint| Violation { constraint: *constraint, ids: *ids }).collect()
}

/// One broken constraint, together with the words that break it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// What is broken.
    pub constraint: Constraint,
    /// By which registers.
    pub ids: IdRegisters,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.constraint.row();
        write!(f, "{} ({}): {}; here ", row.label, row.section, row.text)?;
        write_values(f, &self.ids, &(row.shown)(&Decoded::new(self.ids)))
    }
}

/// Writes `IDR0.TTF = 0x0, IDR5.DS = 0x1` for the fields called `names`.
pub(super) fn write_values(f: &mut fmt::Formatter<'_>, ids: &IdRegisters, names: &[&str]) -> fmt::Result {
    for (index, name) in names.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let value = ids.field(name).expect("tables name only fields of FIELDS, tested below");
        write!(f, "{separator}{name} = {value:#x}")?;
    }
    Ok(())
}

/// The registers with their fields taken apart: what conditions are written against.
pub(super) struct Decoded {
    pub(super) ids: IdRegisters,
    pub(super) idr0: Idr0,
    pub(super) idr1: Idr1,
    pub(super) idr2: Idr2,
    pub(super) idr3: Idr3,
    pub(super) idr5: Idr5,
    pub(super) idr6: Idr6,
    pub(super) aidr: Aidr,
}

impl Decoded {
    pub(super) fn new(ids: IdRegisters) -> Self {
        let [idr0, idr1, idr2, idr3, _implementation_defined, idr5, idr6] = ids.idr;
        Self {
            ids,
            idr0: Idr0::from_bits(idr0),
            idr1: Idr1::from_bits(idr1),
            idr2: Idr2::from_bits(idr2),
            idr3: Idr3::from_bits(idr3),
            idr5: Idr5::from_bits(idr5),
            idr6: Idr6::from_bits(idr6),
            aidr: Aidr::from_bits(ids.aidr),
        }
    }

    /// Whether the architecture revision is v3.`minor` or later (§6.3.8).
    fn since(&self, minor: u8) -> bool {
        self.aidr.arch_minor_rev() >= minor
    }

    fn both_stages(&self) -> bool {
        self.idr0.s1p() && self.idr0.s2p()
    }

    fn short_granule(&self) -> bool {
        self.idr5.gran4k() || self.idr5.gran16k()
    }
}

struct Row {
    label: &'static str,
    section: &'static str,
    text: &'static str,
    shown: fn(&Decoded) -> Vec<&'static str>,
    broken: fn(&Decoded) -> bool,
}

/// `Variant = label, §, what must hold, [fields to show] (or a function that finds them), when broken`.
macro_rules! constraints {
    (@shown [$($field:literal)*]) => { |_| vec![$($field),*] };
    (@shown ($find:path)) => { $find };
    ($($name:ident = $label:literal $section:literal $text:literal $shown:tt broken $broken:expr;)*) => {
        /// One rule about ID register fields. The labels are those of the project's numbered list.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Constraint {
            $(#[doc = concat!($label, " (", $section, "): ", $text, ".")] $name,)*
        }

        impl Constraint {
            /// Every constraint, by label.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        label: $label,
                        section: $section,
                        text: $text,
                        shown: constraints!(@shown $shown),
                        broken: $broken,
                    },)*
                }
            }
        }
    };
}

impl Constraint {
    /// The label: `V07`.
    pub fn label(self) -> &'static str {
        self.row().label
    }

    /// Where the specification says so: `§6.3.6`.
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// What must hold, in one line.
    pub fn text(self) -> &'static str {
        self.row().text
    }
}

constraints! {
    // Translation and formats.
    ReservedBits = "V00" "§6.3.1–§6.3.8, §6.3.45" "bits without a field are 0"
        (reserved_bits_set) broken |i| !reserved_bits_set(i).is_empty();
    SomeFormat = "V01" "§6.3.1" "TTF names a translation table format, 00 is reserved"
        ["IDR0.TTF"] broken |i| i.idr0.ttf() == 0;
    SomeStage = "V02" "§2.2" "stage 1, stage 2 or both are implemented"
        ["IDR0.S1P" "IDR0.S2P"] broken |i| !i.idr0.s1p() && !i.idr0.s2p();
    LpaeNeeds4K = "V03" "§6.3.6" "TTF[0] = 1 (VMSAv8-32 LPAE) needs GRAN4K"
        ["IDR0.TTF" "IDR5.GRAN4K"] broken |i| i.idr0.ttf() & 0b01 != 0 && !i.idr5.gran4k();
    D128Format = "V04" "§6.3.6" "D128 = 1 needs TTF = 10, without VMSAv8-32 LPAE"
        ["IDR5.D128" "IDR0.TTF"] broken |i| i.idr5.d128() && i.idr0.ttf() != 0b10;
    // §6.3.4 makes S1PI and AIE depend on S1P; §6.3.6 has no such condition and is taken here.
    D128Companions = "V05" "§6.3.6" "D128 = 1 needs S1PI, S2PO, AIE and MTEPERM"
        ["IDR5.D128" "IDR3.S1PI" "IDR3.S2PO" "IDR3.AIE" "IDR3.MTEPERM"]
        broken |i| i.idr5.d128() && !(i.idr3.s1pi() && i.idr3.s2po() && i.idr3.aie() && i.idr3.mteperm());
    VaxDefined = "V06" "§6.3.6" "VAX is 0, 1, or 2 with D128; 3 is reserved"
        ["IDR5.VAX" "IDR5.D128"] broken |i| i.idr5.vax() == 3 || i.idr5.vax() == 2 && !i.idr5.d128();
    VaxGranule = "V07" "§6.3.6" "VAX >= 1 needs GRAN64K, or DS with a 4K or 16K granule"
        ["IDR5.VAX" "IDR5.GRAN64K" "IDR5.DS" "IDR5.GRAN4K" "IDR5.GRAN16K"]
        broken |i| i.idr5.vax() >= 1 && !(i.idr5.gran64k() || i.idr5.ds() && i.short_granule());
    DsNeedsVax = "V08" "§6.3.6" "DS = 1 needs VAX >= 1 and a 4K or 16K granule"
        ["IDR5.DS" "IDR5.VAX" "IDR5.GRAN4K" "IDR5.GRAN16K"]
        broken |i| i.idr5.ds() && !(i.idr5.vax() >= 1 && i.short_granule());
    LargeOas = "V09" "§6.3.6" "OAS = 6 (52 bits) needs GRAN64K, DS or D128; OAS = 7 (56 bits) needs D128"
        ["IDR5.OAS" "IDR5.GRAN64K" "IDR5.DS" "IDR5.D128"]
        broken |i| match i.idr5.oas() {
            6 => !(i.idr5.gran64k() || i.idr5.ds() || i.idr5.d128()),
            7 => !i.idr5.d128(),
            _ => false,
        };
    DptWithoutLpae = "V10" "§6.3.1" "DPT = 1 needs TTF[0] = 0"
        ["IDR3.DPT" "IDR0.TTF"] broken |i| i.idr3.dpt() && i.idr0.ttf() & 0b01 != 0;
    ReservedEncodings = "V11" "§6.3.1, §6.3.4" "TTENDIAN is not 1, ST_LEVEL not above 1, STALL_MODEL and BBML not 3"
        ["IDR0.TTENDIAN" "IDR0.ST_LEVEL" "IDR0.STALL_MODEL" "IDR3.BBML"]
        broken |i| i.idr0.ttendian() == 1 || i.idr0.st_level() > 1 || i.idr0.stall_model() == 3 || i.idr3.bbml() == 3;

    // Fields that belong to one stage.
    WithoutStage1 = "V12" "§6.3.4" "S1P = 0 leaves AIE, THE, S1PI and HAD at 0"
        ["IDR0.S1P" "IDR3.AIE" "IDR3.THE" "IDR3.S1PI" "IDR3.HAD"]
        broken |i| !i.idr0.s1p() && (i.idr3.aie() || i.idr3.the() || i.idr3.s1pi() || i.idr3.had());
    WithoutStage2 = "V13" "§6.3.4, §6.3.1" "S2P = 0 leaves MTEPERM, S2PI, PTWNNC and VMW at 0"
        ["IDR0.S2P" "IDR3.MTEPERM" "IDR3.S2PI" "IDR3.PTWNNC" "IDR0.VMW"]
        broken |i| !i.idr0.s2p() && (i.idr3.mteperm() || i.idr3.s2pi() || i.idr3.ptwnnc() || i.idr0.vmw());
    TheNeedsS2pi = "V14" "§6.3.4" "THE = 1 with stage 2 needs S2PI"
        ["IDR3.THE" "IDR0.S2P" "IDR3.S2PI"] broken |i| i.idr3.the() && i.idr0.s2p() && !i.idr3.s2pi();
    S2poNeedsS2pi = "V15" "§6.3.4" "S2PO = 1 needs S2PI"
        ["IDR3.S2PO" "IDR3.S2PI"] broken |i| i.idr3.s2po() && !i.idr3.s2pi();
    // VATOS needs both stages too: V21 says so.
    BothStages = "V16" "§6.3.1" "Hyp and NS1ATS are 0 unless both stages are implemented"
        ["IDR0.S1P" "IDR0.S2P" "IDR0.HYP" "IDR0.NS1ATS"]
        broken |i| !i.both_stages() && (i.idr0.hyp() || i.idr0.ns1ats());
    PbhaNeedsHad = "V17" "§6.3.4" "PBHA = 1 needs HAD"
        ["IDR3.PBHA" "IDR3.HAD"] broken |i| i.idr3.pbha() && !i.idr3.had();
    SubstreamsNeedStage1 = "V18" "§3.2" "S1P = 0 leaves SSIDSIZE at 0: substreams select stage 1"
        ["IDR0.S1P" "IDR1.SSIDSIZE"] broken |i| !i.idr0.s1p() && i.idr1.ssidsize() != 0;

    // ATS, PRI, ATOS.
    WithoutAts = "V19" "§6.3.1, §6.3.4" "ATS = 0 leaves PRI, ATSRECERR, NS1ATS, PASIDTT and DPT at 0"
        ["IDR0.ATS" "IDR0.PRI" "IDR0.ATSRECERR" "IDR0.NS1ATS" "IDR3.PASIDTT" "IDR3.DPT"]
        broken |i| !i.idr0.ats()
            && (i.idr0.pri() || i.idr0.atsrecerr() || i.idr0.ns1ats() || i.idr3.pasidtt() || i.idr3.dpt());
    PasidFields = "V20" "§6.3.4" "PASIDTT needs substreams; PPS needs substreams and PRI"
        ["IDR1.SSIDSIZE" "IDR0.PRI" "IDR3.PASIDTT" "IDR3.PPS"]
        broken |i| i.idr1.ssidsize() == 0 && (i.idr3.pasidtt() || i.idr3.pps()) || !i.idr0.pri() && i.idr3.pps();
    Vatos = "V21" "§6.3.1, §6.3.3" "VATOS needs ATOS and both stages; BA_VATOS is 0 without VATOS"
        ["IDR0.VATOS" "IDR0.ATOS" "IDR0.S1P" "IDR0.S2P" "IDR2.BA_VATOS"]
        broken |i| if i.idr0.vatos() { !i.idr0.atos() || !i.both_stages() } else { i.idr2.ba_vatos() != 0 };

    // Sizes.
    QueueSizes = "V23" "§6.3.2" "CMDQS and EVENTQS are at most 19, and so is PRIQS with PRI"
        ["IDR1.CMDQS" "IDR1.EVENTQS" "IDR1.PRIQS" "IDR0.PRI"]
        broken |i| i.idr1.cmdqs() > 19 || i.idr1.eventqs() > 19 || i.idr0.pri() && i.idr1.priqs() > 19;
    IdSizes = "V24" "§6.3.2" "SSIDSIZE is at most 20, SIDSIZE at most 32"
        ["IDR1.SSIDSIZE" "IDR1.SIDSIZE"] broken |i| i.idr1.ssidsize() > 20 || i.idr1.sidsize() > 32;
    ManyStreams = "V25" "§6.3.2" "SIDSIZE >= 7 needs 2-level Stream tables (ST_LEVEL)"
        ["IDR1.SIDSIZE" "IDR0.ST_LEVEL"] broken |i| i.idr1.sidsize() >= 7 && i.idr0.st_level() == 0;
    StallMax = "V27" "§6.3.6" "STALL_MODEL = 1 (no stalls) leaves STALL_MAX at 0"
        ["IDR0.STALL_MODEL" "IDR5.STALL_MAX"] broken |i| i.idr0.stall_model() == 1 && i.idr5.stall_max() != 0;

    // Presets and Enhanced Command queues.
    RelNeedsPreset = "V28" "§6.3.2" "REL = 1 needs TABLES_PRESET or QUEUES_PRESET"
        ["IDR1.REL" "IDR1.TABLES_PRESET" "IDR1.QUEUES_PRESET"]
        broken |i| i.idr1.rel() && !(i.idr1.tables_preset() || i.idr1.queues_preset());
    EcmdqMemory = "V29" "§6.3.2" "ECMDQ = 1 needs COHACC and QUEUES_PRESET = 0"
        ["IDR1.ECMDQ" "IDR0.COHACC" "IDR1.QUEUES_PRESET"]
        broken |i| i.idr1.ecmdq() && (!i.idr0.cohacc() || i.idr1.queues_preset());
    EcmdqMsi = "V30" "§6.3.2" "ECMDQ = 1 needs MSI"
        ["IDR1.ECMDQ" "IDR0.MSI"] broken |i| i.idr1.ecmdq() && !i.idr0.msi();
    EcmdqPages = "V31" "§6.3.45" "LOG2NUMP and LOG2NUMQ are at most 8, and IDR6 is 0 without ECMDQ"
        ["IDR1.ECMDQ" "IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP" "IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ"]
        broken |i| {
            let max = if i.idr1.ecmdq() { 8 } else { 0 };
            i.idr6.cmdq_control_page_log2nump() > max || i.idr6.cmdq_control_page_log2numq() > max
        };

    // Architecture revision.
    // §2.9 would let v3.0 take these from v3.1; the field descriptions reserve them, and are taken here.
    Version0 = "V35" "§6.3.4, §6.3.6" "v3.0 leaves VAX, XNX and PBHA at 0, and OAS below 6"
        ["AIDR.ArchMinorRev" "IDR5.VAX" "IDR3.XNX" "IDR3.PBHA" "IDR5.OAS"]
        broken |i| !i.since(1) && (i.idr5.vax() != 0 || i.idr3.xnx() || i.idr3.pbha() || i.idr5.oas() == 6);
    Version1 = "V36" "§6.3.4" "v3.1 and later have HAD with stage 1 and XNX with stage 2"
        ["AIDR.ArchMinorRev" "IDR0.S1P" "IDR3.HAD" "IDR0.S2P" "IDR3.XNX"]
        broken |i| i.since(1) && (i.idr0.s1p() && !i.idr3.had() || i.idr0.s2p() && !i.idr3.xnx());
    Version2Hyp = "V37" "§6.3.1" "v3.2 and later have Hyp with both stages"
        ["AIDR.ArchMinorRev" "IDR0.S1P" "IDR0.S2P" "IDR0.HYP"]
        broken |i| i.since(2) && i.both_stages() && !i.idr0.hyp();
    Version2 = "V38" "§6.3.4" "v3.2 and later have BBML >= 1, RIL and FWB"
        ["AIDR.ArchMinorRev" "IDR3.BBML" "IDR3.RIL" "IDR3.FWB"]
        broken |i| i.since(2) && !(i.idr3.bbml() >= 1 && i.idr3.ril() && i.idr3.fwb());
    Version3 = "V39" "§6.3.4" "v3.3 and later have E0PD, and PTWNNC with stage 2"
        ["AIDR.ArchMinorRev" "IDR3.E0PD" "IDR0.S2P" "IDR3.PTWNNC"]
        broken |i| i.since(3) && (!i.idr3.e0pd() || i.idr0.s2p() && !i.idr3.ptwnnc());
    // §2.8 lists EPAN as optional; §6.3.4 says it is always 1, and is taken here.
    Version4 = "V40" "§6.3.4" "v3.4 and later have EPAN, and MTEPERM with stage 2"
        ["AIDR.ArchMinorRev" "IDR3.EPAN" "IDR0.S2P" "IDR3.MTEPERM"]
        broken |i| i.since(4) && (!i.idr3.epan() || i.idr0.s2p() && !i.idr3.mteperm());
    // "In SMMUv3.3" is read as "up to v3.3", as V35 reads its fellow sentences.
    Oas56 = "V41" "§6.3.6" "OAS = 7 (56 bits) is reserved before v3.4"
        ["AIDR.ArchMinorRev" "IDR5.OAS"] broken |i| !i.since(4) && i.idr5.oas() == 7;
    TooNew = "V42" "§2.9" "v3.x has no feature of v3.(x+2) or later"
        (revisions::shown) broken |i| !revisions::too_new(i).is_empty();
}

/// The registers that have bits set where no field lies.
fn reserved_bits_set(decoded: &Decoded) -> Vec<&'static str> {
    let fields_of =
        |register: IdRegister| FIELDS.iter().filter(move |f| f.register == register && !f.is_register());
    let defined = |register| fields_of(register).fold(0, |mask, field| mask | field.mask());
    let registers = FIELDS.iter().filter(|field| field.is_register() && field.register != IdRegister::Idr4);
    registers
        .filter(|field| decoded.ids.word(field.register) & !defined(field.register) != 0)
        .map(|field| field.name)
        .collect()
}

/// Labels of the list that no Non-secure ID register decides, and why.
pub const NOT_JUDGED: &[(&str, &str)] = &[
    ("V22", "says which SMMU suits CXL.cache devices; the ID registers do not name the devices"),
    ("V26", "says which SMMU suits PCI clients; the ID registers do not name the clients"),
    ("V32", "is about the control page registers of Enhanced Command queues, which this model places"),
    ("V33", "is about STRTAB_BASE_CFG with preset tables, which are not modelled"),
    ("V34", "is about the addresses of preset structures, which are not modelled"),
    ("V43", "is about the Secure state, which has its own ID registers"),
    ("V44", "is about the Secure state together with RME"),
    ("V45", "is about the Root and Realm ID registers"),
    ("V46", "is about an SMMU with a Realm interface"),
    ("V47", "compares the Realm ID registers with these"),
    ("V48", "compares the MPAM ID registers of several Security states"),
    ("V49", "needs to know whether interrupt wires exist, which no register shows"),
    ("V50", "compares the Secure STALL_MODEL with this one"),
];
