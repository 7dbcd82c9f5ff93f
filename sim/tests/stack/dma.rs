//! DMA of devices through both stages, after a boot by drivers and ioctls.

use smmu_model::features::Preset;
use smmu_sim::guest::{Guest, GuestSetup};
use smmu_sim::kernel::Kernel;
use smmu_sim::vmm::{GuestDevice, Offer, Vmm, VmmSetup};

use super::rig::*;

const DEVICES: [GuestDevice; 2] =
    [GuestDevice { stream: STREAM, vfio: 0 }, GuestDevice { stream: OTHER_STREAM, vfio: 1 }];

/// Maps, moves data both ways, unmaps.
fn exercise(kernel: &mut Kernel, vm: &mut Vm) {
    let domain = vm.attach_new(kernel, STREAM);
    let page = vm.map(kernel, domain, 0x8000_0000, b"from the guest");
    assert_eq!(vm.read(kernel, STREAM, 0x8000_0000, 14).as_deref(), Some(&b"from the guest"[..]));
    assert!(vm.write(kernel, STREAM, 0x8000_0100, b"from the device"));
    assert_eq!(vm.peek(kernel, page + 0x100, 15), b"from the device");
    assert_eq!(vm.read(kernel, OTHER_STREAM, 0x8000_0000, 4), None, "it is in another domain");
    assert_eq!(vm.guest.unmap(kernel, &mut vm.vmm, domain, 0x8000_0000, PAGE), PAGE);
    assert_eq!(vm.read(kernel, STREAM, 0x8000_0000, 4), None, "it is not mapped any more");
}

#[test]
fn dma_goes_through_both_stages() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &DEVICES);
    exercise(&mut kernel, &mut vm);
    vm.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
}

#[test]
fn an_emulated_machine_does_the_same() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::try_boot(&mut kernel, &VmmSetup::emulated(&DEVICES), |offer| offer).expect("it boots");
    exercise(&mut kernel, &mut vm);
    vm.vmm.kill(&mut kernel);
    check_nothing_is_left(&kernel);
}

/// The calls, in the order in which Linux wants them, and what they give: ids count up from 1.
#[test]
fn a_monitor_makes_these_calls() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &DEVICES[..1]);
    vm.attach_new(&mut kernel, STREAM);
    let is_call =
        |line: &String| ["open", "KVM", "IOMMU", "VFIO"].iter().any(|start| line.starts_with(start));
    let calls: Vec<_> = vm.lines().into_iter().filter(is_call).collect();
    let invalidate = "IOMMU_HWPT_INVALIDATE(4) = 1";
    let expected = [
        "KVM_CREATE_VM(0) = 3",
        "open(0) = 4",
        "open(0) = 5",
        "VFIO_DEVICE_BIND_IOMMUFD(0) = 1",
        "IOMMU_GET_HW_INFO(1) = 2",
        "IOMMU_IOAS_ALLOC(0) = 2",
        "IOMMU_IOAS_MAP(2) = 0",
        "IOMMU_HWPT_ALLOC(2) = 3",
        "IOMMU_VIOMMU_ALLOC(3) = 4",
        "IOMMU_HWPT_ALLOC(4) = 5",
        "IOMMU_HWPT_ALLOC(4) = 6",
        "IOMMU_VDEVICE_ALLOC(1) = 7",
        "IOMMU_VEVENTQ_ALLOC(4) = 8",
        "VFIO_DEVICE_ATTACH_IOMMUFD_PT(5) = 5",
        // TLBI_NSNH_ALL of the guest's boot.
        invalidate,
        // SMMUEN: the stream table has nothing for the device yet.
        "VFIO_DEVICE_ATTACH_IOMMUFD_PT(6) = 6",
        // The device's own domain: a CD that becomes valid, and an STE.
        invalidate,
        invalidate,
        "IOMMU_HWPT_ALLOC(4) = 9",
        "VFIO_DEVICE_ATTACH_IOMMUFD_PT(9) = 9",
        // Another domain: the CD changes under the STE, and the old ASID goes.
        invalidate,
        invalidate,
        invalidate,
        invalidate,
    ];
    assert_eq!(calls, expected);
}

/// The window of interrupts is nobody's memory: the kernel keeps it in stage 2, and the guest maps it 1:1 in stage 1.
#[test]
fn the_window_of_interrupts_is_mapped_as_it_is() {
    let mut kernel = Kernel::boot(&machine(&[])).expect("the machine boots");
    let mut vm = Vm::boot(&mut kernel, &DEVICES[..1]);
    let domain = vm.attach_new(&mut kernel, STREAM);
    let (driver, mut doors) = vm.guest.driver_mut(&mut kernel, &mut vm.vmm);
    let found = [0x07ff_ffff, 0x0800_0000, 0x080f_ffff, 0x0810_0000]
        .map(|iova| driver.iova_to_phys(&mut doors, domain, iova));
    assert_eq!(found, [None, Some(0x0800_0000), Some(0x080f_ffff), None]);
}

/// Every hardware that has a name, under guests with each size of pages.
#[test]
fn guests_of_all_page_sizes_run_on_every_preset() {
    const GRANULE: u64 = 1 << 16;
    for preset in Preset::ALL {
        for page_shift in [12, 14, 16] {
            let mut kernel = Kernel::boot(&machine_of(preset.id_registers())).expect("the machine boots");
            let probed = Vmm::probe(&mut kernel, &VmmSetup::accelerated(&DEVICES[..1]));
            let probed = probed.expect("it can be probed");
            let offer = Offer::baseline(probed.hardware().expect("there is an SMMU"));
            let mut vmm = probed.start(&mut kernel, offer).expect("it can be started");
            let mut setup = GuestSetup::new(vec![GuestSetup::device(STREAM)]);
            setup.host.page_shift = page_shift;
            let guest = Guest::boot(&mut kernel, &mut vmm, &setup).expect("it boots");
            let mut vm = Vm { vmm, guest };
            let domain = vm.attach_new(&mut kernel, STREAM);
            let Vm { vmm, guest } = &mut vm;
            let memory = guest.take_pages(&mut kernel, vmm, GRANULE / PAGE).expect("there is memory");
            vmm.write_memory(&mut kernel, memory + 0xf000, b"far").expect("it is memory");
            guest.map(&mut kernel, vmm, domain, (0x8000_0000, memory), GRANULE).expect("it can be mapped");
            let case = format!("{} with pages of 2^{page_shift} bytes", preset.name());
            assert_eq!(vm.read(&mut kernel, STREAM, 0x8000_f000, 3), Some(b"far".to_vec()), "{case}");
            vm.guest.unmap(&mut kernel, &mut vm.vmm, domain, 0x8000_0000, GRANULE);
            assert_eq!(vm.read(&mut kernel, STREAM, 0x8000_f000, 3), None, "{case}");
            assert!(
                !vm.lines().iter().any(|line| line.contains("refused") || line.contains("fails")),
                "{case}"
            );
            vm.vmm.stop(&mut kernel);
            check_nothing_is_left(&kernel);
        }
    }
}
