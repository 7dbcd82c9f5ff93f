//! What devices do beside accesses: `ats`, `pri` and `endpoint`, and what can be expected of them.

use smmu_model::ats::{AtsRequest, Invalidated, PageRequest, ResponseCode};
use smmu_model::layout::names;
use smmu_model::transaction::Privilege;

use super::claims::Subject;
use super::hardware::Device;
use super::{Checker, ResultKind};
use crate::scenario::arguments::{Arguments, no_block, operand};
use crate::scenario::problem::Problem;
use crate::scenario::step::{Action, Ats, ClaimKind, Pri, ReplyClaim, ReplyStatus, ResponseClaim};
use crate::scenario::syntax::Node;

/// PRGIndex has nine bits.
const GROUP_MAX: u64 = 0x1ff;

impl Checker<'_> {
    /// `ats "nic" 0x1000 len=0x3000 ssid=3 no-write=#true execute=#true privileged=#true as="r" { expect … }`
    pub(super) fn ats(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &self.scope)?;
        let device = self.endpoint_of(&mut arguments, |device| device.ats, "ats")?;
        let address = operand(arguments.required("an address")?)?;
        let substream = self.substream_of(&mut arguments, &device)?;
        let length = arguments.number("len")?;
        let no_write = arguments.flag("no-write")?.unwrap_or(false);
        let execute = arguments.flag("execute")?.unwrap_or(false);
        let privilege = privilege(&mut arguments)?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = name.map(|name| self.name_result(&name, ResultKind::Translation)).transpose()?;
        let unit_bytes = AtsRequest::unit_bytes(&self.features);
        let units = match &length {
            None => 1,
            Some(length) => {
                let units = u8::try_from(length.value.div_ceil(unit_bytes)).ok();
                units.filter(|units| (1..=AtsRequest::UNITS_MAX).contains(units)).ok_or_else(|| {
                    let max = unit_bytes * u64::from(AtsRequest::UNITS_MAX);
                    Problem::new(length.span, format!("a request asks for 1 to {max:#x} bytes"))
                })?
            }
        };
        let claims = self.block_claims(node, Subject::Translation);
        let (device, stream) = (device.name, device.stream);
        let ats =
            Ats { device, stream, substream, address, units, no_write, execute, privilege, result, claims };
        self.step(node.span, Action::Ats(ats))
    }

    /// `pri "nic" 0x1000 read=#true write=#true prgi=3 last=#true ssid=3 execute=#true privileged=#true`
    pub(super) fn pri(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let device = self.endpoint_of(&mut arguments, |device| device.pri, "pri")?;
        let address = operand(arguments.required("an address")?)?;
        let substream = self.substream_of(&mut arguments, &device)?;
        let prg_index = group(&mut arguments)?.unwrap_or(0);
        let mut flag = |name, default| Ok(arguments.flag(name)?.unwrap_or(default));
        let (last, read, write) = (flag("last", true)?, flag("read", false)?, flag("write", false)?);
        let execute = flag("execute", false)?;
        let privilege = privilege(&mut arguments)?;
        arguments.finish()?;
        let request = PageRequest {
            stream: device.stream,
            substream,
            address: smmu_model::address::Iova::new(0),
            prg_index,
            last,
            read,
            write,
            execute,
            privilege,
        };
        self.step(node.span, Action::Pri(Pri { device: device.name, address, request }))
    }

    /// `endpoint "nic" invalidations="complete"`: how a device answers Invalidate Requests from now on.
    pub(super) fn endpoint(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let device = self.endpoint_of(&mut arguments, |device| device.ats, "ats")?;
        let answer = arguments.text("invalidations")?;
        arguments.finish()?;
        let answer = answer.ok_or_else(|| Problem::new(node.span, "`invalidations=` is missing"))?;
        let invalidated = match answer.value.as_str() {
            "complete" => Invalidated::Completed,
            "unsupported" => Invalidated::Unsupported,
            "timeout" => Invalidated::TimedOut,
            other => {
                let known = ["complete", "unsupported", "timeout"];
                return Err(Problem::unknown("answer", other, answer.span, &known));
            }
        };
        self.step(node.span, Action::Endpoint { stream: device.stream, invalidated })
    }

    /// A named device that `has` what the step needs.
    fn endpoint_of(
        &self,
        arguments: &mut Arguments,
        has: fn(&Device) -> bool,
        part: &str,
    ) -> Result<Device, Problem> {
        let name = arguments.required_text("a device")?;
        let device = self.device_called(&name)?;
        if !has(device) {
            let message = format!("`{}` has no `{part}`", name.value);
            let help = format!("write `device \"{}\" stream=… {{ {part}; }}`", name.value);
            return Err(Problem::new(name.span, message).with_help(help));
        }
        Ok(device.clone())
    }

    /// `response "nic" "Success" prgi=3 ssid=3`
    pub(super) fn response_claim(&self, arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
        let device = self.endpoint_of(arguments, |device| device.pri, "pri")?;
        let code = arguments.required_text("a response code")?;
        let codes = [ResponseCode::Success, ResponseCode::InvalidRequest, ResponseCode::ResponseFailure];
        let found = codes.into_iter().find(|known| known.name() == code.value).ok_or_else(|| {
            let known: Vec<&str> = codes.iter().map(|code| code.name()).collect();
            Problem::unknown("response code", &code.value, code.span, &known)
        })?;
        let prg_index = group(arguments)?;
        let substream = self.substream_of(arguments, &device)?;
        let no_substream = arguments.flag("no-ssid")?.unwrap_or(false);
        let claim = ResponseClaim { stream: device.stream, code: found, prg_index, substream, no_substream };
        Ok(ClaimKind::Response(claim))
    }
}

/// The claims about the reply to an `ats`, by name.
pub(super) const REPLY_CLAIMS: &[(&str, ReplyStatus)] = &[
    ("success", ReplyStatus::Success),
    ("no-access", ReplyStatus::NoAccess),
    ("unsupported-request", ReplyStatus::UnsupportedRequest),
    ("completer-abort", ReplyStatus::CompleterAbort),
];

/// `success 0x80001000 size=0x1000 permissions="RW" entry=0 entries=1`, or one of the others alone.
pub(super) fn reply_claim(status: ReplyStatus, arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
    let mut claim =
        ReplyClaim { status, entry: 0, entries: None, output: None, size_log2: None, permissions: None };
    if [ReplyStatus::Success, ReplyStatus::NoAccess].contains(&status) {
        let count = |number: Option<crate::scenario::span::Spanned<u64>>| {
            number.map(|number| usize::try_from(number.value).expect("checked against the maximum"))
        };
        claim.entry = count(arguments.number_to("entry", AtsRequest::UNITS_MAX.into())?).unwrap_or(0);
        claim.entries = count(arguments.number_to("entries", AtsRequest::UNITS_MAX.into())?);
        claim.size_log2 = match arguments.number("size")? {
            None => None,
            Some(size) if size.value.is_power_of_two() => u8::try_from(size.value.trailing_zeros()).ok(),
            Some(size) => return Err(Problem::new(size.span, "a region has a power of two of bytes")),
        };
    }
    if status == ReplyStatus::Success {
        claim.output = arguments.next().map(operand).transpose()?;
        claim.permissions = match arguments.text("permissions")? {
            None => None,
            Some(text) if text.value.chars().all(|letter| "RWX".contains(letter)) => Some(text.value),
            Some(text) => {
                return Err(Problem::new(text.span, "permissions are letters of `RWX`, in this order"));
            }
        };
    }
    Ok(ClaimKind::Reply(claim))
}

/// `page-request R=1 W=1 PRGIndex=3`
pub(super) fn page_request_claim(arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
    let fields = arguments.fields().into_iter();
    let fields = fields.map(|property| super::fields::compared(names::PRI, property));
    Ok(ClaimKind::PageRequest { fields: fields.collect::<Result<_, _>>()? })
}

fn privilege(arguments: &mut Arguments) -> Result<Privilege, Problem> {
    let is_privileged = arguments.flag("privileged")?.unwrap_or(false);
    Ok(if is_privileged { Privilege::Privileged } else { Privilege::Unprivileged })
}

fn group(arguments: &mut Arguments) -> Result<Option<u16>, Problem> {
    let number = arguments.number_to("prgi", GROUP_MAX)?;
    Ok(number.map(|number| u16::try_from(number.value).expect("checked against the maximum")))
}
