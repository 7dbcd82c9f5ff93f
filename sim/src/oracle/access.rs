//! `dma`: an access of a device, cut into transactions, from its arrival to the bytes in memory.

use std::ops::Range;

use serde::Serialize;
use smmu_model::Smmu;
use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::bus::Bus;
use smmu_model::env::Env;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::outcome;
use smmu_model::rule::Rule;
use smmu_model::transaction::{Access, AddressType, Direction, Privilege, Purpose, Transaction};

use super::MAX_TRANSFER_BYTES;
use super::machine::Machine;
use super::memory::zeros;
use super::method;
use super::params::{Params, beyond_end, last_address};
use super::rpc::Error;
use crate::hex::{Bytes, Hex};

/// The parameters of `dma` and `explain`.
pub(super) const PARAMETERS: &[&str] =
    &["sid", "ssid", "addr", "len", "write", "data", "privileged", "instruction", "at"];

/// No transaction crosses a multiple of this in its input address.
const PIECE_BYTES: u64 = 4096;

/// A SubstreamID has 20 bits at most (§3.2).
const SUBSTREAM_BITS: u32 = 20;

/// `dma`.
pub(super) fn dma(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let request = Request::new(params, MAX_TRANSFER_BYTES)?;
    machine.memory.reserve(request.length_bytes())?;
    let (done, rules) = machine.operate(|smmu, world| request.perform(smmu, world));
    Ok(method::Reply::Access(done.reply(&rules)))
}

/// What a device asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    /// The transaction of the first piece.
    first: Transaction,
    payload: Payload,
}

#[derive(Clone, PartialEq, Eq, Debug)]
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
        Ok(Self { first, payload })
    }

    fn length_bytes(&self) -> u64 {
        match &self.payload {
            Payload::Read { length_bytes } => *length_bytes,
            Payload::Write(data) => u64::try_from(data.len()).expect("a length fits 64 bits"),
        }
    }

    /// The pieces in order, up to the first that does not succeed. What the pieces before it did, stays.
    pub(super) fn perform(&self, smmu: &mut Smmu, env: &mut impl Env) -> Done {
        let mut done = Done { outcome: Outcome::Ok, pieces: Vec::new(), attributes: None, data: None };
        let mut data = match self.payload {
            Payload::Read { length_bytes } => zeros(length_bytes),
            Payload::Write(_) => Vec::new(),
        };
        for (address, range) in pieces(self.first.address, self.length_bytes()) {
            match smmu.transact(env, &Transaction { address, ..self.first }) {
                outcome::Outcome::Done(translation) => {
                    let length = range.len();
                    let moved = match &self.payload {
                        Payload::Read { .. } => env.bus().read(translation.pa, &mut data[range]),
                        Payload::Write(bytes) => env.bus().write(translation.pa, &bytes[range]),
                    };
                    if moved.is_err() {
                        // The SMMU does not record what happens behind it (§16.7.3).
                        return Done { outcome: Outcome::Abort, ..done };
                    }
                    done.attributes.get_or_insert(translation.attributes);
                    let (addr, pa) = (Hex(address.value()), Hex(translation.pa.value()));
                    done.pieces.push(Piece { addr, pa, len: length });
                }
                outcome::Outcome::RazWi(_) => {}
                outcome::Outcome::Abort(_) => return Done { outcome: Outcome::Abort, ..done },
            }
        }
        if matches!(self.payload, Payload::Read { .. }) {
            done.data = Some(data);
        }
        done
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

/// The address of each piece, with its place among the bytes of the request.
fn pieces(first: Iova, length_bytes: u64) -> impl Iterator<Item = (Iova, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let rest = length_bytes.checked_sub(done).filter(|&rest| rest != 0)?;
        let address = first.checked_add(done).expect("checked when the request was read");
        let length = rest.min(PIECE_BYTES - address.value() % PIECE_BYTES);
        let place = |at: u64| usize::try_from(at).expect("at most 16 MiB");
        let range = place(done)..place(done + length);
        done += length;
        Some((address, range))
    })
}

/// How a request ended.
#[derive(Debug)]
pub(super) struct Done {
    outcome: Outcome,
    pieces: Vec<Piece>,
    /// Those of the first piece.
    attributes: Option<Attributes>,
    /// What a successful read returns.
    data: Option<Vec<u8>>,
}

/// How the client sees the request end.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Abort,
}

/// What went to memory, and where.
#[derive(Serialize, Debug)]
struct Piece {
    addr: Hex,
    pa: Hex,
    len: usize,
}

impl Done {
    pub(super) fn reply(self, rules: &[Rule]) -> Reply {
        Reply {
            outcome: self.outcome,
            pieces: self.pieces,
            data: self.data.map(Bytes),
            attributes: self.attributes.map(|attributes| attributes.to_string()),
            rules: rules.iter().map(|rule| rule.label()).collect(),
        }
    }
}

/// The answer to `dma`.
#[derive(Serialize, Debug)]
pub(super) struct Reply {
    outcome: Outcome,
    pieces: Vec<Piece>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<String>,
    rules: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_at_4_kib_boundaries_of_the_input_address() {
        let cut = |address, length| -> Vec<_> {
            pieces(Iova::new(address), length).map(|(at, range)| (at.value(), range.len())).collect()
        };
        assert_eq!(cut(0x1000, 0x1000), [(0x1000, 0x1000)]);
        assert_eq!(cut(0x1fff, 0x1002), [(0x1fff, 1), (0x2000, 0x1000), (0x3000, 1)]);
        assert_eq!(cut(u64::MAX, 1), [(u64::MAX, 1)]);
    }
}
