//! The memory of a process: `mmap`, `munmap`, `memfd`, `poke`, `peek`.

use smmu_model::layout::names;

use super::claims::Subject;
use super::{Doing, Kind, OnKernel};
use crate::kernel::MapRequest;
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::check::memory::{NUMBERS, hex_bytes};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::step::{Deed, GuestStructure, KernelData, SystemCall};
use crate::scenario::syntax::Node;

/// Structures of the architecture that a process may hold for its guest, of eight words each.
const STRUCTURES: [(&str, &str, &[names::Field]); 2] = [("cd", "CD", names::CD), ("ste", "STE", names::STE)];

impl OnKernel<'_, '_> {
    /// `mmap size=0x200000 as="buffer"`, `mmap file=$memfd`, or `mmap iommufd=$iommu size=0x1000 offset=0x1000`.
    pub(super) fn mmap(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let file = self.property(&mut arguments, "file")?;
        let iommufd = self.property(&mut arguments, "iommufd")?;
        let call = match (file, iommufd) {
            (Some(_), Some(_)) => {
                return Err(Problem::new(node.span, "`mmap` is of a `file=` or of an `iommufd=`"));
            }
            (Some(fd), None) => SystemCall::MapFile { fd, writable: writable(&mut arguments)? },
            (None, Some(fd)) => {
                let request = MapRequest {
                    bytes: size(&mut arguments)?,
                    is_shared: arguments.flag("shared")?.unwrap_or(true),
                    is_executable: arguments.flag("executable")?.unwrap_or(false),
                    offset: arguments.number("offset")?.map_or(0, |offset| offset.value),
                };
                SystemCall::MapIommufd { fd, request }
            }
            (None, None) => {
                SystemCall::MapMemory { bytes: size(&mut arguments)?, writable: writable(&mut arguments)? }
            }
        };
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let claims = self.block(node, Subject::Call(None))?;
        self.step(node, Doing { process, deed: Deed::Call(call), result, claims })
    }

    /// `munmap $buffer size=0x1000`
    pub(super) fn munmap(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let address = self.argument(&mut arguments, "an address")?;
        let bytes = size(&mut arguments)?;
        arguments.finish()?;
        let claims = self.block(node, Subject::Call(None))?;
        let deed = Deed::Call(SystemCall::Unmap { address, bytes });
        self.step(node, Doing { process, deed, result: None, claims })
    }

    /// `memfd size=0x1000 as="file"`
    pub(super) fn memfd(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let bytes = size(&mut arguments)?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let claims = self.block(node, Subject::Call(None))?;
        let deed = Deed::Call(SystemCall::MemoryFile(bytes));
        self.step(node, Doing { process, deed, result, claims })
    }

    /// `poke $buffer u64=0x1234`, `bytes="…"`, or `{ cd V=1 …; }`: a structure of a guest.
    pub(super) fn poke(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let at = self.argument(&mut arguments, "an address")?;
        let structures = self.structures(node)?;
        let data = if structures.is_empty() {
            self.data(&mut arguments)?
        } else {
            KernelData::Structures(structures)
        };
        arguments.finish()?;
        let others = |child: &&Node| !STRUCTURES.iter().any(|(node, ..)| *node == child.name.value);
        let claims = self.claims_of(node, others, Subject::Call(None), &["cd", "ste", "expect"])?;
        self.step(node, Doing { process, deed: Deed::Poke { at, data }, result: None, claims })
    }

    fn structures(&mut self, node: &Node) -> Result<Vec<GuestStructure>, Problem> {
        let mut structures = Vec::new();
        for child in node.children.iter().flatten() {
            let known = STRUCTURES.iter().find(|(node, ..)| *node == child.name.value);
            let Some(&(_, name, fields)) = known else { continue };
            no_block(child)?;
            let mut arguments = self.arguments(child)?;
            let mut words = [0; 8];
            self.base.set_fields(&mut words, fields, arguments.fields());
            arguments.finish()?;
            structures.push(GuestStructure { name, fields, words });
        }
        Ok(structures)
    }

    /// `peek $buffer size=4 as="word"`
    pub(super) fn peek(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = self.arguments(node)?;
        let process = self.process_of(&mut arguments)?;
        let at = self.argument(&mut arguments, "an address")?;
        let bytes = word_bytes(&mut arguments)?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let claims = self.block(node, Subject::Call(None))?;
        self.step(node, Doing { process, deed: Deed::Peek { at, bytes }, result, claims })
    }

    /// `u64=…`, `u32=…`, `u16=…`, `u8=…` or `bytes="…"`.
    pub(super) fn data(&self, arguments: &mut Arguments) -> Result<KernelData, Problem> {
        if let Some(bytes) = arguments.text("bytes")? {
            return hex_bytes(&bytes).map(KernelData::Bytes);
        }
        for (name, bytes) in NUMBERS {
            let Some(value) = arguments.property(name) else { continue };
            let span = value.span;
            if let Resolved::Number(number) = value.value
                && number >> (8 * bytes) != 0
            {
                return Err(Problem::new(span, format!("this does not fit {bytes} bytes")));
            }
            return Ok(KernelData::Number(self.value(value)?, bytes));
        }
        let message = "`u64=`, `u32=`, `u16=`, `u8=` or `bytes=` is missing";
        Err(Problem::new(arguments.span(), message))
    }
}

/// `size=` of what is read as a number: 1 to 8 bytes, 8 by default.
pub(super) fn word_bytes(arguments: &mut Arguments) -> Result<u8, Problem> {
    match arguments.number_to("size", 8)? {
        None => Ok(8),
        Some(size) if size.value == 0 => Err(Problem::new(size.span, "a number has at least one byte")),
        Some(size) => Ok(u8::try_from(size.value).expect("checked against the maximum")),
    }
}

fn size(arguments: &mut Arguments) -> Result<u64, Problem> {
    let size = arguments.number("size")?;
    size.map(|size| size.value).ok_or_else(|| Problem::new(arguments.span(), "`size=` is missing"))
}

fn writable(arguments: &mut Arguments) -> Result<bool, Problem> {
    Ok(arguments.flag("writable")?.unwrap_or(true))
}
