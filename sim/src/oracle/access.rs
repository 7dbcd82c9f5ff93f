//! `dma`: an access of a device, cut into transactions, from its arrival to the bytes in memory.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smmu_model::Smmu;
use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::env::Env;
use smmu_model::ids::{Stag, StreamId, SubstreamId};
use smmu_model::outcome;
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};

use super::MAX_TRANSFER_BYTES;
use super::interconnect::DeviceBus;
use super::machine::{Machine, Seen};
use super::method;
use super::params::{Params, beyond_end, last_address};
use super::rpc::Error;
use super::stale::{self, Use};
use crate::changes::Changes;
use crate::hex::{Bytes, Hex};

/// The parameters of `dma` and `explain`.
pub(super) const PARAMETERS: &[&str] =
    &["sid", "ssid", "addr", "len", "write", "data", "privileged", "instruction", "at", "speculative"];

/// No transaction crosses a multiple of this in its input address.
const PIECE_BYTES: u64 = 4096;

/// About what the use of a stale cache entry takes, as a line of a trace.
const STALE_BYTES: usize = 1024;

/// A SubstreamID has 20 bits at most (§3.2).
const SUBSTREAM_BITS: u32 = 20;

/// `dma`.
pub(super) fn dma(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let request = Request::new(params, MAX_TRANSFER_BYTES)?;
    machine.reserve(request.length_bytes(), request.pages_max())?;
    let (advance, seen) = machine.act(|smmu, world| Ongoing::new(request).go_on(smmu, world));
    let done = match advance {
        Advance::Ended(done) => done,
        Advance::Stalled(stag, ongoing) => {
            let done = ongoing.stalled(stag);
            machine.stalled.hold(stag, ongoing);
            done
        }
    };
    machine.settle();
    Ok(method::Reply::Access(done.reply(&seen, machine.bus.memory.changes())))
}

/// What a device asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The transaction of the first piece.
    first: Transaction,
    payload: Payload,
    /// Whether the client marks it as speculative. What stalls, and so what is saved, never is.
    #[serde(skip)]
    speculative: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
enum Payload {
    Read { length_bytes: u64 },
    Write(Vec<u8>),
}

impl Request {
    /// The request of 1 to `max_bytes` bytes that `params` describe.
    pub(super) fn new(params: &Params, max_bytes: u64) -> Result<Self, Error> {
        let stream = StreamId(params.required("sid")?);
        let substream = params.optional("ssid")?.map(substream).transpose()?;
        let address = params.required("addr")?;
        let length = params.within("len", 1..=max_bytes)?;
        last_address(address, length).ok_or_else(|| beyond_end("len"))?;
        let (direction, payload) = payload(params, length)?;
        let privileged = params.optional("privileged")?.unwrap_or(false);
        let instruction = params.optional("instruction")?.unwrap_or(false);
        let privilege = if privileged { Privilege::Privileged } else { Privilege::Unprivileged };
        let purpose = if instruction { Purpose::Instruction } else { Purpose::Data };
        let address_type = params.word("at", "\"untranslated\" or \"translated\"", |word| match word {
            "untranslated" => Some(AddressType::Untranslated),
            "translated" => Some(AddressType::Translated),
            _ => None,
        })?;
        let first = Transaction {
            stream,
            substream,
            address: Iova::new(address),
            access: Access::new(direction, privilege, purpose),
            address_type: address_type.unwrap_or(AddressType::Untranslated),
            attributes: Attributes::INCOMING_DEFAULT,
        };
        let speculative = params.optional("speculative")?.unwrap_or(false);
        Ok(Self { first, payload, speculative })
    }

    pub(super) fn length_bytes(&self) -> u64 {
        match &self.payload {
            Payload::Read { length_bytes } => *length_bytes,
            Payload::Write(data) => u64::try_from(data.len()).expect("a length fits 64 bits"),
        }
    }

    /// How many pages it may write to: each piece goes to one.
    pub(super) fn pages_max(&self) -> usize {
        match self.payload {
            Payload::Read { .. } => 0,
            Payload::Write(_) => {
                let bytes = self.first.address.value() % PIECE_BYTES + self.length_bytes();
                usize::try_from(bytes.div_ceil(PIECE_BYTES)).expect("at most 16 MiB")
            }
        }
    }

    /// Whether it is one that [`Request::new`] makes.
    fn is_possible(&self) -> bool {
        let Transaction { address, access, .. } = self.first;
        let direction = match self.payload {
            Payload::Read { .. } => Direction::Read,
            Payload::Write(_) => Direction::Write,
        };
        (1..=MAX_TRANSFER_BYTES).contains(&self.length_bytes())
            && last_address(address.value(), self.length_bytes()).is_some()
            && access == Access::new(direction, access.privilege, access.purpose)
    }
}

/// A request on its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Ongoing {
    request: Request,
    /// How many bytes have succeeded.
    position: u64,
    /// What went to memory: input address, output address and length.
    pieces: Vec<(u64, u64, u64)>,
    /// Those of the first piece.
    attributes: Option<Attributes>,
    /// What a read has returned.
    data: Vec<u8>,
}

/// How far a request got.
pub(super) enum Advance {
    Ended(Done),
    Stalled(Stag, Ongoing),
}

impl Ongoing {
    pub(super) fn new(request: Request) -> Self {
        Self { request, position: 0, pieces: Vec::new(), attributes: None, data: Vec::new() }
    }

    /// Piece after piece, up to the first that does not succeed. What the pieces before it did, stays.
    pub(super) fn go_on(mut self, smmu: &mut Smmu, env: &mut impl Env<Bus: DeviceBus>) -> Advance {
        while let Some((address, _)) = self.next_piece() {
            let piece = Transaction { address, ..self.request.first };
            let outcome = if self.request.speculative {
                smmu.transact_speculative(env, &piece)
            } else {
                smmu.transact(env, &piece)
            };
            match self.take(outcome, env) {
                ControlFlow::Continue(goes_on) => self = goes_on,
                ControlFlow::Break(advance) => return advance,
            }
        }
        Advance::Ended(self.ended(Outcome::Ok))
    }

    /// The piece that was stalled has ended so.
    pub(super) fn resume(
        self,
        outcome: outcome::Outcome,
        smmu: &mut Smmu,
        env: &mut impl Env<Bus: DeviceBus>,
    ) -> Advance {
        match self.take(outcome, env) {
            ControlFlow::Continue(goes_on) => goes_on.go_on(smmu, env),
            ControlFlow::Break(advance) => advance,
        }
    }

    /// The request without the next piece, which ended so; or where that leaves it.
    fn take(
        mut self,
        outcome: outcome::Outcome,
        env: &mut impl Env<Bus: DeviceBus>,
    ) -> ControlFlow<Advance, Self> {
        let (address, length) = self.next_piece().expect("it was on its way");
        let start = self.position;
        let place = usize::try_from(start).expect("at most 16 MiB");
        let size = usize::try_from(length).expect("at most a piece");
        self.position += length;
        match outcome {
            outcome::Outcome::Done(translation) => {
                let moved = match &self.request.payload {
                    Payload::Read { .. } => {
                        self.data.resize(place + size, 0);
                        env.bus().read(translation.pa, &mut self.data[place..])
                    }
                    Payload::Write(bytes) => {
                        env.bus().write_data(translation.pa, &bytes[place..place + size])
                    }
                };
                if moved.is_err() {
                    // The SMMU does not record what happens behind it (§16.7.3).
                    return ControlFlow::Break(Advance::Ended(self.ended(Outcome::Abort)));
                }
                self.attributes.get_or_insert(translation.attributes);
                self.pieces.push((address.value(), translation.pa.value(), length));
            }
            outcome::Outcome::RazWi(_) => {
                if let Payload::Read { .. } = self.request.payload {
                    self.data.resize(place + size, 0);
                }
            }
            outcome::Outcome::Abort(_) => {
                return ControlFlow::Break(Advance::Ended(self.ended(Outcome::Abort)));
            }
            outcome::Outcome::Stalled { stag, .. } => {
                return ControlFlow::Break(Advance::Stalled(stag, Self { position: start, ..self }));
            }
        }
        ControlFlow::Continue(self)
    }

    /// Address and length of the next piece; `None` after the last.
    fn next_piece(&self) -> Option<(Iova, u64)> {
        let rest = self.length_bytes().checked_sub(self.position).filter(|&rest| rest != 0)?;
        let address = self.request.first.address.checked_add(self.position);
        let address = address.expect("checked when the request was read");
        Some((address, rest.min(PIECE_BYTES - address.value() % PIECE_BYTES)))
    }

    pub(super) fn length_bytes(&self) -> u64 {
        self.request.length_bytes()
    }

    pub(super) fn pages_max(&self) -> usize {
        self.request.pages_max()
    }

    /// Whether a request can have got that far.
    pub(super) fn is_possible(&self) -> bool {
        let returned = match self.request.payload {
            Payload::Read { .. } => self.position,
            Payload::Write(_) => 0,
        };
        self.request.is_possible()
            && self.position < self.length_bytes()
            && u64::try_from(self.data.len()) == Ok(returned)
    }

    /// What there is to say of it while the SMMU holds it.
    pub(super) fn stalled(&self, stag: Stag) -> Done {
        Done { stag: Some(stag), ..self.clone().ended(Outcome::Stall) }
    }

    fn ended(self, outcome: Outcome) -> Done {
        let returns = outcome == Outcome::Ok && matches!(self.request.payload, Payload::Read { .. });
        Done {
            outcome,
            pieces: self.pieces,
            attributes: self.attributes,
            data: returns.then_some(self.data),
            stag: None,
            stale: Vec::new(),
        }
    }
}

pub(super) fn substream(ssid: u32) -> Result<SubstreamId, Error> {
    if ssid < 1 << SUBSTREAM_BITS {
        return Ok(SubstreamId(ssid));
    }
    Err(Error::parameter("ssid", format!("{ssid:#x} does not fit {SUBSTREAM_BITS} bits")))
}

fn payload(params: &Params, length_bytes: u64) -> Result<(Direction, Payload), Error> {
    let data = params.optional("data")?;
    match (params.required("write")?, data) {
        (false, None) => Ok((Direction::Read, Payload::Read { length_bytes })),
        (false, Some(Bytes(_))) => Err(Error::parameter("data", "only a write has data")),
        (true, None) => Err(Error::parameter("data", "is missing; a write has it")),
        (true, Some(Bytes(data))) if u64::try_from(data.len()) != Ok(length_bytes) => {
            let text = format!("has {} bytes, but len is {length_bytes}", data.len());
            Err(Error::parameter("data", text))
        }
        (true, Some(Bytes(data))) => Ok((Direction::Write, Payload::Write(data))),
    }
}

/// How a request ended, or that it is stalled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    outcome: Outcome,
    /// As in [`Ongoing`].
    pieces: Vec<(u64, u64, u64)>,
    attributes: Option<Attributes>,
    /// What a successful read returns.
    data: Option<Vec<u8>>,
    /// The name of a stall.
    pub(super) stag: Option<Stag>,
    /// The uses of stale cache entries, as lines of a trace.
    stale: Vec<Value>,
}

/// How the client sees the request end.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Abort,
    Stall,
}

/// What went to memory, and where.
#[derive(Serialize, Debug)]
struct Piece {
    addr: Hex,
    pa: Hex,
    len: u64,
}

impl Done {
    pub(super) fn reply(self, seen: &Seen, changes: &Changes) -> Reply {
        let stag = self.stag.map(|stag| stag.0);
        let rules = seen.rules.iter().map(|rule| rule.label()).collect();
        Reply { end: self.having_used(&seen.stale, changes).end(), stag, rules }
    }

    /// The same, and these stale cache entries were used.
    pub(super) fn having_used(self, uses: &[Use], changes: &Changes) -> Self {
        Self { stale: stale::lines(uses, changes), ..self }
    }

    pub(super) fn end(self) -> End {
        let piece = |(addr, pa, len)| Piece { addr: Hex(addr), pa: Hex(pa), len };
        End {
            outcome: self.outcome,
            pieces: self.pieces.into_iter().map(piece).collect(),
            data: self.data.map(Bytes),
            attributes: self.attributes.map(|attributes| attributes.to_string()),
            stale: self.stale,
        }
    }

    /// About how much memory it takes.
    pub(super) fn size_bytes(&self) -> usize {
        let (pieces, data) = (size_of_val(&self.pieces[..]), self.data.as_ref().map_or(0, Vec::len));
        size_of::<Self>() + pieces + data + self.stale.len() * STALE_BYTES
    }
}

/// The end of a request, as `dma` and `stalls` show it.
#[derive(Serialize, Debug)]
pub(super) struct End {
    outcome: Outcome,
    pieces: Vec<Piece>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stale: Vec<Value>,
}

/// The answer to `dma`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    #[serde(flatten)]
    end: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    stag: Option<u16>,
    rules: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_at_4_kib_boundaries_of_the_input_address() {
        let cut = |address, length_bytes| -> Vec<_> {
            let first = Transaction {
                stream: StreamId(0),
                substream: None,
                address: Iova::new(address),
                access: Access::data(Direction::Read),
                address_type: AddressType::Untranslated,
                attributes: Attributes::INCOMING_DEFAULT,
            };
            let mut ongoing =
                Ongoing::new(Request { first, payload: Payload::Read { length_bytes }, speculative: false });
            std::iter::from_fn(|| {
                let (at, length) = ongoing.next_piece()?;
                ongoing.position += length;
                Some((at.value(), length))
            })
            .collect()
        };
        assert_eq!(cut(0x1000, 0x1000), [(0x1000, 0x1000)]);
        assert_eq!(cut(0x1fff, 0x1002), [(0x1fff, 1), (0x2000, 0x1000), (0x3000, 1)]);
        assert_eq!(cut(u64::MAX, 1), [(u64::MAX, 1)]);
    }
}
