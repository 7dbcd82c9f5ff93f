//! `dvm.tlbi`: TLB maintenance that a processing element broadcasts (§3.17).

use smmu_model::naming;

use super::machine::Machine;
use super::method::{Reply, Rules};
use super::params::Params;
use super::rpc::Error;
use crate::dvm::{self, OPERATIONS, Operands};

/// The parameters of `dvm.tlbi`.
pub(super) const PARAMETERS: &[&str] = &["op", "vmid", "asid", "va", "ipa", "range", "e2h"];

/// `dvm.tlbi`: the operation `op`, or `sync`, which completes those before it.
pub(super) fn tlbi(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let op: String = params.required("op")?;
    if op == "sync" {
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
    let operands = Operands {
        vmid: identifier("vmid")?,
        asid: identifier("asid")?,
        address: params.optional(if operation.contains("IPA") { "ipa" } else { "va" })?,
        bytes: params.optional("range")?,
        e2h: params.optional("e2h")?.unwrap_or(false),
    };
    let broadcast = dvm::broadcast(operation, operands).map_err(|text| Error::parameter("op", text))?;
    let ((), seen) = machine.operate(|smmu, world| smmu.broadcast(world, broadcast));
    Ok(Reply::Rules(Rules::of(&seen.rules)))
}
