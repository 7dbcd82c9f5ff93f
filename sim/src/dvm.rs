//! TLBIs of processing elements by their names in DDI 0487, as people and programs write them.

use smmu_model::broadcast::Broadcast;
use smmu_model::command::{Pages, Range};
use smmu_model::ids::{Asid, Vmid};

/// What goes with a TLBI.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Operands {
    /// The VMID; 0 if it is not given.
    pub vmid: Option<u16>,
    /// The ASID.
    pub asid: Option<u16>,
    /// The VA, or the IPA of a stage 2 operation.
    pub address: Option<u64>,
    /// How many bytes, of a range operation.
    pub bytes: Option<u64>,
    /// The processing element is at EL2 with HCR_EL2.E2H.
    pub e2h: bool,
}

/// An operand, or the operation itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Which TLBI.
    Operation,
    /// The VMID.
    Vmid,
    /// The ASID.
    Asid,
    /// The VA or IPA.
    Address,
    /// The size of a range.
    Bytes,
    /// EL2 with HCR_EL2.E2H.
    E2h,
}

/// Why there is no such TLBI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfit {
    /// What is missing, has no meaning, or is not what it should be.
    pub operand: Operand,
    /// That, in words.
    pub why: String,
}

impl Unfit {
    fn new(operand: Operand, why: String) -> Self {
        Self { operand, why }
    }
}

/// The operations. One with an `L` leaves Table descriptors alone; `R` before the name makes a range of it.
pub const OPERATIONS: &[&str] = &[
    "ALLE1",
    "VMALLS12E1",
    "VMALLE1",
    "ASIDE1",
    "VAE1",
    "VALE1",
    "VAAE1",
    "VAALE1",
    "IPAS2E1",
    "IPAS2LE1",
    "ALLE2",
    "VAE2",
    "VALE2",
    "RVAE1",
    "RVALE1",
    "RVAAE1",
    "RVAALE1",
    "RIPAS2E1",
    "RIPAS2LE1",
    "RVAE2",
    "RVALE2",
];

/// log2 of the granule of ranges here.
const LOG2_GRANULE_BYTES: u8 = 12;

/// The TLBI called `operation`.
pub fn broadcast(operation: &str, operands: Operands) -> Result<Broadcast, Unfit> {
    let mut given = Given { operation, operands };
    let vmid = |given: &mut Given<'_>| Vmid(given.operands.vmid.take().unwrap_or(0));
    let e2h = operands.e2h;
    let broadcast = match operation.strip_prefix('R').unwrap_or(operation) {
        "ALLE1" => Broadcast::AllE1,
        "VMALLS12E1" => Broadcast::VmallS12E1 { vmid: vmid(&mut given) },
        "VMALLE1" => Broadcast::VmallE1 { vmid: vmid(&mut given) },
        "ASIDE1" if e2h => Broadcast::AsidE2E2h { asid: given.asid()? },
        "ASIDE1" => Broadcast::AsidE1 { asid: given.asid()?, vmid: vmid(&mut given) },
        "VAE1" | "VALE1" if e2h => Broadcast::VaE2E2h { pages: given.pages()?, asid: given.asid()? },
        "VAE1" | "VALE1" => {
            Broadcast::VaE1 { pages: given.pages()?, asid: given.asid()?, vmid: vmid(&mut given) }
        }
        "VAAE1" | "VAALE1" if e2h => Broadcast::VaaE2E2h { pages: given.pages()? },
        "VAAE1" | "VAALE1" => Broadcast::VaaE1 { pages: given.pages()?, vmid: vmid(&mut given) },
        "IPAS2E1" | "IPAS2LE1" => Broadcast::IpaS2E1 { pages: given.pages()?, vmid: vmid(&mut given) },
        "ALLE2" => Broadcast::AllE2 { e2h },
        "VAE2" | "VALE2" => Broadcast::VaE2 { pages: given.pages()? },
        _ => return Err(Unfit::new(Operand::Operation, format!("there is no TLBI {operation}"))),
    };
    given.finish()?;
    Ok(broadcast)
}

/// Operands that nobody has taken yet.
struct Given<'a> {
    operation: &'a str,
    operands: Operands,
}

impl Given<'_> {
    fn asid(&mut self) -> Result<Asid, Unfit> {
        let missing = || Unfit::new(Operand::Asid, format!("TLBI {} needs an ASID", self.operation));
        self.operands.asid.take().map(Asid).ok_or_else(missing)
    }

    fn pages(&mut self) -> Result<Pages, Unfit> {
        let operation = self.operation;
        let address = self.operands.address.take();
        let missing = || Unfit::new(Operand::Address, format!("TLBI {operation} needs an address"));
        let address = address.ok_or_else(missing)? & !0xfff;
        let unfit = |why| Err(Unfit::new(Operand::Bytes, why));
        let is_range = operation.starts_with('R');
        let range = match (is_range, self.operands.bytes.take()) {
            (false, None) => None,
            (true, Some(bytes)) if bytes != 0 && bytes.is_multiple_of(1 << LOG2_GRANULE_BYTES) => {
                Some(Range { log2_granule_bytes: LOG2_GRANULE_BYTES, bytes, level: None, is_128_bit: false })
            }
            (true, Some(bytes)) => {
                return unfit(format!("a range of {bytes:#x} bytes is not one of 4 KiB pages"));
            }
            (true, None) => return unfit(format!("TLBI {operation} needs how many bytes")),
            (false, Some(_)) => {
                return unfit(format!("TLBI {operation} is not about a range; R{operation} is"));
            }
        };
        Ok(Pages { address, leaf: operation.contains('L'), range })
    }

    fn finish(self) -> Result<(), Unfit> {
        let Self { operation, operands: Operands { vmid, asid, address, bytes, e2h } } = self;
        let left = [
            (vmid.is_some(), Operand::Vmid, "VMID"),
            (asid.is_some(), Operand::Asid, "ASID"),
            (address.is_some(), Operand::Address, "address"),
            (bytes.is_some(), Operand::Bytes, "size"),
            (e2h && operation.contains("S2") | operation.ends_with("VAE2"), Operand::E2h, "E2H"),
        ];
        match left.iter().find(|(is_left, ..)| *is_left) {
            Some((_, operand, what)) => Err(Unfit::new(*operand, format!("TLBI {operation} has no {what}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_takes_its_operands() {
        for operation in OPERATIONS {
            let name = operation.trim_start_matches('R');
            let has = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
            let operands = Operands {
                asid: has(&["ASID", "VAE1", "VALE1"]).then_some(1),
                address: has(&["VA", "IPA"]).then_some(0x1234),
                bytes: operation.starts_with('R').then_some(0x2000),
                ..Operands::default()
            };
            broadcast(operation, operands).unwrap_or_else(|unfit| panic!("{unfit:?}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let address = Operands { address: Some(0x1000), ..Operands::default() };
        for (operation, operands, expected) in [
            ("VAE1", address, "TLBI VAE1 needs an ASID"),
            ("VAAE1", Operands::default(), "TLBI VAAE1 needs an address"),
            ("ALLE1", address, "TLBI ALLE1 has no address"),
            ("RVAAE1", address, "TLBI RVAAE1 needs how many bytes"),
            (
                "VAAE1",
                Operands { bytes: Some(0x1000), ..address },
                "TLBI VAAE1 is not about a range; RVAAE1 is",
            ),
            ("VAAE9", address, "there is no TLBI VAAE9"),
        ] {
            assert_eq!(broadcast(operation, operands).expect_err("it does not fit").why, expected);
        }
    }
}
