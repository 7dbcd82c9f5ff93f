//! `state.save` and `state.load`: a whole session as one string.
//!
//! The string is [`PREFIX`] and the hex digits of gzip of JSON. It is opaque to clients; another version of the
//! format gets another prefix.

use std::io::{BufReader, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use smmu_model::Smmu;
use smmu_model::address::Pa;
use smmu_model::choice::Choice;
use smmu_model::trace::InterruptSource;

use super::MAX_LINE_BYTES;
use super::answers::{Answers, SavedAnswers};
use super::devices::SavedDevices;
use super::interconnect::Interconnect;
use super::machine::{Ledger, Machine};
use super::memory::SavedMemory;
use super::method;
use super::params::Params;
use super::rpc::{Error, Problem};
use super::stalls::Stalled;
use crate::hex;
use crate::json::Unambiguous;

/// Says what follows, and in which version.
const PREFIX: &str = "smmu-sim-state-3:";

/// Longest string that a line can carry back, with room for the request around it.
const MAX_STATE_BYTES: usize = MAX_LINE_BYTES - 4096;

/// Most JSON that a state may decompress to: a full memory takes 512 MiB, two digits for each byte; stalled requests
/// and their ends take up to 200 MiB, four for each; what was met and not asked for, 300.
const MAX_JSON_BYTES: u64 = 1024 << 20;

/// `state.save`.
pub(super) fn save(machine: &mut Machine, _: &Params) -> Result<method::Reply, Error> {
    let saved = Saved::from_machine(machine)?;
    let mut compressor = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut compressor, &saved).expect("a Vec takes everything");
    compressor.flush().expect("a Vec takes everything");
    let compressed = compressor.finish().expect("a Vec takes everything");
    let state = format!("{PREFIX}{}", hex::digits(&compressed));
    if state.len() > MAX_STATE_BYTES {
        let text = format!("the state takes {} bytes, more than a line can hold", state.len());
        return Err(Error::new(Problem::Limit, text));
    }
    Ok(method::Reply::State(Reply { state }))
}

/// `state.load`.
pub(super) fn load(params: &Params) -> Result<(Machine, method::Reply), Error> {
    let state: String = params.required("state")?;
    let refuse = |why: String| Error::parameter("state", why);
    let digits = state.strip_prefix(PREFIX);
    let digits = digits.ok_or_else(|| refuse(format!("must begin with \"{PREFIX}\"")))?;
    let compressed = hex::bytes(digits).ok_or_else(|| refuse("is damaged".to_owned()))?;
    let json = || BufReader::new(GzDecoder::new(&compressed[..]).take(MAX_JSON_BYTES));
    let saved =
        serde_json::from_reader::<_, Unambiguous>(json()).and_then(|_| serde_json::from_reader(json()));
    let saved: Saved = saved.map_err(|error| refuse(format!("is damaged: {error}")))?;
    let machine = saved.restore().map_err(|why| refuse(format!("is damaged: {why}")))?;
    Ok((machine, method::Reply::Done {}))
}

/// The answer to `state.save`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    state: String,
}

/// A session as the JSON holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    smmu: Smmu,
    answers: SavedAnswers,
    memory: SavedMemory,
    devices: SavedDevices,
    /// Name and answer of each choice point met.
    choices: Vec<(String, String)>,
    wired: Vec<InterruptSource>,
    msi: Vec<(Pa, u32)>,
    wake_ups: u32,
    stalled: Stalled,
}

impl Saved {
    fn from_machine(machine: &Machine) -> Result<Self, Error> {
        let Machine { smmu, bus: Interconnect { memory, devices }, answers, ledger, stalled } = machine;
        let name = |&(choice, answer): &(Choice, usize)| {
            (choice.key().to_owned(), choice.answers()[answer].to_owned())
        };
        Ok(Self {
            smmu: smmu.clone(),
            answers: answers.into(),
            memory: memory.into(),
            devices: SavedDevices::of(devices)?,
            choices: ledger.choices.entries()?.iter().map(name).collect(),
            wired: ledger.wired.entries()?.to_vec(),
            msi: ledger.msi.entries()?.to_vec(),
            wake_ups: ledger.wake_ups,
            stalled: stalled.clone(),
        })
    }

    fn restore(self) -> Result<Machine, String> {
        let choices = self.choices.iter().map(|(choice, answer)| {
            let found = Choice::from_key(choice)?;
            Some((found, found.answers().iter().position(|name| name == answer)?))
        });
        if !self.stalled.is_possible(&self.smmu) {
            return Err("stalled requests".to_owned());
        }
        Ok(Machine {
            stalled: self.stalled,
            smmu: self.smmu,
            bus: Interconnect {
                memory: self.memory.restore().ok_or("memory")?,
                devices: self.devices.restore().ok_or("devices")?,
            },
            answers: Answers::try_from(self.answers).map_err(|error| error.to_string())?,
            ledger: Ledger {
                choices: choices.collect::<Option<_>>().ok_or("choices")?,
                wired: self.wired.into_iter().collect(),
                msi: self.msi.into_iter().collect(),
                wake_ups: self.wake_ups,
            },
        })
    }
}
