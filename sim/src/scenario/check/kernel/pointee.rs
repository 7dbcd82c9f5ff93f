//! What the pointer of a structure points to: `ste`, `command`, `range` and `data` in the block of an ioctl, or room
//! for what the kernel gives.

use smmu_model::layout::names::STE;

use super::OnKernel;
use super::claims::Subject;
use super::ioctl::{Given, not_twice};
use crate::scenario::arguments::no_block;
use crate::scenario::check::memory::hex_bytes;
use crate::scenario::ioctl::Ioctl;
use crate::scenario::problem::Problem;
use crate::scenario::step::{CallData, KernelClaim, Pointee, RoomKind, Value};
use crate::scenario::syntax::Node;

/// The pointer of a structure.
struct Pointer {
    ioctl: &'static str,
    field: &'static str,
    /// The node that describes what it points to; else the kernel writes there.
    node: Option<&'static str>,
    room: Option<RoomKind>,
}

const POINTERS: &[Pointer] = &[
    Pointer { ioctl: "IOMMU_HWPT_ALLOC", field: "data_uptr", node: Some("ste"), room: None },
    Pointer { ioctl: "IOMMU_VIOMMU_ALLOC", field: "data_uptr", node: None, room: None },
    Pointer { ioctl: "IOMMU_HWPT_INVALIDATE", field: "data_uptr", node: Some("command"), room: None },
    Pointer { ioctl: "IOMMU_IOAS_ALLOW_IOVAS", field: "allowed_iovas", node: Some("range"), room: None },
    Pointer {
        ioctl: "IOMMU_IOAS_IOVA_RANGES",
        field: "allowed_iovas",
        node: None,
        room: Some(RoomKind::Ranges),
    },
    Pointer { ioctl: "IOMMU_GET_HW_INFO", field: "data_uptr", node: None, room: Some(RoomKind::HwInfo) },
    Pointer { ioctl: "IOMMU_HWPT_GET_DIRTY_BITMAP", field: "data", node: None, room: Some(RoomKind::Bitmap) },
];

impl OnKernel<'_, '_> {
    /// What the structure points to; fills in the fields that follow from it.
    pub(super) fn pointee(
        &mut self,
        node: &Node,
        ioctl: Ioctl,
        given: &mut Given,
    ) -> Result<Option<Pointee>, Problem> {
        let Some(pointer) = pointer(ioctl) else { return Ok(None) };
        let field = *ioctl.field(pointer.field).expect("the table has fields of structures");
        let mut data: Option<CallData> = None;
        let describes = |child: &&Node| nodes(pointer).contains(&child.name.value.as_str());
        for child in node.children.iter().flatten().filter(describes) {
            not_twice(child, &field, given)?;
            data = Some(self.add(data, child)?);
        }
        if let Some(data) = data {
            fill_in(ioctl, &data, given);
            return Ok(Some(Pointee::Data { pointer: field, data }));
        }
        let is_given = given.contains_key(&field.offset);
        Ok(pointer.room.filter(|_| !is_given).map(|kind| Pointee::Room { pointer: field, kind }))
    }

    /// The data with what one more node adds.
    fn add(&mut self, before: Option<CallData>, node: &Node) -> Result<CallData, Problem> {
        no_block(node)?;
        let mut arguments = self.arguments(node)?;
        let added = match node.name.value.as_str() {
            "ste" => {
                let mut words = [0; 2];
                self.base.set_fields(&mut words, &first_words(), arguments.fields());
                CallData::Ste(words)
            }
            "command" => {
                let which = arguments.required("a command")?;
                let properties = arguments.fields();
                CallData::Commands(vec![self.base.command_words(which, properties)?])
            }
            "range" => {
                let first = arguments.required_number("the first IOVA")?;
                let last = arguments.required_number("the last IOVA")?;
                CallData::Ranges(vec![(first.value, last.value)])
            }
            _data => {
                let bytes = arguments.text("bytes")?;
                let bytes = bytes.ok_or_else(|| Problem::new(node.span, "`bytes=` is missing"))?;
                CallData::Bytes(hex_bytes(&bytes)?)
            }
        };
        arguments.finish()?;
        match (before, added) {
            (None, added) => Ok(added),
            (Some(CallData::Commands(before)), CallData::Commands(added)) => {
                Ok(CallData::Commands([before, added].concat()))
            }
            (Some(CallData::Ranges(before)), CallData::Ranges(added)) => {
                Ok(CallData::Ranges([before, added].concat()))
            }
            (Some(CallData::Bytes(before)), CallData::Bytes(added)) => {
                Ok(CallData::Bytes([before, added].concat()))
            }
            (Some(_), _) => Err(Problem::new(node.span, "the structure points to something else already")),
        }
    }

    /// The claims of a node that may also describe what its structure points to.
    pub(super) fn claims_beside_pointee(
        &mut self,
        node: &Node,
        ioctl: Ioctl,
    ) -> Result<Vec<KernelClaim>, Problem> {
        let described = pointer(ioctl).map(nodes).unwrap_or_default();
        let known: Vec<&str> = described.iter().copied().chain(["expect"]).collect();
        let others = |child: &&Node| !described.contains(&child.name.value.as_str());
        self.claims_of(node, others, Subject::Call(Some(ioctl)), &known)
    }
}

fn pointer(ioctl: Ioctl) -> Option<&'static Pointer> {
    let name = ioctl.name();
    POINTERS.iter().find(|pointer| pointer.ioctl == name)
}

/// The nodes that describe what a pointer points to.
fn nodes(pointer: &Pointer) -> Vec<&'static str> {
    if pointer.room.is_some() {
        return Vec::new();
    }
    pointer.node.into_iter().chain(["data"]).collect()
}

/// The fields of an STE that lie in its first two words.
fn first_words() -> Vec<smmu_model::layout::names::Field> {
    STE.iter().filter(|field| field.word < 2).copied().collect()
}

/// Type, length and number of the data, where they are not given.
fn fill_in(ioctl: Ioctl, data: &CallData, given: &mut Given) {
    let count = |length: usize| u64::try_from(length).expect("the data of a scenario is short");
    let bytes = count(data.bytes().len());
    let fields: Vec<(&str, u64)> = match data {
        CallData::Ste(_) => vec![("data_type", 2), ("data_len", bytes)],
        CallData::Commands(commands) => {
            vec![("data_type", 1), ("entry_len", 16), ("entry_num", count(commands.len()))]
        }
        CallData::Ranges(ranges) => vec![("num_iovas", count(ranges.len()))],
        CallData::Bytes(_) => vec![("data_len", bytes)],
        CallData::HwInfo(_)
        | CallData::Dirty(_)
        | CallData::Faults(_)
        | CallData::Responses(_)
        | CallData::Events(_) => Vec::new(),
    };
    for (name, value) in fields {
        if let Some(field) = ioctl.field(name) {
            given.entry(field.offset).or_insert_with(|| (*field, Value::from(value)));
        }
    }
}
