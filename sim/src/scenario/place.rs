//! A place in the register pages, as a scenario accesses it.

use smmu_model::features::Features;
use smmu_model::{AnyRegister, Register};

/// A place in the register pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Bytes from the base of page 0.
    pub offset: u64,
    /// How the bus accesses it.
    pub size_bytes: u8,
    /// The register there, if it was named.
    pub register: Option<AnyRegister>,
}

impl Place {
    /// The register, accessed as one.
    pub const fn whole(register: Register) -> Self {
        let (offset, size_bytes) = (register.offset(), register.size_bytes());
        Self { offset, size_bytes, register: Some(AnyRegister::Main(register)) }
    }

    /// A register of an SMMU with these features, accessed as one.
    pub fn of(register: AnyRegister, f: &Features) -> Self {
        Self { offset: register.offset(f), size_bytes: register.size_bytes(), register: Some(register) }
    }
}
