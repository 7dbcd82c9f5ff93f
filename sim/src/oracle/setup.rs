//! `smmu.new`: which SMMU a session has.

use std::collections::BTreeMap;

use serde::Serialize;
use smmu_model::CachePolicy;
use smmu_model::features::{FIELDS, Features, IdRegisters, Preset};

use super::answers::Answers;
use super::machine::Machine;
use super::method::Reply;
use super::params::Params;
use super::rpc::Error;
use crate::hex::Hex;

/// `smmu.new`: the `preset` (the richest one by default) with the fields of `idr` on top.
pub(super) fn new(params: &Params) -> Result<(Machine, Reply), Error> {
    let presets: Vec<String> = Preset::ALL.iter().map(|preset| format!("\"{}\"", preset.name())).collect();
    let preset = params.word("preset", &presets.join(" or "), Preset::from_name)?.unwrap_or(Preset::Max);
    let ids = id_registers(preset, &params.optional("idr")?.unwrap_or_default())?;
    let features = Features::new(ids).map_err(|refusals| {
        let why: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Error::parameter("idr", format!("not a legal configuration: {}", why.join("; ")))
    })?;
    let script = params.optional("choices")?.unwrap_or_default();
    let answers = Answers::new(&script, params.optional("seed")?);
    let answers = answers.map_err(|(choice, error)| Error::member("choices", &choice, error))?;
    let caches = params.word("caches", "\"keep\", \"none\" or \"choose\"", CachePolicy::from_name)?;
    Ok((Machine::new(features, caches.unwrap_or_default(), answers), Reply::New(New::of(ids))))
}

/// Whole registers first, so that a field beside its register counts.
fn id_registers(preset: Preset, changes: &BTreeMap<String, u64>) -> Result<IdRegisters, Error> {
    let mut ids = preset.id_registers();
    let is_register =
        |name: &str| FIELDS.iter().any(|field| field.is_register() && field.name.eq_ignore_ascii_case(name));
    let (registers, fields): (Vec<_>, Vec<_>) = changes.iter().partition(|(name, _)| is_register(name));
    for (name, &value) in registers.into_iter().chain(fields) {
        ids.set_field(name, value).map_err(|error| Error::member("idr", name, error))?;
    }
    Ok(ids)
}

/// The answer to `smmu.new`.
#[derive(Serialize, Debug)]
pub(super) struct New {
    idr: [Hex; 7],
    aidr: Hex,
    iidr: Hex,
}

impl New {
    fn of(ids: IdRegisters) -> Self {
        let hex = |word| Hex(u64::from(word));
        Self { idr: ids.idr.map(hex), aidr: hex(ids.aidr), iidr: hex(ids.iidr) }
    }
}
