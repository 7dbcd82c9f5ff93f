//! `speculate`: a moment at which the SMMU may fetch ahead (§3.21.1).

use smmu_model::address::Iova;
use smmu_model::command::{Addresses, Prefetch};
use smmu_model::ids::StreamId;

use super::access::substream;
use super::machine::Machine;
use super::method::{Reply, Rules};
use super::params::Params;
use super::rpc::Error;

/// The parameters of `speculate`.
pub(super) const PARAMETERS: &[&str] = &["sid", "ssid", "addr"];

/// `speculate`: the SMMU may fetch the configuration of a stream, and the translation of `addr`.
pub(super) fn speculate(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let expected = Prefetch {
        stream: StreamId(params.required("sid")?),
        substream: params.optional("ssid")?.map(substream).transpose()?,
        addresses: params.optional("addr")?.map(|address| Addresses::one(Iova::new(address))),
    };
    let ((), seen) = machine.operate(|smmu, world| smmu.speculate(world, expected));
    Ok(Reply::Rules(Rules::of(&seen.rules)))
}
