//! `dvm.tlbi`: TLB maintenance that a processing element broadcasts (§3.17).

use smmu_model::naming;

use super::machine::Machine;
use super::method::{Reply, Rules};
use super::params::Params;
use super::rpc::Error;
use crate::dvm::{self, OPERATIONS, Operand, Operands};

/// The parameters of `dvm.tlbi`.
pub(super) const PARAMETERS: &[&str] = &["op", "vmid", "asid", "va", "ipa", "range", "e2h"];

/// `dvm.tlbi`: the operation `op`, or `sync`, which completes those before it.
pub(super) fn tlbi(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let op: String = params.required("op")?;
    if op == "sync" {
        if let Some(name) = params.names().find(|name| *name != "op") {
            return Err(Error::parameter(name, "does not go with `sync`"));
        }
        let ((), seen) = machine.operate(|smmu, world| smmu.synchronize_broadcasts(world));
        return Ok(Reply::Rules(Rules::of(&seen.rules)));
    }
    let known = OPERATIONS.iter().find(|known| naming::same(known, &op));
    let operation = known
        .ok_or_else(|| Error::parameter("op", format!("must be one of {}, sync", OPERATIONS.join(", "))))?;
    let identifier = |name| {
        let wide = params.optional::<u64>(name)?;
        let narrow = |wide: u64| {
            u16::try_from(wide).map_err(|_wide| Error::parameter(name, "must be an integer of 16 bits"))
        };
        wide.map(narrow).transpose()
    };
    let (address, other) = if operation.contains("IPA") { ("ipa", "va") } else { ("va", "ipa") };
    if params.names().any(|name| name == other) {
        return Err(Error::parameter(other, format!("TLBI {operation} has no such address")));
    }
    let operands = Operands {
        vmid: identifier("vmid")?,
        asid: identifier("asid")?,
        address: params.optional(address)?,
        bytes: params.optional("range")?,
        e2h: params.optional("e2h")?.unwrap_or(false),
    };
    let broadcast = dvm::broadcast(operation, operands).map_err(|unfit| {
        let name = match unfit.operand {
            Operand::Operation => "op",
            Operand::Vmid => "vmid",
            Operand::Asid => "asid",
            Operand::Address => address,
            Operand::Bytes => "range",
            Operand::E2h => "e2h",
        };
        Error::parameter(name, unfit.why)
    })?;
    let ((), seen) = machine.operate(|smmu, world| smmu.broadcast(world, broadcast));
    Ok(Reply::Rules(Rules::of(&seen.rules)))
}
