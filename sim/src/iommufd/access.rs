//! Access objects: drivers in the kernel that use the memory of an IOAS themselves.

use std::collections::BTreeMap;

use super::check::{Check, Refusal};
use super::context::Context;
use super::ioas::range::IovaRange;
use super::ioas::space::Area;
use super::object::{Object, ObjectId};
use super::pages::Holder;
use super::teardown;
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::Host;

/// A user in the kernel.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The IOAS that it is attached to.
    pub ioas: Option<ObjectId>,
    /// It pins pages, and does not only copy.
    pub needs_pins: bool,
    /// It keeps its pins when it is asked to let go: a driver with a bug.
    pub is_stubborn: bool,
    pins: BTreeMap<u64, Pin>,
    next_pin: u64,
}

/// A pin, piece by piece: the start of each mapping, and what of it is pinned.
#[derive(Clone, Debug)]
struct Pin {
    pieces: Vec<(u64, IovaRange)>,
}

impl Access {
    /// A user that is attached nowhere.
    pub fn new(needs_pins: bool) -> Self {
        Self { needs_pins, ..Self::default() }
    }

    /// The same, with the bug that it keeps its pins when it is asked to let go.
    pub fn stubborn(self) -> Self {
        Self { is_stubborn: true, ..self }
    }
}

/// Which pin of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinId(u64);

/// What an access wants to do with memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Where.
    pub iova: u64,
    /// How much.
    pub bytes: u64,
    /// Write, and not only read.
    pub write: bool,
}

/// Makes an access. Whoever does keeps it, so that no user can destroy it.
pub fn create(context: &mut Context, access: Access) -> ObjectId {
    let id = context.objects.insert(Object::Access(access));
    context.objects.hold(id);
    id
}

/// Ends an access.
pub fn destroy(context: &mut Context, host: &mut Host, id: ObjectId) {
    detach(context, host, id);
    context.objects.put(id);
    teardown::destroy(context, host, id, false);
}

/// Attaches an access to an IOAS.
pub fn attach(context: &mut Context, id: ObjectId, ioas: ObjectId) -> Result<(), Refusal> {
    Check::AccessTwice.refuse_if(context.objects.own_access(id).ioas.is_some())?;
    join(context, id, ioas)?;
    context.objects.own_access(id).ioas = Some(ioas);
    Ok(())
}

/// An IOAS has one access more, which it is aligned for.
fn join(context: &mut Context, id: ObjectId, ioas: ObjectId) -> Result<(), Refusal> {
    let alignment = if context.objects.own_access(id).needs_pins { PAGE_SIZE } else { 1 };
    let space = &mut context.objects.ioas_mut(ioas).ok_or(Check::AccessIoas)?.space;
    space.accesses.insert(id, alignment);
    if space.update_alignment().is_err() {
        space.accesses.remove(&id);
        return Err(Check::AccessAlignment.into());
    }
    context.objects.hold(ioas);
    Ok(())
}

/// Moves an attached access to another IOAS. It keeps its pins if that fails.
pub fn replace(context: &mut Context, host: &mut Host, id: ObjectId, ioas: ObjectId) -> Result<(), Refusal> {
    let old = context.objects.own_access(id).ioas.ok_or(Check::AccessDetached)?;
    if old == ioas {
        return Ok(());
    }
    join(context, id, ioas)?;
    detach(context, host, id);
    context.objects.own_access(id).ioas = Some(ioas);
    Ok(())
}

/// Detaches an access; its pins go. Without effect if it is not attached.
pub fn detach(context: &mut Context, host: &mut Host, id: ObjectId) {
    let Some(ioas) = context.objects.own_access(id).ioas.take() else { return };
    release(context, host, id, ioas, IovaRange::ALL);
    let space = &mut context.objects.own_ioas(ioas).space;
    space.accesses.remove(&id);
    space.update_alignment().expect("less to suit is always possible");
    context.objects.put(ioas);
}

/// Pins pages. Returns the pin, and where the pages are: address and number of each run.
pub fn pin(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    wish: Wish,
) -> Result<(PinId, Vec<(u64, u64)>), Refusal> {
    let (ioas, pieces) = covering(context, id, wish, true)?;
    let access = context.objects.own_access(id);
    let pin = access.next_pin;
    access.next_pin += 1;
    let mut runs = Vec::new();
    let mut done: Vec<(u64, IovaRange)> = Vec::new();
    for (area, piece) in pieces {
        let (first, last) = page_indexes(&area, piece);
        let holder = holder(id, pin, done.len());
        let pages = context.pages.get_mut(area.pages);
        if let Err(refusal) = pages.hold(host, holder, first, last) {
            unpin_pieces(context, host, id, ioas, pin, &done);
            return Err(refusal);
        }
        runs.extend(pages.runs(first, last));
        context.own_area(ioas, area.range.start).pins += 1;
        done.push((area.range.start, piece));
    }
    context.objects.own_access(id).pins.insert(pin, Pin { pieces: done });
    Ok((PinId(pin), runs))
}

/// Ends a pin.
pub fn unpin(context: &mut Context, host: &mut Host, id: ObjectId, pin: PinId) {
    let access = context.objects.own_access(id);
    let ioas = access.ioas.expect("an access with pins is attached");
    let Some(Pin { pieces }) = access.pins.remove(&pin.0) else { return };
    unpin_pieces(context, host, id, ioas, pin.0, &pieces);
}

/// Copies between the memory of the IOAS and `bytes`.
pub fn rw(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    wish: Wish,
    bytes: &mut [u8],
) -> Result<(), Refusal> {
    let (_, pieces) = covering(context, id, wish, false)?;
    let mut bytes = bytes;
    let once = Holder::Access(id, u64::MAX);
    for (area, piece) in pieces {
        let (first, last) = page_indexes(&area, piece);
        let pages = context.pages.get_mut(area.pages);
        pages.hold(host, once, first, last).map_err(|_refusal| Check::AccessFault)?;
        let mut offset = (area.first_byte + (piece.start - area.range.start)) % PAGE_SIZE;
        let mut left = piece.bytes();
        for (address, count) in pages.runs(first, last) {
            let size = left.min(count * PAGE_SIZE - offset);
            let Ok(size_bytes) = usize::try_from(size) else { break };
            let (part, rest) = std::mem::take(&mut bytes).split_at_mut(size_bytes);
            if wish.write {
                host.hardware.write(address + offset, part);
            } else {
                host.hardware.read(address + offset, part);
            }
            bytes = rest;
            (offset, left) = (0, left - size);
        }
        context.pages.get_mut(area.pages).release(host, once);
    }
    Ok(())
}

/// A mapping is going: every access of the IOAS is asked to let go of it.
pub(super) fn notify_unmap(context: &mut Context, host: &mut Host, ioas: ObjectId, range: IovaRange) {
    let accesses: Vec<ObjectId> = context.objects.own_ioas(ioas).space.accesses.keys().copied().collect();
    for id in accesses {
        if !context.objects.own_access(id).is_stubborn {
            release(context, host, id, ioas, range);
        }
    }
}

/// Ends all pins that intersect a range.
fn release(context: &mut Context, host: &mut Host, id: ObjectId, ioas: ObjectId, range: IovaRange) {
    let pins = &mut context.objects.own_access(id).pins;
    let touches = |pin: &Pin| pin.pieces.iter().any(|(_, piece)| piece.overlaps(range));
    let gone: Vec<u64> = pins.iter().filter(|(_, pin)| touches(pin)).map(|(&id, _)| id).collect();
    for pin in gone {
        let Pin { pieces } = context.objects.own_access(id).pins.remove(&pin).expect("it was just found");
        unpin_pieces(context, host, id, ioas, pin, &pieces);
    }
}

fn unpin_pieces(
    context: &mut Context,
    host: &mut Host,
    id: ObjectId,
    ioas: ObjectId,
    pin: u64,
    pieces: &[(u64, IovaRange)],
) {
    for (index, &(start, _)) in pieces.iter().enumerate() {
        let area = context.own_area(ioas, start);
        area.pins -= 1;
        let pages = area.pages;
        context.pages.get_mut(pages).release(host, holder(id, pin, index));
    }
}

/// A pin of several mappings is several holds.
fn holder(id: ObjectId, pin: u64, index: usize) -> Holder {
    const PIECES_MAX: u64 = 1 << 32;
    let index = u64::try_from(index).expect("an index fits");
    Holder::Access(id, pin * PIECES_MAX + index)
}

fn page_indexes(area: &Area, piece: IovaRange) -> (u64, u64) {
    let first = area.first_byte + (piece.start - area.range.start);
    let last = area.first_byte + (piece.last - area.range.start);
    (first / PAGE_SIZE, last / PAGE_SIZE)
}

/// The mappings under a range, if they permit what is wished.
fn covering(
    context: &mut Context,
    id: ObjectId,
    wish: Wish,
    in_pages: bool,
) -> Result<(ObjectId, Vec<(Area, IovaRange)>), Refusal> {
    let last = wish.bytes.checked_sub(1).ok_or(Check::AccessLength)?;
    let last = wish.iova.checked_add(last).ok_or(Check::AccessWraps)?;
    let ioas = context.objects.own_access(id).ioas.ok_or(Check::AccessDetached)?;
    let range = IovaRange { start: wish.iova, last };
    let pieces: Vec<_> = context.objects.own_ioas(ioas).space.covering(range).collect();
    for (area, piece) in &pieces {
        let start = area.first_byte + (piece.start - area.range.start);
        let end = area.first_byte + (piece.last - area.range.start) + 1;
        let is_inner_end = piece.last != range.last;
        let is_odd = start % PAGE_SIZE != 0 || (is_inner_end && end % PAGE_SIZE != 0);
        Check::AccessGoing.refuse_if(area.is_going || (in_pages && is_odd))?;
        let permitted = if wish.write { area.prot.write } else { area.prot.read };
        Check::AccessProtection.refuse_if(!permitted)?;
        Check::AccessReadOnly.refuse_if(wish.write && !context.pages.get(area.pages).writable)?;
    }
    Check::AccessHole.refuse_if(pieces.last().map(|(_, piece)| piece.last) != Some(last))?;
    Ok((ioas, pieces))
}
