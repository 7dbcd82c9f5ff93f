//! The ID registers as raw words, and every field of them by name (§6.3.1–§6.3.8, §6.3.45).
//!
//! This is the door for people who write a configuration by hand. The model itself reads `layout::idr`.

use std::fmt;

use crate::naming;

use IdRegister::{Aidr, Idr0, Idr1, Idr2, Idr3, Idr4, Idr5, Idr6, Iidr};

/// The words an implementation shows in its Non-secure ID registers. Any words: legality is judged by
/// [`violations`](super::violations), and [`Features::new`](super::Features::new) uses that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IdRegisters {
    /// IDR0 to IDR6 (§6.3.1–§6.3.6, §6.3.45).
    pub idr: [u32; 7],
    /// IIDR: who made the part (§6.3.7).
    pub iidr: u32,
    /// AIDR: the architecture revision (§6.3.8).
    pub aidr: u32,
}

impl IdRegisters {
    /// The value of the field or register called `name`, see [`FIELDS`].
    pub fn field(&self, name: &str) -> Result<u64, FieldError> {
        let field = find(name)?;
        Ok(u64::from((self.word(field.register) >> field.low_bit) & field.max()))
    }

    /// Replaces the field or register called `name`, see [`FIELDS`].
    pub fn set_field(&mut self, name: &str, value: u64) -> Result<(), FieldError> {
        let field = find(name)?;
        let fitting = u32::try_from(value).ok().filter(|bits| *bits <= field.max());
        let bits = fitting.ok_or(FieldError::TooWide { field: field.name, bits: field.bits(), value })?;
        let word = self.word_mut(field.register);
        *word = (*word & !field.mask()) | (bits << field.low_bit);
        Ok(())
    }

    /// The word of one register (§6.3).
    pub fn word(&self, register: IdRegister) -> u32 {
        let mut copy = *self;
        *copy.word_mut(register)
    }

    fn word_mut(&mut self, register: IdRegister) -> &mut u32 {
        match register {
            IdRegister::Idr0 => &mut self.idr[0],
            IdRegister::Idr1 => &mut self.idr[1],
            IdRegister::Idr2 => &mut self.idr[2],
            IdRegister::Idr3 => &mut self.idr[3],
            IdRegister::Idr4 => &mut self.idr[4],
            IdRegister::Idr5 => &mut self.idr[5],
            IdRegister::Idr6 => &mut self.idr[6],
            IdRegister::Iidr => &mut self.iidr,
            IdRegister::Aidr => &mut self.aidr,
        }
    }
}

/// Names one ID register (§6.3.1–§6.3.8, §6.3.45).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdRegister {
    /// Translation, ATS, interrupts, fault models (§6.3.1).
    Idr0,
    /// Sizes, presets, attribute overrides (§6.3.2).
    Idr1,
    /// Place of the VATOS page (§6.3.3).
    Idr2,
    /// Translation extensions (§6.3.4).
    Idr3,
    /// IMPLEMENTATION DEFINED (§6.3.5).
    Idr4,
    /// Address sizes, granules, stalls (§6.3.6).
    Idr5,
    /// Enhanced Command queues (§6.3.45).
    Idr6,
    /// Implementer and product (§6.3.7).
    Iidr,
    /// Architecture revision (§6.3.8).
    Aidr,
}

/// One named field, or one whole register, of the ID registers (§6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// `IDR0.HTTU` for a field, `IDR0` for a register.
    pub name: &'static str,
    /// The register it lies in.
    pub register: IdRegister,
    /// Its most significant bit.
    pub high_bit: u8,
    /// Its least significant bit.
    pub low_bit: u8,
}

impl Field {
    /// Whether this is a register as a whole.
    pub fn is_register(&self) -> bool {
        !self.name.contains('.')
    }

    /// The bits of the register that the field covers.
    pub fn mask(&self) -> u32 {
        self.max() << self.low_bit
    }

    fn max(&self) -> u32 {
        u32::MAX >> (32 - self.bits())
    }

    fn bits(&self) -> u8 {
        self.high_bit - self.low_bit + 1
    }
}

/// Why a field cannot be read or set by this name and value. Caused by whoever wrote the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldError {
    /// No field has this name.
    Unknown {
        /// The name as written.
        name: String,
        /// A field whose name differs in few letters.
        nearest: Option<&'static str>,
    },
    /// The value needs more bits than the field has.
    TooWide {
        /// The full name of the field.
        field: &'static str,
        /// How many bits it has.
        bits: u8,
        /// The value as written.
        value: u64,
    },
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, nearest: None } => write!(f, "no ID register field is called {name}"),
            Self::Unknown { name, nearest: Some(nearest) } => {
                write!(f, "no ID register field is called {name}; did you mean {nearest}?")
            }
            Self::TooWide { field, bits: 1, value } => {
                write!(f, "{value:#x} does not fit {field}, 1 bit wide")
            }
            Self::TooWide { field, bits, value } => {
                write!(f, "{value:#x} does not fit {field}, {bits} bits wide")
            }
        }
    }
}

impl std::error::Error for FieldError {}

/// Finds a field by its full name, or by the part after the register's name: no two registers share one.
/// Case and underscores do not count, so `arch_minor_rev` finds `AIDR.ArchMinorRev`.
fn find(name: &str) -> Result<&'static Field, FieldError> {
    let found = FIELDS.iter().find(|field| spellings(field).any(|spelling| naming::same(spelling, name)));
    found.ok_or_else(|| {
        let known = FIELDS.iter().flat_map(|field| spellings(field).map(|spelling| (spelling, field.name)));
        FieldError::Unknown { name: name.to_owned(), nearest: naming::nearest(name, known) }
    })
}

fn spellings(field: &Field) -> impl Iterator<Item = &'static str> {
    let bare = field.name.split_once('.').map(|(_, bare)| bare);
    [Some(field.name), bare].into_iter().flatten()
}

const fn field(name: &'static str, register: IdRegister, high_bit: u8, low_bit: u8) -> Field {
    Field { name, register, high_bit, low_bit }
}

/// Every register and every named field, registers first. IDR4 has no fields: all of it is
/// IMPLEMENTATION DEFINED (§6.3.5).
pub const FIELDS: &[Field] = &[
    field("IDR0", Idr0, 31, 0),
    field("IDR1", Idr1, 31, 0),
    field("IDR2", Idr2, 31, 0),
    field("IDR3", Idr3, 31, 0),
    field("IDR4", Idr4, 31, 0),
    field("IDR5", Idr5, 31, 0),
    field("IDR6", Idr6, 31, 0),
    field("IIDR", Iidr, 31, 0),
    field("AIDR", Aidr, 31, 0),
    field("IDR0.RME_IMPL", Idr0, 30, 30),
    field("IDR0.ST_LEVEL", Idr0, 28, 27),
    field("IDR0.TERM_MODEL", Idr0, 26, 26),
    field("IDR0.STALL_MODEL", Idr0, 25, 24),
    field("IDR0.ATSRECERR", Idr0, 23, 23),
    field("IDR0.TTENDIAN", Idr0, 22, 21),
    field("IDR0.VATOS", Idr0, 20, 20),
    field("IDR0.CD2L", Idr0, 19, 19),
    field("IDR0.VMID16", Idr0, 18, 18),
    field("IDR0.VMW", Idr0, 17, 17),
    field("IDR0.PRI", Idr0, 16, 16),
    field("IDR0.ATOS", Idr0, 15, 15),
    field("IDR0.SEV", Idr0, 14, 14),
    field("IDR0.MSI", Idr0, 13, 13),
    field("IDR0.ASID16", Idr0, 12, 12),
    field("IDR0.NS1ATS", Idr0, 11, 11),
    field("IDR0.ATS", Idr0, 10, 10),
    field("IDR0.HYP", Idr0, 9, 9),
    field("IDR0.DORMHINT", Idr0, 8, 8),
    field("IDR0.HTTU", Idr0, 7, 6),
    field("IDR0.BTM", Idr0, 5, 5),
    field("IDR0.COHACC", Idr0, 4, 4),
    field("IDR0.TTF", Idr0, 3, 2),
    field("IDR0.S1P", Idr0, 1, 1),
    field("IDR0.S2P", Idr0, 0, 0),
    field("IDR1.ECMDQ", Idr1, 31, 31),
    field("IDR1.TABLES_PRESET", Idr1, 30, 30),
    field("IDR1.QUEUES_PRESET", Idr1, 29, 29),
    field("IDR1.REL", Idr1, 28, 28),
    field("IDR1.ATTR_TYPES_OVR", Idr1, 27, 27),
    field("IDR1.ATTR_PERMS_OVR", Idr1, 26, 26),
    field("IDR1.CMDQS", Idr1, 25, 21),
    field("IDR1.EVENTQS", Idr1, 20, 16),
    field("IDR1.PRIQS", Idr1, 15, 11),
    field("IDR1.SSIDSIZE", Idr1, 10, 6),
    field("IDR1.SIDSIZE", Idr1, 5, 0),
    field("IDR2.BA_VATOS", Idr2, 9, 0),
    field("IDR3.AIE", Idr3, 23, 23),
    field("IDR3.MTEPERM", Idr3, 22, 22),
    field("IDR3.THE", Idr3, 21, 21),
    field("IDR3.S2PO", Idr3, 20, 20),
    field("IDR3.S2PI", Idr3, 19, 19),
    field("IDR3.S1PI", Idr3, 18, 18),
    field("IDR3.EPAN", Idr3, 17, 17),
    field("IDR3.PASIDTT", Idr3, 16, 16),
    field("IDR3.DPT", Idr3, 15, 15),
    field("IDR3.PTWNNC", Idr3, 14, 14),
    field("IDR3.E0PD", Idr3, 13, 13),
    field("IDR3.BBML", Idr3, 12, 11),
    field("IDR3.RIL", Idr3, 10, 10),
    field("IDR3.STT", Idr3, 9, 9),
    field("IDR3.FWB", Idr3, 8, 8),
    field("IDR3.MPAM", Idr3, 7, 7),
    field("IDR3.PPS", Idr3, 5, 5),
    field("IDR3.XNX", Idr3, 4, 4),
    field("IDR3.PBHA", Idr3, 3, 3),
    field("IDR3.HAD", Idr3, 2, 2),
    field("IDR5.STALL_MAX", Idr5, 31, 16),
    field("IDR5.VAX", Idr5, 11, 10),
    field("IDR5.D128", Idr5, 8, 8),
    field("IDR5.DS", Idr5, 7, 7),
    field("IDR5.GRAN64K", Idr5, 6, 6),
    field("IDR5.GRAN16K", Idr5, 5, 5),
    field("IDR5.GRAN4K", Idr5, 4, 4),
    field("IDR5.OAS", Idr5, 2, 0),
    field("IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP", Idr6, 27, 24),
    field("IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ", Idr6, 19, 16),
    field("IIDR.ProductID", Iidr, 31, 20),
    field("IIDR.Variant", Iidr, 19, 16),
    field("IIDR.Revision", Iidr, 15, 12),
    field("IIDR.Implementer", Iidr, 11, 0),
    field("AIDR.ArchMajorRev", Aidr, 7, 4),
    field("AIDR.ArchMinorRev", Aidr, 3, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_its_register_is_unique() {
        let names: Vec<&str> = FIELDS.iter().flat_map(spellings).collect();
        for (index, one) in names.iter().enumerate() {
            let other = names[index + 1..].iter().find(|other| naming::same(one, other));
            assert_eq!(other, None, "{one}");
        }
    }

    #[test]
    fn fields_of_a_register_do_not_overlap() {
        for (index, one) in FIELDS.iter().enumerate().filter(|(_, field)| !field.is_register()) {
            for other in FIELDS[index + 1..].iter().filter(|other| other.register == one.register) {
                assert_eq!(one.mask() & other.mask(), 0, "{} and {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_typos_get_a_suggestion() {
        let qemu = IdRegisters { idr: [0x0d44_101b, 0x0273_0010, 0, 0x1414, 0, 0x74, 0], iidr: 0, aidr: 1 };
        assert_eq!(qemu.field("idr1.sidsize"), Ok(16));
        assert_eq!(qemu.field("OAS"), Ok(4));
        assert_eq!(qemu.field("arch_minor_rev"), Ok(1));
        assert_eq!(qemu.field("IDR5"), Ok(0x74));
        let says = |name| qemu.field(name).unwrap_err().to_string();
        assert_eq!(says("IDR0.HTUU"), "no ID register field is called IDR0.HTUU; did you mean IDR0.HTTU?");
        assert_eq!(says("sidsze"), "no ID register field is called sidsze; did you mean IDR1.SIDSIZE?");
        assert_eq!(says("colour"), "no ID register field is called colour");
        assert_eq!(says(""), "no ID register field is called ");
    }

    #[test]
    fn a_value_must_fit() {
        let mut ids = IdRegisters::default();
        assert_eq!(ids.set_field("HTTU", 3), Ok(()));
        assert_eq!(ids.idr[0], 0xc0);
        assert_eq!(
            ids.set_field("HTTU", 4).unwrap_err().to_string(),
            "0x4 does not fit IDR0.HTTU, 2 bits wide"
        );
        let wide = ids.set_field("IDR4", 1 << 32).unwrap_err().to_string();
        assert_eq!(wide, "0x100000000 does not fit IDR4, 32 bits wide");
        assert_eq!(ids.idr, [0xc0, 0, 0, 0, 0, 0, 0]);
    }
}
