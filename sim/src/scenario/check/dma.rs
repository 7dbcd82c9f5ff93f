//! `dma`: a device accesses memory.

use smmu_model::attributes::Attributes;
use smmu_model::bus::StallSafety;
use smmu_model::ids::{StreamId, SubstreamId};
use smmu_model::transaction::{Direction, Privilege, Purpose};

use super::claims::Subject;
use super::hardware::{Device, substream};
use super::{Checker, ResultKind};
use crate::scenario::arguments::{Arguments, number, operand};
use crate::scenario::attributes;
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::step::{Action, Dma, Operand, Route};
use crate::scenario::syntax::Node;

/// Longest access, in bytes.
const LENGTH_MAX: u64 = 0x1_0000;

impl Checker<'_> {
    /// `dma "nic" read 0x1000 len=8 ssid=3 privileged=#true instruction=#true at="translated" as="r" { expect … }`
    pub(super) fn dma(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &self.scope)?;
        let device = self.client(&mut arguments)?;
        let direction = arguments.required_text("`read` or `write`")?;
        let direction = match direction.value.as_str() {
            "read" => Direction::Read,
            "write" => Direction::Write,
            other => return Err(Problem::unknown("access", other, direction.span, &["read", "write"])),
        };
        let address = operand(arguments.required("an address")?)?;
        let substream = self.substream_of(&mut arguments, &device)?;
        let length = length(&mut arguments)?;
        let privileged = arguments.flag("privileged")?.unwrap_or(false);
        let instruction = arguments.flag("instruction")?.unwrap_or(false);
        let speculative = arguments.flag("speculative")?.unwrap_or(false);
        let route = route(&mut arguments, &device)?;
        let presented = arguments.text("attributes")?.map(|text| attributes::parse(&text)).transpose()?;
        let data = arguments.operand("data")?.unwrap_or(Operand::Known(0));
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = name.map(|name| self.name_result(&name, ResultKind::Access)).transpose()?;
        let claims = self.block_claims(node, Subject::Transaction);
        let dma = Dma {
            device: device.name,
            stream: device.stream,
            substream,
            direction,
            address,
            length,
            privilege: if privileged { Privilege::Privileged } else { Privilege::Unprivileged },
            purpose: if instruction { Purpose::Instruction } else { Purpose::Data },
            route,
            speculative,
            attributes: presented.unwrap_or(device.attributes),
            data,
            result,
            claims,
        };
        self.step(node.span, Action::Dma(dma))
    }

    /// A device by name, or an unnamed one by `stream=`.
    pub(super) fn client(&self, arguments: &mut Arguments) -> Result<Device, Problem> {
        if let Some(stream) = arguments.number_to("stream", u64::from(u32::MAX))? {
            let stream = StreamId(u32::try_from(stream.value).expect("checked against the maximum"));
            let name = format!("stream {stream}");
            return Ok(Device {
                name,
                stream,
                substreams: Vec::new(),
                attributes: Attributes::INCOMING_DEFAULT,
                ats: false,
                pri: false,
                stall_safety: StallSafety::Unknown,
            });
        }
        let name = arguments.required_text("a device")?;
        self.device_called(&name).cloned()
    }

    pub(super) fn substream_of(
        &self,
        arguments: &mut Arguments,
        device: &Device,
    ) -> Result<Option<SubstreamId>, Problem> {
        let Some(ssid) = arguments.property("ssid") else { return Ok(None) };
        match &ssid.value {
            Resolved::Text(name) => {
                let found = device.substreams.iter().find(|(known, _)| known == name);
                found.map(|(_, id)| Some(*id)).ok_or_else(|| {
                    let known: Vec<&str> =
                        device.substreams.iter().map(|(known, _)| known.as_str()).collect();
                    Problem::unknown("substream", name, ssid.span, &known)
                })
            }
            Resolved::Number(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
                substream(&number(ssid)?).map(Some)
            }
        }
    }
}

fn length(arguments: &mut Arguments) -> Result<u32, Problem> {
    match arguments.number_to("len", LENGTH_MAX)? {
        None => Ok(8),
        Some(length) if length.value == 0 => {
            Err(Problem::new(length.span, "an access has at least one byte"))
        }
        Some(length) => Ok(u32::try_from(length.value).expect("checked against the maximum")),
    }
}

fn route(arguments: &mut Arguments, device: &Device) -> Result<Route, Problem> {
    let Some(text) = arguments.text("at")? else { return Ok(Route::Smmu) };
    match text.value.as_str() {
        "untranslated" => Ok(Route::Smmu),
        "translated" => Ok(Route::Translated),
        "atc" if device.ats => Ok(Route::Atc),
        "atc" => Err(Problem::new(text.span, format!("`{}` has no `ats`", device.name))),
        other => {
            let known = ["untranslated", "translated", "atc"];
            Err(Problem::unknown("address type", other, text.span, &known))
        }
    }
}
