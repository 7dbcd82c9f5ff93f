//! Ioctls: one node for each, by its name in the header, and `ioctl` for any request with any bytes.

use std::collections::BTreeMap;

use super::claims::Subject;
use super::value::find;
use super::{Doing, Kind, OnKernel};
use crate::iommufd::uapi::Field;
use crate::scenario::arguments::{Arguments, no_block, number};
use crate::scenario::check::memory::hex_bytes;
use crate::scenario::ioctl::{Ioctl, field_name};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::Spanned;
use crate::scenario::step::{Deed, IoctlCall, ProcessId, SystemCall, Value};
use crate::scenario::syntax::Node;

/// Most bytes of a structure.
const STRUCTURE_MAX: usize = 1 << 16;

/// The fields of a structure that are given, by their offsets.
pub(super) type Given = BTreeMap<usize, (Field, Value)>;

impl OnKernel<'_, '_> {
    /// `IOMMU_IOAS_MAP ioas_id=$ioas flags="READABLE" length=0x1000 as="map" { expect errno=EINVAL; }`
    pub(super) fn ioctl(&mut self, node: &Node, ioctl: Ioctl) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let on = self.property(&mut arguments, "on")?;
        let on = match on {
            Some(on) => on,
            None => self.only_descriptor(process, !ioctl.is_of_device(), node.name.span)?,
        };
        let name = arguments.text("as")?;
        if ioctl.fields.is_empty() {
            let argument = self.property(&mut arguments, "arg")?.unwrap_or_default();
            arguments.finish()?;
            let result = self.named(name, Kind::Number)?;
            let claims = self.block(node, Subject::Call(None))?;
            let call = SystemCall::PlainIoctl { on, request: ioctl.number, argument };
            return self.step(node, Doing { process, deed: Deed::Call(call), result, claims });
        }
        let tail = arguments.text("tail")?.map(|tail| hex_bytes(&tail)).transpose()?.unwrap_or_default();
        let mut given = self.given(&mut arguments, ioctl)?;
        arguments.finish()?;
        let bytes = [vec![0; ioctl.bytes()], tail].concat();
        self.fill_in(node, ioctl, process, bytes.len(), &mut given)?;
        let pointee = self.pointee(node, ioctl, &mut given)?;
        let result = self.named(name, Kind::Structure(ioctl))?;
        let claims = self.claims_beside_pointee(node, ioctl)?;
        let fields = given.into_values().collect();
        let call =
            SystemCall::Ioctl(Box::new(IoctlCall { on, request: ioctl.number, bytes, fields, pointee }));
        self.step(node, Doing { process, deed: Deed::Call(call), result, claims })
    }

    fn given(&mut self, arguments: &mut Arguments, ioctl: Ioctl) -> Result<Given, Problem> {
        let mut given = Given::new();
        for (name, value) in arguments.fields() {
            let set = find(&format!("`{}`", ioctl.name()), ioctl.fields, &name)
                .and_then(|field| Ok((field, self.field_value(field, ioctl.words(field), value)?)));
            match set {
                Ok((field, value)) => {
                    given.insert(field.offset, (*field, value));
                }
                Err(problem) => self.base.note(problem),
            }
        }
        Ok(given)
    }

    /// What a program would put in as a matter of course: the size, and to what a device is bound.
    fn fill_in(
        &self,
        node: &Node,
        ioctl: Ioctl,
        process: ProcessId,
        bytes: usize,
        given: &mut Given,
    ) -> Result<(), Problem> {
        let size = ioctl.field("size").filter(|size| size.offset == 0).or_else(|| ioctl.field("argsz"));
        if let Some(size) = size {
            let bytes = u64::try_from(bytes).expect("a structure is small");
            given.entry(size.offset).or_insert_with(|| (*size, Value::from(bytes)));
        }
        if let Some(field) = ioctl.field("iommufd")
            && !given.contains_key(&field.offset)
        {
            let value = self.only_descriptor(process, true, node.name.span);
            let value = value.map_err(|problem| problem.with_help("say which: `iommufd=$name`"))?;
            given.insert(field.offset, (*field, value));
        }
        Ok(())
    }

    /// `ioctl on=$iommu request=0x3b81 bytes="0c 00 …" { expect errno=ENOTTY; }`, or with `arg=`.
    pub(super) fn raw_ioctl(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let on = self.property(&mut arguments, "on")?;
        let request = arguments.property("request");
        let request = request.ok_or_else(|| Problem::new(node.span, "`ioctl` needs `request=`"))?;
        let request = request_number(request)?;
        let bytes = arguments.text("bytes")?;
        let argument = self.property(&mut arguments, "arg")?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let on = match on {
            Some(on) => on,
            None => self.only_descriptor(process, true, node.name.span)?,
        };
        let ioctl = Ioctl::numbered(request).filter(|ioctl| !ioctl.fields.is_empty());
        let (call, kind) = match (bytes, argument) {
            (Some(text), None) => {
                let bytes = hex_bytes(&text)?;
                if bytes.len() > STRUCTURE_MAX {
                    return Err(Problem::new(text.span, format!("at most {STRUCTURE_MAX} bytes")));
                }
                let (fields, pointee) = (Vec::new(), None);
                let call = SystemCall::Ioctl(Box::new(IoctlCall { on, request, bytes, fields, pointee }));
                (call, ioctl.map_or(Kind::Number, Kind::Structure))
            }
            (None, Some(argument)) => (SystemCall::PlainIoctl { on, request, argument }, Kind::Number),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::new(node.span, "`ioctl` needs either `bytes=` or `arg=`"));
            }
        };
        let result = self.named(name, kind)?;
        let claims = self.block(node, Subject::Call(ioctl))?;
        self.step(node, Doing { process, deed: Deed::Call(call), result, claims })
    }

    /// Fields of the structure that a claim names.
    pub(super) fn reply_fields(
        &self,
        arguments: &mut Arguments,
        ioctl: Ioctl,
    ) -> Result<Vec<(Field, Value)>, Problem> {
        let name = ioctl.name();
        self.compared((&format!("`{name}`"), ioctl.fields), |field| ioctl.words(field), arguments.fields())
    }
}

/// A request by number, or by name.
fn request_number(request: Spanned<Resolved>) -> Result<u32, Problem> {
    let span = request.span;
    if let Resolved::Text(name) = &request.value {
        return Ioctl::called(name).map(|ioctl| ioctl.number).ok_or_else(|| {
            let all: Vec<String> = super::ioctls().collect();
            let known: Vec<&str> = all.iter().map(String::as_str).collect();
            Problem::unknown("ioctl", name, span, &known)
        });
    }
    let request = number(request)?;
    u32::try_from(request.value).map_err(|_error| Problem::new(span, "a request has 32 bits"))
}

/// Refuses a field that a child of the node fills in as well.
pub(super) fn not_twice(child: &Node, field: &Field, given: &Given) -> Result<(), Problem> {
    no_block(child)?;
    if given.contains_key(&field.offset) {
        let name = field_name(field);
        let message = format!("`{}` fills in {name}, which is given already", child.name.value);
        return Err(Problem::new(child.span, message));
    }
    Ok(())
}
