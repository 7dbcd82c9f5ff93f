//! The list itself.

use super::checks;
use crate::errno::Errno;

checks! {
    // System calls and dispatch.
    BadDescriptor "FD-1" EBADF "The descriptor is not open.";
    NotForThisFile "FD-2" ENOTTY "The file has no such ioctl.";
    NotForThisRead "FD-3" EINVAL "The file cannot be read or written.";
    UnknownRequest "DISPATCH-1" ENOTTY "No ioctl has this number.";
    SizeUnreadable "DISPATCH-2" EFAULT "The size of the structure cannot be read.";
    OtherRequest "DISPATCH-3" ENOTTY "The number is in the table, the type or direction is another.";
    SizeTooSmall "DISPATCH-4" EINVAL "The size is less than the operation needs.";
    TailNotZero "DISPATCH-5" E2BIG "A byte beyond the kernel's structure is not 0.";
    TailUnreadable "DISPATCH-5b" EFAULT "A byte beyond the kernel's structure cannot be read.";
    StructUnreadable "DISPATCH-7" EFAULT "The structure cannot be read.";
    ReplyUnwritable "DISPATCH-8" EFAULT "The reply cannot be written.";
    DescriptorsExhausted "FD-4" EMFILE "The process has no free descriptor.";

    // DESTROY.
    DestroyAbsent "DESTROY-1" ENOENT "No object has this id.";
    DestroyInUse "DESTROY-2" EBUSY "Something uses the object.";

    // IOAS_ALLOC.
    IoasAllocFlags "IOAS_ALLOC-1" EOPNOTSUPP "A flag is set.";

    // IOAS_IOVA_RANGES.
    IovaRangesReserved "IOAS_IOVA_RANGES-1" EOPNOTSUPP "A reserved field is not 0.";
    IovaRangesAbsent "IOAS_IOVA_RANGES-2" ENOENT "No IOAS has this id.";
    IovaRangesUnwritable "IOAS_IOVA_RANGES-3" EFAULT "The array cannot be written.";
    IovaRangesTooMany "IOAS_IOVA_RANGES-5" EMSGSIZE "There are more ranges than the array has room for.";

    // IOAS_ALLOW_IOVAS.
    AllowReserved "IOAS_ALLOW_IOVAS-1" EOPNOTSUPP "A reserved field is not 0.";
    AllowAbsent "IOAS_ALLOW_IOVAS-2" ENOENT "No IOAS has this id.";
    AllowUnreadable "IOAS_ALLOW_IOVAS-3" EFAULT "An entry cannot be read.";
    AllowInverted "IOAS_ALLOW_IOVAS-3b" EINVAL "The start of an entry is not below its last.";
    AllowOverlap "IOAS_ALLOW_IOVAS-3c" EINVAL "An entry overlaps an earlier one.";
    AllowUnusable "IOAS_ALLOW_IOVAS-4" EADDRINUSE "An entry intersects a reserved range.";

    // IOAS_MAP, and what IOAS_MAP_FILE and IOAS_COPY share with it.
    MapFlags "IOAS_MAP-1" EOPNOTSUPP "An unknown flag, or a reserved field that is not 0.";
    MapTooLarge "IOAS_MAP-2" EOVERFLOW "IOVA or length is 2^64 - 1.";
    MapNoAccess "IOAS_MAP-3" EINVAL "Neither READABLE nor WRITEABLE.";
    MapAbsent "IOAS_MAP-4" ENOENT "No IOAS has this id.";
    MapSourceWraps "IOAS_MAP-5" EOVERFLOW "The user address plus the length wraps.";
    MapLength "IOAS_MAP-6" EINVAL "The length is 0, or larger than memory can be.";
    MapLengthAlignment "IOAS_MAP-7" EINVAL "The length is no multiple of the IOAS alignment.";
    MapAutoTooLarge "IOAS_MAP-8a" EOVERFLOW "No address can be chosen for so much.";
    MapAutoAlignment "IOAS_MAP-8b" EINVAL "The source is less aligned than the IOAS demands.";
    MapAutoFull "IOAS_MAP-8c" ENOSPC "No hole is large enough.";
    MapIovaAlignment "IOAS_MAP-9a" EINVAL "The IOVA is no multiple of the IOAS alignment.";
    MapIovaWraps "IOAS_MAP-9b" EOVERFLOW "The IOVA plus the length wraps.";
    MapIovaReserved "IOAS_MAP-9c" EINVAL "The range intersects a reserved one.";
    MapIovaTaken "IOAS_MAP-9d" EEXIST "The range intersects a mapping.";
    MapOffsetAlignment "IOAS_MAP-10" EINVAL "The offset in the page is no multiple of the IOAS alignment.";
    PinFault "IOAS_MAP-11" EFAULT "A page of the source is not there, or not writable.";
    PinNotMappable "IOAS_MAP_FILE-11" EINVAL "The file is no memory file, or ends before.";
    PinLimit "IOAS_MAP-12" ENOMEM "RLIMIT_MEMLOCK does not permit so many pinned pages.";
    DriverMap "IOAS_MAP-13" ENOMEM "The driver cannot map.";

    // IOAS_MAP_FILE.
    MapFileFlags "IOAS_MAP_FILE-1" EOPNOTSUPP "An unknown flag.";
    MapFileLength "IOAS_MAP_FILE-5" EINVAL "The length is 0.";
    MapFileWraps "IOAS_MAP_FILE-6" EOVERFLOW "The start plus the length wraps.";
    MapFileDescriptor "IOAS_MAP_FILE-7" EBADF "The file's descriptor is not open.";

    // IOAS_COPY.
    CopyFlags "IOAS_COPY-1" EOPNOTSUPP "An unknown flag.";
    CopyTooLarge "IOAS_COPY-2" EOVERFLOW "An IOVA or the length is 2^64 - 1.";
    CopyNoAccess "IOAS_COPY-3" EINVAL "Neither READABLE nor WRITEABLE.";
    CopySourceAbsent "IOAS_COPY-4" ENOENT "No IOAS has the source's id.";
    CopyLength "IOAS_COPY-5" EINVAL "The length is 0.";
    CopySourceWraps "IOAS_COPY-6" EOVERFLOW "The source plus the length wraps.";
    CopySourceHole "IOAS_COPY-7" ENOENT "The source is not mapped all through.";
    CopyDestinationAbsent "IOAS_COPY-8" ENOENT "No IOAS has the destination's id.";
    CopyReadOnly "IOAS_COPY-10" EPERM "WRITEABLE, of pages that were not mapped so.";

    // IOAS_UNMAP.
    UnmapAbsent "IOAS_UNMAP-1" ENOENT "No IOAS has this id.";
    UnmapTooLarge "IOAS_UNMAP-3" EOVERFLOW "IOVA or length is 2^64 - 1.";
    UnmapLength "IOAS_UNMAP-4" EINVAL "The length is 0.";
    UnmapWraps "IOAS_UNMAP-5" EOVERFLOW "The IOVA plus the length wraps.";
    UnmapLocked "IOAS_UNMAP-6" EBUSY "An object of hardware uses the mapping.";
    UnmapPartial "IOAS_UNMAP-6b" ENOENT "A mapping lies partly outside of the range.";
    UnmapPinned "IOAS_UNMAP-6c" EDEADLK "An access does not unpin.";
    UnmapNothing "IOAS_UNMAP-7" ENOENT "Nothing is mapped there.";

    // IOAS_CHANGE_PROCESS.
    ChangeReserved "IOAS_CHANGE_PROCESS-1" EOPNOTSUPP "A reserved field is not 0.";
    ChangeNotFile "IOAS_CHANGE_PROCESS-3" EINVAL "A mapping is not of a file.";
    ChangeLimit "IOAS_CHANGE_PROCESS-4" ENOMEM "The caller's RLIMIT_MEMLOCK does not permit it.";

    // OPTION.
    OptionReserved "OPTION-1" EOPNOTSUPP "A reserved field is not 0.";
    OptionUnknown "OPTION-2" EOPNOTSUPP "No option has this number.";
    RlimitObject "OPTION-0a" EOPNOTSUPP "RLIMIT_MODE is of the whole context, not of an object.";
    RlimitRight "OPTION-0b" EPERM "Only CAP_SYS_RESOURCE can set RLIMIT_MODE.";
    RlimitObjects "OPTION-0c" EBUSY "RLIMIT_MODE cannot change once objects exist.";
    RlimitValue "OPTION-0d" EINVAL "RLIMIT_MODE is 0 or 1.";
    RlimitOperation "OPTION-0e" EOPNOTSUPP "No such operation.";
    HugeAbsent "OPTION-1a" ENOENT "No IOAS has this id.";
    HugeMapped "OPTION-1b" EINVAL "A domain has pages already.";
    HugeAlignment "OPTION-1c" EADDRINUSE "A mapping is not aligned to pages.";
    HugeValue "OPTION-1d" EINVAL "HUGE_PAGES is 0 or 1.";
    HugeOperation "OPTION-1e" EOPNOTSUPP "No such operation.";

    // VFIO_IOAS.
    VfioIoasReserved "VFIO_IOAS-1" EOPNOTSUPP "A reserved field is not 0.";
    VfioIoasUnset "VFIO_IOAS-2" ENODEV "No compatibility IOAS is set.";
    VfioIoasAbsent "VFIO_IOAS-3" ENOENT "No IOAS has this id.";
    VfioIoasOperation "VFIO_IOAS-4" EOPNOTSUPP "No such operation.";

    // HWPT_ALLOC.
    HwptReserved "HWPT_ALLOC-1" EOPNOTSUPP "A reserved field is not 0.";
    HwptData "HWPT_ALLOC-2" EINVAL "Data without a type, or a type without data.";
    HwptDevice "HWPT_ALLOC-3" ENOENT "No device has this id.";
    HwptParentAbsent "HWPT_ALLOC-4" EINVAL "No object has the parent's id.";
    HwptParentType "HWPT_ALLOC-5" EINVAL "The parent is of a type that nothing can be allocated on.";
    PagingFlags "HWPT_ALLOC-5a" EOPNOTSUPP "An unknown flag.";
    PagingDirty "HWPT_ALLOC-5b" EOPNOTSUPP "The device's IOMMU cannot track dirty pages.";
    PagingFault "HWPT_ALLOC-5c" EOPNOTSUPP "A nest parent cannot have a fault queue.";
    PagingDriver "HWPT_ALLOC-5d" EOPNOTSUPP "The driver cannot allocate the domain.";
    PagingData "HWPT_ALLOC-5e" EOPNOTSUPP "The driver takes no data for a paging domain.";
    NestedDirect "HWPT_ALLOC-5f" EOPNOTSUPP "The driver nests through a virtual IOMMU only.";
    NestedInstance "HWPT_ALLOC-5g" EINVAL "The device is behind another IOMMU than the virtual one.";
    NestedFlags "HWPT_ALLOC-5h" EOPNOTSUPP "A flag that a nested domain cannot have.";
    NestedNoData "HWPT_ALLOC-5i" EOPNOTSUPP "A nested domain needs data.";
    NestedDriverFlags "HWPT_ALLOC-5j" EOPNOTSUPP "A flag that the driver does not offer.";
    NestedDataType "HWPT_ALLOC-5k" EINVAL "The data is of another driver.";
    NestedDataLength "HWPT_ALLOC-5l" EINVAL "The data has another length than the driver's structure.";
    NestedDataUnreadable "HWPT_ALLOC-5m" EFAULT "The data cannot be read.";
    NestedDriver "HWPT_ALLOC-5n" EIO "The driver refuses the guest's STE.";
    HwptFault "HWPT_ALLOC-6" ENOENT "No fault queue has this id.";
    DomainPageSize "IOVA-4a" EINVAL "The smallest page of the domain is larger than the host's.";
    DomainAlignment "IOVA-4b" EADDRINUSE "A mapping is less aligned than the domain demands.";
    DomainAperture "IOVA-4c" EADDRINUSE "A mapping or allowed range lies where the domain has no addresses.";

    // GET_HW_INFO.
    HwInfoFlags "GET_HW_INFO-1" EOPNOTSUPP "An unknown flag.";
    HwInfoReserved "GET_HW_INFO-2" EOPNOTSUPP "A reserved field is not 0.";
    HwInfoDevice "GET_HW_INFO-4" ENOENT "No device has this id.";
    HwInfoType "GET_HW_INFO-6" EOPNOTSUPP "The driver has no data of this type.";
    HwInfoUnwritable "GET_HW_INFO-7" EFAULT "The data cannot be written.";

    // HWPT_SET_DIRTY_TRACKING and HWPT_GET_DIRTY_BITMAP.
    SetDirtyFlags "HWPT_SET_DIRTY_TRACKING-1" EOPNOTSUPP "An unknown flag.";
    SetDirtyAbsent "HWPT_SET_DIRTY_TRACKING-2" ENOENT "No paging HWPT has this id.";
    SetDirtyUnable "HWPT_SET_DIRTY_TRACKING-3" EOPNOTSUPP "The domain cannot track dirty pages.";
    SetDirtyDriver "HWPT_SET_DIRTY_TRACKING-4" EINVAL "The driver cannot read the dirty state.";
    BitmapFlags "HWPT_GET_DIRTY_BITMAP-1" EOPNOTSUPP "An unknown flag, or a reserved field that is not 0.";
    BitmapAbsent "HWPT_GET_DIRTY_BITMAP-2" ENOENT "No paging HWPT has this id.";
    BitmapLength "HWPT_GET_DIRTY_BITMAP-3" EINVAL "The length is 0.";
    BitmapWraps "HWPT_GET_DIRTY_BITMAP-4" EOVERFLOW "The IOVA plus the length wraps.";
    BitmapAlignment "HWPT_GET_DIRTY_BITMAP-5" EINVAL "The range is less aligned than the IOAS demands.";
    BitmapNoPage "HWPT_GET_DIRTY_BITMAP-6" EINVAL "The page size is 0.";
    BitmapPageAlignment "HWPT_GET_DIRTY_BITMAP-7" EINVAL "The range is no multiple of the page size.";
    BitmapUnable "HWPT_GET_DIRTY_BITMAP-8" EOPNOTSUPP "The domain cannot track dirty pages.";

    // HWPT_INVALIDATE.
    InvalidateReserved "HWPT_INVALIDATE-1" EOPNOTSUPP "A reserved field is not 0.";
    InvalidateArray "HWPT_INVALIDATE-2" EINVAL "The array is not there, or its shape is impossible.";
    InvalidateAbsent "HWPT_INVALIDATE-3" ENOENT "No object has this id.";
    InvalidateUnable "HWPT_INVALIDATE-4" EOPNOTSUPP "The driver invalidates through a virtual IOMMU only.";
    InvalidateType "HWPT_INVALIDATE-4b" EINVAL "The object has nothing to invalidate.";
    InvalidateMemory "HWPT_INVALIDATE-5a" ENOMEM "The array is too large for the driver.";
    InvalidateDataType "HWPT_INVALIDATE-5b" EINVAL "The data is of another driver.";
    InvalidateEmpty "HWPT_INVALIDATE-5c" EINVAL "The array is empty.";
    InvalidateTail "HWPT_INVALIDATE-5d" E2BIG "A byte beyond the driver's structure is not 0.";
    InvalidateUnreadable "HWPT_INVALIDATE-5e" EFAULT "An entry cannot be read.";
    InvalidateCommand "HWPT_INVALIDATE-5f" EIO "The driver refuses a command.";

    // FAULT_QUEUE_ALLOC.
    FaultFlags "FAULT_QUEUE_ALLOC-1" EOPNOTSUPP "A flag is set.";

    // VIOMMU_ALLOC.
    ViommuFlags "VIOMMU_ALLOC-1" EOPNOTSUPP "A flag is set, or no type is given.";
    ViommuDevice "VIOMMU_ALLOC-2" ENOENT "No device has this id.";
    ViommuUnable "VIOMMU_ALLOC-3" EOPNOTSUPP "The driver offers no such virtual IOMMU for the device.";
    ViommuParentAbsent "VIOMMU_ALLOC-4" ENOENT "No paging HWPT has this id.";
    ViommuParent "VIOMMU_ALLOC-5" EINVAL "The HWPT is no nest parent.";
    ViommuNoHttu "VIOMMU_ALLOC-a" EOPNOTSUPP "Hypothetical: firmware or the SMMU lets nobody update tables.";
    ViommuNoBroadcasts "VIOMMU_ALLOC-b" EOPNOTSUPP "Hypothetical: the SMMU takes no part in broadcasts.";
    ViommuKvm "VIOMMU_ALLOC-c" EINVAL "Hypothetical: the data names no virtual machine.";
    ViommuJoin "VIOMMU_ALLOC-d" EBUSY "Hypothetical: the parent cannot get the VMID of KVM.";
    ViommuDriver "VIOMMU_ALLOC-7" EINVAL "The parent is of another IOMMU than the device.";

    // VDEVICE_ALLOC.
    VdeviceViommu "VDEVICE_ALLOC-2" ENOENT "No virtual IOMMU has this id.";
    VdeviceDevice "VDEVICE_ALLOC-3" ENOENT "No device has this id.";
    VdeviceInstance "VDEVICE_ALLOC-4" EINVAL "The device is behind another IOMMU than the virtual one.";
    VdeviceTwice "VDEVICE_ALLOC-6" EEXIST "The device has a vDEVICE already.";
    VdeviceTaken "VDEVICE_ALLOC-8" EEXIST "Another vDEVICE of the virtual IOMMU has this virtual id.";
    VdeviceDriver "VDEVICE_ALLOC-9" EOPNOTSUPP "The driver cannot use the device so.";

    // VEVENTQ_ALLOC and its descriptor.
    VeventqFlags "VEVENTQ_ALLOC-1" EOPNOTSUPP "A flag is set, a reserved field is not 0, or no type is given.";
    VeventqDepth "VEVENTQ_ALLOC-2" EINVAL "The depth is 0 or above 2^19.";
    VeventqViommu "VEVENTQ_ALLOC-3" ENOENT "No virtual IOMMU has this id.";
    VeventqTwice "VEVENTQ_ALLOC-4" EEXIST "The virtual IOMMU has a queue of this type.";
    VeventPosition "VEVENTQ-1" ESPIPE "The queue is read at a position.";
    VeventCount "VEVENTQ-2" EINVAL "Fewer bytes are asked for than a header has.";
    VeventRoom "VEVENTQ-3" EINVAL "The first event does not fit.";
    VeventUnwritable "VEVENTQ-4" EFAULT "The event cannot be written.";

    // The descriptor of a fault queue.
    FaultReadSize "FAULT-1" ESPIPE "The queue is read at a position, or not in whole records.";
    FaultRoom "FAULT-2" EINVAL "The first group does not fit.";
    FaultUnwritable "FAULT-3" EFAULT "The record cannot be written.";
    ResponseSize "FAULT-4" ESPIPE "The responses are not whole.";
    ResponseCode "FAULT-5" EINVAL "No response has this code.";
    ResponseCookie "FAULT-6" EINVAL "No group awaits a response with this cookie.";
    ResponseUnreadable "FAULT-7" EFAULT "The response cannot be read.";

    // HW_QUEUE_ALLOC.
    HwQueueFlags "HW_QUEUE_ALLOC-1" EOPNOTSUPP "A flag is set, or no type is given.";
    HwQueueLength "HW_QUEUE_ALLOC-2" EINVAL "The length is 0.";
    HwQueueWraps "HW_QUEUE_ALLOC-3" EOVERFLOW "The IOVA plus the length wraps.";
    HwQueueViommu "HW_QUEUE_ALLOC-4" ENOENT "No virtual IOMMU has this id.";
    HwQueueUnable "HW_QUEUE_ALLOC-5" EOPNOTSUPP "The driver has no such queues.";

    // IOAS_NOIOMMU_GET_PA.
    NoiommuUnable "IOAS_NOIOMMU_GET_PA-1" EOPNOTSUPP "The kernel is built without it.";

    // mmap of an iommufd.
    MmapLength "MMAP-1" EINVAL "The length is no multiple of the page size.";
    MmapPrivate "MMAP-2" EINVAL "The mapping is not shared.";
    MmapExec "MMAP-3" EPERM "The mapping is executable.";
    MmapOffset "MMAP-4" ENXIO "Nothing can be mapped at this offset.";

    // Accesses of drivers in the kernel.
    AccessTwice "ACCESS-1" EINVAL "The access is attached already.";
    AccessDetached "ACCESS-2" ENOENT "The access is not attached.";
    AccessIoas "ACCESS-3" ENOENT "No IOAS has this id.";
    AccessAlignment "ACCESS-4" EADDRINUSE "A mapping is less aligned than the access demands.";
    AccessLength "ACCESS-5" EINVAL "The length is 0.";
    AccessWraps "ACCESS-6" EOVERFLOW "The IOVA plus the length wraps.";
    AccessHole "ACCESS-7" ENOENT "The range is not mapped all through.";
    AccessGoing "ACCESS-8" EINVAL "A mapping is being unmapped, or is not aligned to pages.";
    AccessProtection "ACCESS-9" EPERM "A mapping does not permit the access.";
    AccessReadOnly "ACCESS-10" EPERM "The pages are not writable.";
    AccessFault "ACCESS-11" EFAULT "The memory behind a mapping is bad.";

    // Attach, replace and bind.
    AttachAbsent "ATTACH-1" ENOENT "No object has this id.";
    AttachType "ATTACH-2" EINVAL "Nothing can be attached to an object of this type.";
    AttachTwice "ATTACH-3" EBUSY "The device is attached at this PASID.";
    AttachOther "ATTACH-4" EINVAL "The group is attached to something else.";
    AttachReserved "ATTACH-5" EADDRINUSE "A reserved region of a device intersects a mapping or allowed range.";
    AttachRegions "ATTACH-5b" EINVAL "The reserved regions of a device contradict each other.";
    AttachVirtualFunction "ATTACH-6" EINVAL "A virtual function with PRI cannot use a fault queue.";
    AttachPasid "ATTACH-7" EINVAL "The HWPTs of the device and of its PASIDs must all be for PASIDs.";
    AttachCore "ATTACH-8" EINVAL "The core or the driver cannot attach the device.";
    ReplaceUnattached "REPLACE-1" EINVAL "Nothing is attached at this PASID.";
    ReplaceOther "REPLACE-2" EINVAL "The device itself is not attached at this PASID.";
    BindIncoherent "BIND-1" EINVAL "The IOMMU does not keep DMA coherent.";
    BindMsi "BIND-3" EPERM "Interrupts of the device are not isolated.";
    BindGroup "BIND-4" EPERM "Somebody else has the group, or uses it.";
    BindDirect "BIND-6" EINVAL "The device has a region that must stay mapped.";

    // VFIO type 1 on an iommufd.
    CompatUnset "VFIO-1" ENODEV "No compatibility IOAS is set.";
    CompatUnreadable "VFIO-2" EFAULT "The structure cannot be read.";
    CompatUnwritable "VFIO-3" EFAULT "The reply cannot be written.";
    CompatType "VFIO-SET_IOMMU-1" EINVAL "Only types 1 and 3 are emulated.";
    CompatInfoSize "VFIO-GET_INFO-1" EINVAL "The structure is too small.";
    CompatMap "VFIO-MAP_DMA-1" EINVAL "The structure is too small, or has an unknown flag.";
    CompatUnmap "VFIO-UNMAP_DMA-1" EINVAL "The structure is too small, or has an unknown flag.";
    CompatUnmapAll "VFIO-UNMAP_DMA-2" EINVAL "Everything, and yet a range.";
    SplitGoing "VFIO-UNMAP_DMA-3a" EBUSY "A mapping is being unmapped.";
    SplitAlignment "VFIO-UNMAP_DMA-3" EINVAL "A mapping cannot be cut there.";
    SplitPinned "VFIO-UNMAP_DMA-4" EINVAL "A mapping that an access has pinned cannot be cut.";
    SplitHuge "VFIO-UNMAP_DMA-5" EINVAL "A mapping in a domain with huge pages cannot be cut.";
    CompatDirty "VFIO-DIRTY_PAGES-1" ENOTTY "Dirty pages are not emulated.";

    // The VFIO device.
    VfioUnbound "VFIO_DEVICE-1" EINVAL "The device is not bound yet.";
    VfioUnknown "VFIO_DEVICE-2" ENOTTY "No ioctl of the device has this number.";
    VfioBindUnreadable "VFIO_BIND-1" EFAULT "The structure cannot be read.";
    VfioBindSize "VFIO_BIND-2" EINVAL "The structure is too small.";
    VfioBindTail "VFIO_BIND-3" E2BIG "A byte beyond the kernel's structure is not 0.";
    VfioBindFlags "VFIO_BIND-4" EINVAL "An unknown flag, or a negative descriptor.";
    VfioBindTwice "VFIO_BIND-5" EINVAL "This opening of the device is bound.";
    VfioBindTokenUnreadable "VFIO_BIND-6" EFAULT "The token cannot be read.";
    VfioBindToken "VFIO_BIND-6b" EINVAL "The device has no token.";
    VfioBindDescriptor "VFIO_BIND-7" EBADF "The iommufd's descriptor is not open.";
    VfioBindFile "VFIO_BIND-8" EBADFD "The descriptor is no iommufd.";
    VfioBindOpen "VFIO_BIND-9" EINVAL "Another opening of the device is bound.";
    VfioBindUnwritable "VFIO_BIND-10" EFAULT "The reply cannot be written.";
    VfioAttachUnreadable "VFIO_ATTACH-1" EFAULT "The structure cannot be read.";
    VfioAttachSize "VFIO_ATTACH-2" EINVAL "The structure is too small.";
    VfioAttachFlags "VFIO_ATTACH-3" EINVAL "An unknown flag.";
    VfioAttachPasidSize "VFIO_ATTACH-5" EINVAL "The structure is too small for a PASID.";
    VfioAttachPasidRange "VFIO_ATTACH-6" ENOSPC "The PASID is not below 2^31.";
    VfioAttachUnwritable "VFIO_ATTACH-7" EFAULT "The reply cannot be written.";
    VfioDetachUnreadable "VFIO_DETACH-1" EFAULT "The structure cannot be read.";
    VfioDetachSize "VFIO_DETACH-2" EINVAL "The structure is too small.";
    VfioDetachFlags "VFIO_DETACH-3" EINVAL "An unknown flag.";
    VfioDetachPasidSize "VFIO_DETACH-5" EINVAL "The structure is too small for a PASID.";
}
