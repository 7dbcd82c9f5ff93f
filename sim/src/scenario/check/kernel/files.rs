//! Files: `open`, `close`, `read`, `write`.

use super::claims::Subject;
use super::{Doing, Kind, OnKernel, Opened};
use crate::iommufd::uapi::{Field, Layout, iommu_hwpt_page_response};
use crate::scenario::arguments::no_block;
use crate::scenario::check::memory::hex_bytes;
use crate::scenario::ioctl::RESPONSE_CODES;
use crate::scenario::problem::Problem;
use crate::scenario::step::{Deed, KernelClaimKind, SystemCall, Value, WriteData};
use crate::scenario::syntax::Node;

/// Bytes of one record of a fault queue, and of one event of a vEVENTQ with its header.
const RECORD_BYTES: u64 = 40;

/// Most bytes that one `read` or `write` moves.
const BYTES_MAX: u64 = 1 << 20;

/// A response: its cookie and its code.
const RESPONSE: &[Field] = iommu_hwpt_page_response::FIELDS;

impl OnKernel<'_, '_> {
    /// `open "/dev/iommu" as="iommu" { expect … }`
    pub(super) fn open(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let path = arguments.required_text("a path")?.value;
        let process = self.process_of(&mut arguments)?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let is_iommufd = path == "/dev/iommu" || path == "/dev/vfio/vfio";
        let result = result.unwrap_or_else(|| self.unnamed(Kind::Number));
        let claims = self.block(node, Subject::Call(None))?;
        let fails = claims.iter().any(|claim| matches!(claim.kind, KernelClaimKind::Fails { .. }));
        if !fails && (is_iommufd || path.starts_with("/dev/vfio/devices/")) {
            self.stack.opened.push(Opened { process, is_iommufd, result });
        }
        let deed = Deed::Call(SystemCall::Open(path));
        self.step(node, Doing { process, deed, result: Some(result), claims })
    }

    /// `close $iommu`
    pub(super) fn close(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let fd = self.argument(&mut arguments, "a descriptor")?;
        let process = self.process_of(&mut arguments)?;
        arguments.finish()?;
        self.stack.opened.retain(|opened| !is_it(&fd, *opened));
        let claims = self.block(node, Subject::Call(None))?;
        self.step(node, Doing { process, deed: Deed::Call(SystemCall::Close(fd)), result: None, claims })
    }

    /// `read $faults.out_fault_fd size=80 as="fault" { expect fault perm=1; }`
    pub(super) fn read(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let fd = self.argument(&mut arguments, "a descriptor")?;
        let process = self.process_of(&mut arguments)?;
        let bytes = arguments.number_to("size", BYTES_MAX)?.map_or(RECORD_BYTES, |size| size.value);
        let position = arguments.number("position")?.map_or(0, |position| position.value);
        let to = self.property(&mut arguments, "to")?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Fault)?;
        let claims = self.block(node, Subject::Read)?;
        let bytes = usize::try_from(bytes).expect("checked against the maximum");
        let deed = Deed::Call(SystemCall::Read { fd, bytes, position, to });
        self.step(node, Doing { process, deed, result, claims })
    }

    /// `write $faults.out_fault_fd { response cookie=$fault.cookie code="SUCCESS"; }`, or `bytes=`, or `from=` and `size=`.
    pub(super) fn write(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let fd = self.argument(&mut arguments, "a descriptor")?;
        let process = self.process_of(&mut arguments)?;
        let bytes = arguments.text("bytes")?.map(|text| hex_bytes(&text)).transpose()?;
        let from = self.property(&mut arguments, "from")?;
        let size = arguments.number_to("size", BYTES_MAX)?;
        arguments.finish()?;
        let responses = self.responses(node)?;
        let data = match (bytes, from, size) {
            (Some(bytes), None, None) if responses.is_empty() => WriteData::Bytes(bytes),
            (None, Some(at), Some(size)) if responses.is_empty() => {
                let bytes = usize::try_from(size.value).expect("checked against the maximum");
                WriteData::Memory { at, bytes }
            }
            (None, None, None) => WriteData::Responses(responses),
            _ => {
                let message = "what is written is `response` nodes, `bytes=`, or `from=` with `size=`";
                return Err(Problem::new(node.span, message));
            }
        };
        let others = |child: &&Node| child.name.value != "response";
        let claims = self.claims_of(node, others, Subject::Call(None), &["response", "expect"])?;
        let deed = Deed::Call(SystemCall::Write { fd, data });
        self.step(node, Doing { process, deed, result: None, claims })
    }

    fn responses(&mut self, node: &Node) -> Result<Vec<(Value, Value)>, Problem> {
        let children = node.children.iter().flatten();
        let mut responses = Vec::new();
        for child in children.filter(|child| child.name.value == "response") {
            no_block(child)?;
            let mut arguments = self.arguments(child)?;
            let [cookie, code] = [arguments.property("cookie"), arguments.property("code")];
            arguments.finish()?;
            let cookie = cookie.ok_or_else(|| Problem::new(child.span, "`cookie=` is missing"))?;
            let cookie = self.field_value(&RESPONSE[0], None, cookie)?;
            let code = match code {
                Some(code) => self.field_value(&RESPONSE[1], Some(&RESPONSE_CODES), code)?,
                None => Value::from(0),
            };
            responses.push((cookie, code));
        }
        Ok(responses)
    }
}

/// Whether the value is the descriptor of this opening.
fn is_it(fd: &Value, opened: Opened) -> bool {
    matches!(fd.terms[..], [term] if term.result == opened.result && term.field.is_none())
}
