//! In what two answers differ, field by field of the structure that the call has.

use super::step::{Action, Answer};
use crate::hex;
use crate::iommufd::uapi::{
    Field, Layout, Request, iommufd_vevent_header, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
    vfio_device_detach_iommufd_pt, vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_unmap,
    vfio_iommu_type1_info,
};

/// Bytes of `struct iommu_vevent_arm_smmuv3`.
const RECORD_BYTES: usize = 32;

/// One thing that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// `ret`, `errno`, or a field: its name, or the offset of bytes that have none.
    pub field: String,
    /// What the real kernel answered.
    pub expected: String,
    /// What ours did.
    pub found: String,
}

/// All that differs.
pub(super) fn differences(action: &Action, expected: &Answer, found: &Answer) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut note = |field: &str, expected: String, found: String| {
        if expected != found {
            differences.push(Difference { field: field.to_owned(), expected, found });
        }
    };
    note("ret", expected.ret.to_string(), found.ret.to_string());
    note("errno", errno_text(expected.errno), errno_text(found.errno));
    let empty = Vec::new();
    let (left, right) = (expected.out.as_ref().unwrap_or(&empty), found.out.as_ref().unwrap_or(&empty));
    for part in parts(action, left.len().max(right.len())) {
        note(&part.name, bytes_text(left, &part), bytes_text(right, &part));
    }
    differences
}

/// `EINVAL (22)`.
fn errno_text(number: i32) -> String {
    match crate::errno::Errno::by_number(number) {
        Some(errno) => format!("{errno} ({number})"),
        None => number.to_string(),
    }
}

struct Part {
    name: String,
    offset: usize,
    bytes: usize,
}

/// How `bytes` bytes of a reply divide into fields.
fn parts(action: &Action, bytes: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    match action {
        Action::Ioctl { number, .. } => {
            for field in fields(*number) {
                let name = field.name.to_owned();
                parts.push(Part { name, offset: field.offset, bytes: field.bytes });
            }
        }
        Action::Event { .. } => {
            let header = size_of::<iommufd_vevent_header>();
            for (index, start) in (0..bytes).step_by(header + RECORD_BYTES).enumerate() {
                for field in iommufd_vevent_header::FIELDS {
                    let name = format!("event {index} {}", field.name);
                    parts.push(Part { name, offset: start + field.offset, bytes: field.bytes });
                }
                for word in 0..RECORD_BYTES / 8 {
                    let name = format!("event {index} word {word}");
                    parts.push(Part { name, offset: start + header + word * 8, bytes: 8 });
                }
            }
        }
        Action::Read { .. }
        | Action::Open { .. }
        | Action::Close { .. }
        | Action::Write { .. }
        | Action::Fd { .. }
        | Action::Dma { .. } => {}
    }
    let known = parts.iter().map(|part| part.offset + part.bytes).max().unwrap_or_default();
    for offset in (known..bytes).step_by(8) {
        parts.push(Part { name: format!("bytes at {offset:#x}"), offset, bytes: 8.min(bytes - offset) });
    }
    parts.retain(|part| part.offset < bytes);
    parts
}

fn fields(number: u32) -> &'static [Field] {
    match number {
        0x3b70 => vfio_iommu_type1_info::FIELDS,
        0x3b71 => vfio_iommu_type1_dma_map::FIELDS,
        0x3b72 => vfio_iommu_type1_dma_unmap::FIELDS,
        0x3b76 => vfio_device_bind_iommufd::FIELDS,
        0x3b77 => vfio_device_attach_iommufd_pt::FIELDS,
        0x3b78 => vfio_device_detach_iommufd_pt::FIELDS,
        _iommufd => Request::by_number(number).map_or(&[], |request| request.fields),
    }
}

/// The name of a request, or its number.
pub(super) fn request_name(number: u32) -> String {
    let name = match number {
        0x3b76 => Some("VFIO_DEVICE_BIND_IOMMUFD"),
        0x3b77 => Some("VFIO_DEVICE_ATTACH_IOMMUFD_PT"),
        0x3b78 => Some("VFIO_DEVICE_DETACH_IOMMUFD_PT"),
        _iommufd => Request::by_number(number).map(|request| request.name),
    };
    name.map_or_else(|| format!("{number:#x}"), str::to_owned)
}

/// A number, or bytes as they are, or `-` where there are none.
fn bytes_text(out: &[u8], part: &Part) -> String {
    let end = out.len().min(part.offset + part.bytes);
    let Some(bytes) = out.get(part.offset..end).filter(|bytes| !bytes.is_empty()) else {
        return "-".to_owned();
    };
    let mut word = [0; 8];
    match bytes.len() {
        1 | 2 | 4 | 8 => {
            word[..bytes.len()].copy_from_slice(bytes);
            format!("{:#x}", u64::from_le_bytes(word))
        }
        _other => hex::digits(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_by_field() {
        let action =
            Action::Ioctl { fd: "iommu".to_owned(), number: 0x3b81, bytes: Vec::new(), pointers: Vec::new() };
        let answer = |ret, errno, id: u8| {
            let out = Some(vec![12, 0, 0, 0, 0, 0, 0, 0, id, 0, 0, 0]);
            Answer { ret, errno, out }
        };
        assert_eq!(differences(&action, &answer(0, 0, 1), &answer(0, 0, 1)), []);
        let found = differences(&action, &answer(0, 0, 1), &answer(-1, 16, 0));
        let found: Vec<_> =
            found.iter().map(|d| (d.field.as_str(), d.expected.as_str(), d.found.as_str())).collect();
        let expected = [("ret", "0", "-1"), ("errno", "0", "EBUSY (16)"), ("out_ioas_id", "0x1", "0x0")];
        assert_eq!(found, expected);
    }
}
