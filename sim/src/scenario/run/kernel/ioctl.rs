//! `ioctl` with a structure: what it points to is laid out, the call made, and the answer read back.

use super::Machine;
use super::calls::{Actor, SCRATCH_BYTES};
use crate::errno::Errno;
use crate::iommufd::uapi::Field;
use crate::scenario::ioctl::{Ioctl, field_name, get, set};
use crate::scenario::step::{CallData, IoctlCall, Pointee, ProcessId, RoomKind};
use crate::trace::{Call, CallEnd, FieldValue, Listener};

/// Bytes of `struct iommu_iova_range`.
const RANGE_BYTES: u64 = 16;

/// A call that is laid out in the memory of its process.
struct Laid {
    fd: i32,
    known: Option<Ioctl>,
    /// The structure as the kernel finds it.
    bytes: Vec<u8>,
    /// The pointer that the scenario did not write itself.
    pointer: Option<Field>,
    /// Bytes in use behind it.
    pointee_bytes: usize,
}

impl<'a, L: Listener> Machine<'a, L> {
    pub(super) fn ioctl(&mut self, id: ProcessId, actor: Actor, call: &IoctlCall) -> Result<(), String> {
        let laid = self.lay_out(actor, call)?;
        let shown = laid.shown(call);
        self.say_called(id, &shown);
        self.put(actor, actor.structures, &laid.bytes)?;
        let result = self.kernel.ioctl(actor.pid, laid.fd, call.request, actor.structures);
        let result = result.map(|ret| u64::try_from(ret).unwrap_or_default());
        let result = result.map_err(|errno| (errno, self.kernel.last_failed()));
        let mut after = vec![0; laid.bytes.len()];
        self.fetch(actor, actor.structures, &mut after)?;
        let has_answer = matches!(result, Ok(_) | Err((Errno::EMSGSIZE, _)));
        let data = if has_answer { self.given(actor, call, &laid, &after)? } else { None };
        self.put(actor, actor.structures, &vec![0; laid.bytes.len()])?;
        if laid.pointee_bytes > 0 {
            self.put(actor, actor.pointees, &vec![0; laid.pointee_bytes])?;
        }
        let fields = laid.changed(&after);
        self.ended(id, &shown, CallEnd { result, fields, data }, after);
        Ok(())
    }

    fn lay_out(&mut self, actor: Actor, call: &IoctlCall) -> Result<Laid, String> {
        let fd = self.descriptor(&call.on)?;
        let mut bytes = call.bytes.clone();
        for (field, value) in &call.fields {
            let value = self.value(value)?;
            if !fits(value, field) {
                return Err(format!("{value:#x} does not fit {}, {} bytes", field_name(field), field.bytes));
            }
            set(&mut bytes, field, value);
        }
        let known = Ioctl::numbered(call.request).filter(|ioctl| !ioctl.fields.is_empty());
        let mut laid = Laid { fd, known, bytes, pointer: None, pointee_bytes: 0 };
        match &call.pointee {
            None => {}
            Some(Pointee::Data { pointer, data }) => {
                let data = data.bytes();
                self.put(actor, actor.pointees, &data)?;
                laid.point(pointer, actor.pointees, data.len());
            }
            Some(Pointee::Room { pointer, kind }) => {
                let room = laid.room(*kind);
                laid.point(pointer, actor.pointees, room);
            }
        }
        Ok(laid)
    }

    /// What the kernel put where the structure points to.
    fn given(
        &mut self,
        actor: Actor,
        call: &IoctlCall,
        laid: &Laid,
        after: &[u8],
    ) -> Result<Option<CallData>, String> {
        let Some(Pointee::Room { kind, .. }) = call.pointee else { return Ok(None) };
        let mut bytes = vec![0; laid.pointee_bytes];
        self.fetch(actor, actor.pointees, &mut bytes)?;
        Ok(match kind {
            RoomKind::Ranges => {
                let total = laid.field_of(after, "num_iovas");
                let (words, _) = bytes.as_chunks::<8>();
                let (pairs, _) = words.as_chunks::<2>();
                let ranges =
                    pairs.iter().map(|[first, last]| (u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
                Some(CallData::Ranges(ranges.take(usize::try_from(total).unwrap_or(usize::MAX)).collect()))
            }
            RoomKind::HwInfo => Some(CallData::HwInfo(bytes)).filter(|_| laid.pointee_bytes > 0),
            RoomKind::Bitmap => Some(CallData::Dirty(set_bits(&bytes))),
        })
    }
}

impl Laid {
    fn point(&mut self, pointer: &Field, at: u64, bytes: usize) {
        set(&mut self.bytes, pointer, at);
        (self.pointer, self.pointee_bytes) = (Some(*pointer), bytes);
    }

    fn field_of(&self, bytes: &[u8], name: &str) -> u64 {
        let field = self.known.and_then(|ioctl| ioctl.field(name));
        field.map_or(0, |field| get(bytes, field))
    }

    /// How many bytes of room the structure speaks of; at most as many as there are.
    fn room(&self, kind: RoomKind) -> usize {
        let of = |name| self.field_of(&self.bytes, name);
        let bytes = match kind {
            RoomKind::Ranges => of("num_iovas").saturating_mul(RANGE_BYTES),
            RoomKind::HwInfo => of("data_len"),
            RoomKind::Bitmap => of("length").checked_div(of("page_size")).unwrap_or(0).div_ceil(8),
        };
        usize::try_from(bytes.min(SCRATCH_BYTES)).expect("the room is small")
    }

    /// The call for people: fields that are not 0, without the size that goes without saying.
    fn shown(&self, call: &IoctlCall) -> Call {
        let data = match &call.pointee {
            Some(Pointee::Data { data, .. }) => Some(data.clone()),
            Some(Pointee::Room { .. }) | None => None,
        };
        let fd = Some(self.fd);
        let Some(ioctl) = self.known else {
            let request = FieldValue { name: "request", value: u64::from(call.request), words: None };
            let bytes = Some(CallData::Bytes(self.bytes.clone()));
            return Call { name: "ioctl".to_owned(), path: None, fd, fields: vec![request], data: bytes };
        };
        let own = |field: &Field| Some(field.offset) == self.pointer.map(|pointer| pointer.offset);
        let usual = u64::try_from(ioctl.bytes()).expect("a structure is small");
        let is_usual = |field: &Field| field.offset == 0 && get(&self.bytes, field) == usual;
        let fields = ioctl.fields.iter().filter(|field| !own(field) && !is_usual(field));
        let fields = fields.filter(|field| get(&self.bytes, field) != 0);
        let fields = fields.map(|field| field_value(ioctl, field, &self.bytes)).collect();
        let tail = self.bytes.get(ioctl.bytes()..).filter(|tail| !tail.is_empty());
        let data = data.or_else(|| tail.map(|tail| CallData::Bytes(tail.to_vec())));
        Call { name: ioctl.name(), path: None, fd, fields, data }
    }

    /// The fields that the call has changed.
    fn changed(&self, after: &[u8]) -> Vec<FieldValue> {
        let Some(ioctl) = self.known else { return Vec::new() };
        let differs = |field: &&Field| get(&self.bytes, field) != get(after, field);
        ioctl.fields.iter().filter(differs).map(|field| field_value(ioctl, field, after)).collect()
    }
}

fn field_value(ioctl: Ioctl, field: &Field, bytes: &[u8]) -> FieldValue {
    let value = get(bytes, field);
    let words = ioctl.words(field).and_then(|words| words.text(value));
    FieldValue { name: field_name(field), value, words }
}

/// Whether the field holds the value; a negative one is two's complement.
fn fits(value: u64, field: &Field) -> bool {
    let unused_bits = 64 - 8 * field.bytes.min(8);
    value << unused_bits >> unused_bits == value || value.cast_signed() < 0
}

/// The positions of the bits that are set.
pub(super) fn set_bits(bytes: &[u8]) -> Vec<u64> {
    let bits = (0u64..).zip(bytes).flat_map(|(index, byte)| {
        (0..8u64).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| 8 * index + bit)
    });
    bits.collect()
}

#[cfg(test)]
mod tests {
    use super::set_bits;

    #[test]
    fn bits_are_counted_from_the_first_byte() {
        assert_eq!(set_bits(&[0b1000_0001, 0, 0b10]), [0, 7, 17]);
    }
}
