//! Bytes of any kind: no ioctl panics, and closing still brings every reference and pin back.

use proptest::prelude::*;
use smmu_sim::iommufd::uapi::Request;

use super::bench::*;

/// Small numbers, as ids and flags are, and some that are not.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0_u32..12, 1 => any::<u32>(), 1 => Just(0x10_0000), 1 => Just(u32::MAX)]
}

fn request() -> impl Strategy<Value = (bool, u32)> {
    let known = (0..Request::ALL.len()).prop_map(|index| (false, Request::ALL[index].number));
    let compat = prop::sample::select(vec![0x3b64, 0x3b65, 0x3b66, 0x3b70, 0x3b71, 0x3b72, 0x3b75, 0x3b96]);
    let vfio = prop::sample::select(vec![VFIO_BIND, VFIO_ATTACH, VFIO_DETACH]);
    prop_oneof![8 => known, 1 => compat.prop_map(|n| (false, n)), 3 => vfio.prop_map(|n| (true, n))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_ioctl_panics(calls in prop::collection::vec((request(), prop::collection::vec(word(), 12)), 1..120)) {
        let mut bench = Bench::new();
        let (device, _) = bench.bind(0);
        let memory_file = bench.kernel.memory_file(bench.client.pid, 8 * PAGE).expect("there is memory");
        let ioas = bench.ioas();
        bench.attach(device, ioas);
        for ((on_device, number), words) in calls {
            let fd = if on_device { device } else { bench.iommu };
            let mut words = words;
            // Mostly a plausible size and address, so that handlers are reached.
            if words[0] < 10 {
                let known = Request::by_number(number).map_or(16, |request| request.bytes);
                words[0] = u32::try_from(known).expect("structures are small");
            }
            let buffer = bench.buffer.to_le_bytes();
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            if words[1] % 3 == 0 {
                let at = if words[2] % 2 == 0 { 16 } else { 32 };
                bytes[at..at + 8].copy_from_slice(&buffer);
            }
            if number == IOAS_MAP_FILE {
                // A file of the context itself would keep the context, in Linux too.
                bytes[12..16].copy_from_slice(&memory_file.to_le_bytes());
            }
            // Whatever the answer is.
            bench.client.ioctl(&mut bench.kernel, fd, number, &mut bytes).ok();
        }
        let pid = bench.client.pid;
        for fd in 3..1024 {
            bench.kernel.close(pid, fd).ok();
        }
        prop_assert_eq!(bench.kernel.contexts().count(), 0);
        let mm = bench.kernel.host.processes[pid.0].mm.as_ref().expect("it runs");
        prop_assert_eq!((mm.pinned_pages, mm.locked_pages), (0, 0));
    }
}
