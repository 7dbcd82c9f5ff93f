//! `endpoint` and `messages`: the devices behind the SMMU, and what it sends them (§4.5, §8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smmu_model::ats::{Completion, InvalidateRequest, Invalidated, PrgResponse};
use smmu_model::ids::{StreamId, SubstreamId};

use super::ats::Entry;
use super::machine::{Log, Machine};
use super::method::Reply;
use super::params::Params;
use super::rpc::{Error, Problem};
use crate::atc::{Atc, Kept};
use crate::hex::Hex;

/// The parameters of `endpoint`.
pub(super) const ENDPOINT: &[&str] = &["sid", "invalidations"];

/// `endpoint`: how a device answers Invalidate Requests from now on.
pub(super) fn endpoint(machine: &mut Machine, params: &Params) -> Result<Reply, Error> {
    let stream = StreamId(params.required("sid")?);
    let expected = "\"complete\", \"unsupported\" or \"timeout\"";
    let invalidated = params.word("invalidations", expected, |word| match word {
        "complete" => Some(Invalidated::Completed),
        "unsupported" => Some(Invalidated::Unsupported),
        "timeout" => Some(Invalidated::TimedOut),
        _ => None,
    })?;
    let missing = || Error::parameter("invalidations", format!("is missing; it is {expected}"));
    let invalidated = invalidated.ok_or_else(missing)?;
    machine.bus.devices.admit(stream)?.invalidated = invalidated;
    Ok(Reply::Done {})
}

/// `messages`: what the SMMU has sent to devices since the last call, in order.
pub(super) fn messages(machine: &mut Machine, _: &Params) -> Result<Reply, Error> {
    let sent = std::mem::take(&mut machine.bus.devices.sent);
    let mut messages = Vec::new();
    for sent in sent.entries()? {
        match *sent {
            Sent::Invalidation { request, end } => messages.push(Message::invalidation(&request, end)),
            Sent::Response(response) => messages.push(Message::response(&response)),
            Sent::Gone(Kept { substream, entry }) => {
                if let Some(Message::Invalidate { gone, .. }) = messages.last_mut() {
                    gone.push(Gone {
                        ssid: substream.map(|substream| substream.0),
                        entry: Entry::new(&entry),
                    });
                }
            }
        }
    }
    Ok(Reply::Messages(Messages { messages }))
}

/// The ATCs of a session's devices, and the messages that nobody has asked for yet.
#[derive(Debug, Default)]
pub(super) struct Devices {
    atcs: BTreeMap<StreamId, Atc>,
    sent: Log<Sent>,
}

/// What the SMMU sends to a device.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
enum Sent {
    /// An Invalidate Request (§4.5.1), and what came of it.
    Invalidation { request: InvalidateRequest, end: Invalidated },
    /// An ATC entry that the Invalidate Request before it took away.
    Gone(Kept),
    /// A PRG Response.
    Response(PrgResponse),
}

impl Devices {
    /// No more devices than this have an ATC.
    const MAX: usize = 1024;

    /// The ATC of a device, which may be new.
    pub(super) fn admit(&mut self, stream: StreamId) -> Result<&mut Atc, Error> {
        if self.atcs.len() == Self::MAX && !self.atcs.contains_key(&stream) {
            let text = format!("{} devices have an ATC: there is no room for that of another", Self::MAX);
            return Err(Error::new(Problem::Limit, text));
        }
        Ok(self.atcs.entry(stream).or_default())
    }

    /// A device keeps what a completion grants.
    pub(super) fn keep(&mut self, stream: StreamId, substream: Option<SubstreamId>, completion: &Completion) {
        if let Some(atc) = self.atcs.get_mut(&stream) {
            atc.keep(substream, completion);
        }
    }

    /// A device that was never heard of has nothing cached.
    pub(super) fn invalidate(&mut self, request: &InvalidateRequest) -> Invalidated {
        let (end, gone) = match self.atcs.get_mut(&request.stream) {
            Some(atc) => atc.invalidate(request),
            None => (Invalidated::Completed, Vec::new()),
        };
        self.sent.push(Sent::Invalidation { request: *request, end });
        gone.into_iter().for_each(|kept| self.sent.push(Sent::Gone(kept)));
        end
    }

    pub(super) fn respond(&mut self, response: &PrgResponse) {
        self.sent.push(Sent::Response(*response));
    }
}

/// [`Devices`] as a saved state holds them.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedDevices {
    atcs: BTreeMap<u32, Atc>,
    sent: Vec<Sent>,
}

impl SavedDevices {
    pub(super) fn of(devices: &Devices) -> Result<Self, Error> {
        let atcs = devices.atcs.iter().map(|(stream, atc)| (stream.0, atc.clone())).collect();
        Ok(Self { atcs, sent: devices.sent.entries()?.to_vec() })
    }

    /// The devices that were saved; `None` if no devices are saved like this.
    pub(super) fn restore(self) -> Option<Devices> {
        let is_possible = |sent: &Sent| match sent {
            Sent::Gone(kept) => kept.is_possible(),
            Sent::Invalidation { .. } | Sent::Response(_) => true,
        };
        let possible = self.atcs.len() <= Devices::MAX
            && self.atcs.values().all(Atc::is_possible)
            && self.sent.iter().all(is_possible);
        let atcs = self.atcs.into_iter().map(|(stream, atc)| (StreamId(stream), atc)).collect();
        possible.then(|| Devices { atcs, sent: self.sent.into_iter().collect() })
    }
}

/// The answer to `messages`.
#[derive(Serialize, Debug)]
pub(super) struct Messages {
    messages: Vec<Message>,
}

/// A message to the device `sid`.
#[derive(Serialize, Debug)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Message {
    Invalidate {
        sid: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        ssid: Option<u32>,
        global: bool,
        addr: Hex,
        span_log2: u8,
        end: &'static str,
        gone: Vec<Gone>,
    },
    Response {
        sid: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        ssid: Option<u32>,
        prgi: u16,
        code: &'static str,
    },
}

/// An entry that an ATC no longer has.
#[derive(Serialize, Debug)]
struct Gone {
    #[serde(skip_serializing_if = "Option::is_none")]
    ssid: Option<u32>,
    #[serde(flatten)]
    entry: Entry,
}

impl Message {
    fn invalidation(request: &InvalidateRequest, end: Invalidated) -> Self {
        let InvalidateRequest { stream, substream, global, address, log2_span_bytes } = *request;
        Self::Invalidate {
            sid: stream.0,
            ssid: substream.map(|substream| substream.0),
            global,
            addr: Hex(address),
            span_log2: log2_span_bytes,
            end: match end {
                Invalidated::Completed => "completed",
                Invalidated::Unsupported => "unsupported",
                Invalidated::TimedOut => "timed-out",
            },
            gone: Vec::new(),
        }
    }

    fn response(response: &PrgResponse) -> Self {
        let PrgResponse { stream, substream, prg_index, code } = *response;
        let ssid = substream.map(|substream| substream.0);
        Self::Response { sid: stream.0, ssid, prgi: prg_index, code: code.name() }
    }
}
