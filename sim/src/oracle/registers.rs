//! `mmio.read` and `mmio.write`: the registers, as software sees them (chapter 6).

use serde::Serialize;
use smmu_model::RegisterAbort;

use super::machine::{Machine, Seen, note_once};
use super::method::Reply;
use super::params::Params;
use super::rpc::{Error, Problem};
use crate::hex::Hex;

/// `mmio.write`.
pub(super) fn write(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let offset = params.required("offset")?;
    let size = size_bytes(params)?;
    let value = params.required("value")?;
    if size == 4 && value > u64::from(u32::MAX) {
        return Err(Error::parameter("value", format!("{value:#x} does not fit 4 bytes")));
    }
    machine.reserve(0, 0)?;
    let (result, mut seen) = machine.act(|smmu, world| smmu.write(world, offset, size, value));
    machine.settle().into_iter().for_each(|rule| note_once(&mut seen.rules, rule));
    result.map(|()| Reply::Register(Accessed::new(None, &seen))).map_err(|RegisterAbort| aborted())
}

/// `mmio.read`.
pub(super) fn read(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let offset = params.required("offset")?;
    let size = size_bytes(params)?;
    let (result, seen) = machine.operate(|smmu, world| smmu.read(world, offset, size));
    result.map(|value| Reply::Register(Accessed::new(Some(value), &seen))).map_err(|RegisterAbort| aborted())
}

/// The answer to `mmio.read` and `mmio.write`.
#[derive(Serialize, Debug)]
pub(super) struct Accessed {
    /// What was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Hex>,
    /// The labels of the rules that fired, of the access and of all that followed from a write.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<&'static str>,
}

impl Accessed {
    fn new(value: Option<u64>, seen: &Seen) -> Self {
        Self { value: value.map(Hex), rules: seen.rules.iter().map(|rule| rule.label()).collect() }
    }
}

fn size_bytes(params: &Params) -> Result<u8, Error> {
    match params.required("size")? {
        4u64 => Ok(4),
        8 => Ok(8),
        other => Err(Error::parameter("size", format!("must be 4 or 8, not {other}"))),
    }
}

fn aborted() -> Error {
    Error::new(Problem::RegisterAborted, "register access aborted")
}
