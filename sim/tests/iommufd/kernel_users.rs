//! Access objects: drivers in the kernel that pin and copy the memory of an IOAS.

use std::collections::BTreeSet;

use smmu_sim::iommufd::access::{self, Access, Wish};
use smmu_sim::iommufd::uapi::{
    iommu_destroy, iommu_ioas_map, iommu_ioas_unmap, iommu_vfio_ioas, vfio_iommu_type1_dma_unmap,
};
use smmu_sim::iommufd::{Check, ObjectId, Refusal};

use super::bench::*;

const IOVA: u64 = 0x10_0000;

struct User {
    id: ObjectId,
}

fn create(bench: &mut Bench, access: Access) -> User {
    let context = bench.kernel.contexts().next().expect("it is open").id;
    let (context, _) = bench.kernel.context_mut(context).expect("it is open");
    User { id: access::create(context, access) }
}

impl User {
    fn act<T>(
        &self,
        bench: &mut Bench,
        act: impl FnOnce(&mut smmu_sim::iommufd::Context, &mut smmu_sim::kernel::host::Host, ObjectId) -> T,
    ) -> T {
        let context = bench.kernel.contexts().next().expect("it is open").id;
        let (context, host) = bench.kernel.context_mut(context).expect("it is open");
        act(context, host, self.id)
    }

    fn attach(&self, bench: &mut Bench, ioas: u32) -> Result<(), Refusal> {
        self.act(bench, |context, _, id| access::attach(context, id, ObjectId(ioas)))
    }

    fn pin(&self, bench: &mut Bench, iova: u64, bytes: u64, write: bool) -> Result<Vec<(u64, u64)>, Refusal> {
        let wish = Wish { iova, bytes, write };
        self.act(bench, |context, host, id| access::pin(context, host, id, wish)).map(|(_, runs)| runs)
    }
}

pub(crate) fn provoke() -> BTreeSet<Check> {
    let mut bench = Bench::new();
    let mut seen = BTreeSet::new();
    let mut note = |check: Check, result: Option<Refusal>| {
        assert_eq!(result.map(|refusal| refusal.check), Some(check));
        seen.insert(check);
    };
    let ioas = bench.ioas();
    let user = create(&mut bench, Access::new(true));
    bench.fails(Check::DestroyInUse, DESTROY, iommu_destroy { size: 8, id: user.id.0 });
    note(Check::AccessDetached, user.pin(&mut bench, IOVA, 1, false).err());
    note(Check::AccessIoas, user.attach(&mut bench, 99).err());
    let odd = bench.ioas();
    bench.map(odd, 0, 0x10, IOVA);
    note(Check::AccessAlignment, user.attach(&mut bench, odd).err());
    user.attach(&mut bench, ioas).expect("the IOAS is empty");
    note(Check::AccessTwice, user.attach(&mut bench, ioas).err());
    let read_only = iommu_ioas_map { flags: FIXED | READ, ..bench.map_cmd(ioas, 0, 2 * PAGE, IOVA) };
    bench.call(IOAS_MAP, read_only);
    bench.map(ioas, 4 * PAGE, PAGE, IOVA + 2 * PAGE);
    note(Check::AccessLength, user.pin(&mut bench, IOVA, 0, false).err());
    note(Check::AccessWraps, user.pin(&mut bench, u64::MAX, 2, false).err());
    note(Check::AccessHole, user.pin(&mut bench, IOVA, 4 * PAGE, false).err());
    note(Check::AccessGoing, user.pin(&mut bench, IOVA + 1, 1, false).err());
    note(Check::AccessProtection, user.pin(&mut bench, IOVA, PAGE, true).err());
    let runs = user.pin(&mut bench, IOVA, 3 * PAGE, false).expect("it is mapped");
    assert_eq!(runs.len(), 2, "two mappings of memory that does not adjoin");
    let moved = user.act(&mut bench, |context, host, id| access::replace(context, host, id, ObjectId(odd)));
    note(Check::AccessAlignment, moved.err());
    let mm = bench.kernel.host.processes[bench.client.pid.0].mm.as_ref().expect("it runs");
    assert_eq!(mm.pinned_pages, 3, "a replace that fails leaves the pins");
    let unmap = iommu_ioas_unmap { size: 24, ioas_id: ioas, iova: IOVA, length: 2 * PAGE };
    bench.call(IOAS_UNMAP, unmap);
    copy(&mut bench, ioas, &mut note);
    stubborn(&mut bench, &mut note);
    user.act(&mut bench, access::destroy);
    assert_eq!(bench.users(ioas), Some(1));
    bench.seen().into_iter().chain(seen).collect()
}

#[test]
fn users_in_the_kernel_refuse_in_order() {
    provoke();
}

fn copy(bench: &mut Bench, ioas: u32, note: &mut impl FnMut(Check, Option<Refusal>)) {
    let copier = create(bench, Access::new(false));
    copier.attach(bench, ioas).expect("it needs no alignment");
    bench.poke(4 * PAGE, b"abcdefgh");
    let rw = |bench: &mut Bench, wish, bytes: &mut [u8]| {
        copier.act(bench, |context, host, id| access::rw(context, host, id, wish, bytes))
    };
    let at = IOVA + 2 * PAGE;
    let mut bytes = [0; 4];
    rw(bench, Wish { iova: at + 2, bytes: 4, write: false }, &mut bytes).expect("it is mapped");
    assert_eq!(&bytes, b"cdef");
    rw(bench, Wish { iova: at, bytes: 2, write: true }, &mut [1, 2]).expect("it is writable");
    assert_eq!(bench.peek(4 * PAGE, 3), [1, 2, b'c']);
    let nowhere = iommu_ioas_map { user_va: 0, ..bench.map_cmd(ioas, 0, PAGE, 0x90_0000) };
    bench.call(IOAS_MAP, nowhere);
    let wish = Wish { iova: 0x90_0000, bytes: 4, write: false };
    note(Check::AccessFault, rw(bench, wish, &mut bytes).err());
    let other = bench.ioas();
    let moved = copier.act(bench, |context, host, id| access::replace(context, host, id, ObjectId(other)));
    moved.expect("it is attached");
    copier.act(bench, access::destroy);
}

/// A user that does not let go.
fn stubborn(bench: &mut Bench, note: &mut impl FnMut(Check, Option<Refusal>)) {
    let ioas = bench.ioas();
    bench.call(VFIO_IOAS, iommu_vfio_ioas { size: 12, ioas_id: ioas, op: 1, __reserved: 0 });
    let user = create(bench, Access::new(true).stubborn());
    user.attach(bench, ioas).expect("the IOAS is empty");
    bench.map(ioas, 0, 2 * PAGE, IOVA);
    user.pin(bench, IOVA, PAGE, false).expect("it is mapped");
    let result = bench.kernel.ioctl(bench.client.pid, bench.iommu, 0x3b66, 1);
    assert_eq!(result, Ok(0), "type 1: the mappings can be cut");
    let cut = vfio_iommu_type1_dma_unmap { argsz: 24, flags: 0, iova: IOVA, size: PAGE };
    bench.fails(Check::SplitPinned, 0x3b72, cut);
    let all = iommu_ioas_unmap { size: 24, ioas_id: ioas, iova: IOVA, length: 2 * PAGE };
    bench.fails(Check::UnmapPinned, IOAS_UNMAP, all);
    note(Check::AccessGoing, user.pin(bench, IOVA, PAGE, false).err());
    bench.fails(Check::SplitGoing, 0x3b72, cut);
    user.act(bench, access::destroy);
    bench.call(IOAS_UNMAP, all);
}
