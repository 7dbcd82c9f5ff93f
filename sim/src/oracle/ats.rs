//! `ats.translate` and `pri.request`: what devices ask beside accesses (§3.9.1, §8).

use serde::Serialize;
use serde_json::Value;
use smmu_model::address::Iova;
use smmu_model::ats::{AtsEntry, AtsRequest, Completion, PageRequest};
use smmu_model::ids::StreamId;
use smmu_model::rule::Rule;
use smmu_model::transaction::Privilege;

use super::access::substream;
use super::machine::Machine;
use super::method;
use super::params::{Params, beyond_end, last_address};
use super::rpc::Error;
use super::stale;
use crate::hex::Hex;

/// The parameters of `ats.translate`.
pub(super) const TRANSLATE: &[&str] = &["sid", "ssid", "addr", "len", "no_write", "privileged", "execute"];

/// The parameters of `pri.request`.
pub(super) const REQUEST: &[&str] =
    &["sid", "ssid", "addr", "read", "write", "last", "prgi", "execute", "privileged"];

/// PRGIndex has nine bits.
const GROUP_MAX: u64 = 0x1ff;

/// `ats.translate`: `len` bytes from `addr`, rounded up to whole units of translation.
pub(super) fn translate(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let unit_bytes = AtsRequest::unit_bytes(machine.smmu.features());
    let address: u64 = params.required("addr")?;
    let length = params.within("len", 1..=unit_bytes * u64::from(AtsRequest::UNITS_MAX))?;
    let last = last_address(address, length).ok_or_else(|| beyond_end("len"))?;
    let units = last / unit_bytes - address / unit_bytes + 1;
    let units =
        u8::try_from(units).ok().filter(|units| *units <= AtsRequest::UNITS_MAX).ok_or_else(|| {
            let text =
                format!("reaches over more than {} units of {unit_bytes:#x} bytes", AtsRequest::UNITS_MAX);
            Error::parameter("len", text)
        })?;
    let request = AtsRequest {
        stream: StreamId(params.required("sid")?),
        substream: params.optional("ssid")?.map(substream).transpose()?,
        address: Iova::new(address),
        units,
        no_write: params.optional("no_write")?.unwrap_or(false),
        execute: params.optional("execute")?.unwrap_or(false),
        privilege: privilege(params)?,
    };
    machine.bus.devices.admit(request.stream)?;
    let (reply, seen) = machine.operate(|smmu, world| {
        let reply = smmu.ats_request(world, &request);
        // Before anything else happens: an Invalidate Request finds it.
        world.bus.devices.keep(request.stream, request.substream, &reply.completion);
        reply
    });
    let stale = stale::lines(&seen.stale, machine.bus.memory.changes());
    Ok(method::Reply::Translation(Reply::new(&reply.completion, &seen.rules, stale)))
}

/// `pri.request`: a page request, or a Stop PASID marker.
pub(super) fn request(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let group = params.within("prgi", 0..=GROUP_MAX)?;
    let request = PageRequest {
        stream: StreamId(params.required("sid")?),
        substream: params.optional("ssid")?.map(substream).transpose()?,
        address: Iova::new(params.required("addr")?),
        prg_index: u16::try_from(group).expect("checked against the maximum"),
        last: params.required("last")?,
        read: params.required("read")?,
        write: params.required("write")?,
        execute: params.optional("execute")?.unwrap_or(false),
        privilege: privilege(params)?,
    };
    let ((), seen) = machine.operate(|smmu, world| smmu.page_request(world, &request));
    Ok(method::Reply::Rules(method::Rules::of(&seen.rules)))
}

fn privilege(params: &Params) -> Result<Privilege, Error> {
    let is_privileged = params.optional("privileged")?.unwrap_or(false);
    Ok(if is_privileged { Privilege::Privileged } else { Privilege::Unprivileged })
}

/// The answer to `ats.translate`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    status: &'static str,
    entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stale: Vec<Value>,
    #[serde(flatten)]
    rules: method::Rules,
}

/// An entry of a Translation Completion.
#[derive(Serialize, Debug)]
pub(super) struct Entry {
    addr: Hex,
    pa: Hex,
    size: u64,
    r: bool,
    w: bool,
    x: bool,
    privileged: bool,
    global: bool,
    untranslated_only: bool,
}

impl Reply {
    fn new(completion: &Completion, rules: &[Rule], stale: Vec<Value>) -> Self {
        let (status, entries) = match completion {
            Completion::Success(entries) => ("success", entries.iter().map(Entry::new).collect()),
            Completion::UnsupportedRequest => ("ur", Vec::new()),
            Completion::CompleterAbort => ("ca", Vec::new()),
        };
        Self { status, entries, stale, rules: method::Rules::of(rules) }
    }
}

impl Entry {
    /// Global and U are 0 in every completion (§3.9.1).
    pub(super) fn new(entry: &AtsEntry) -> Self {
        Self {
            addr: Hex(entry.input.value()),
            pa: Hex(entry.output),
            size: 1 << entry.size_log2,
            r: entry.read,
            w: entry.write,
            x: entry.execute,
            privileged: entry.privilege == Privilege::Privileged,
            global: false,
            untranslated_only: false,
        }
    }
}
