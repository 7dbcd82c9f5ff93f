//! The structures by name, and those that `iommufd-bindings` lacks or that it can give to `unsafe` code only.

use super::{Field, Layout, Value, layout};

pub use iommufd_bindings::{
    iommu_destroy, iommu_fault_alloc, iommu_hw_info_arm_smmuv3, iommu_hw_queue_alloc, iommu_hwpt_alloc,
    iommu_hwpt_arm_smmuv3, iommu_hwpt_get_dirty_bitmap, iommu_hwpt_invalidate, iommu_hwpt_page_response,
    iommu_hwpt_pgfault, iommu_hwpt_set_dirty_tracking, iommu_ioas_alloc, iommu_ioas_allow_iovas,
    iommu_ioas_change_process, iommu_ioas_copy, iommu_ioas_iova_ranges, iommu_ioas_map, iommu_ioas_map_file,
    iommu_ioas_unmap, iommu_iova_range, iommu_option, iommu_vdevice_alloc, iommu_veventq_alloc,
    iommu_vfio_ioas, iommu_viommu_alloc, iommufd_vevent_header,
};

/// Declares structures as the header has them, with their layout.
macro_rules! structures {
    ($($(#[$doc:meta])* $type:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
            pub struct $type { $($(#[$field_doc])* pub $field: $kind,)* }
        )*
        layout! { $($type { $($field: $kind),* })* }
    };
}

layout! {
    iommu_destroy { size: u32, id: u32 }
    iommu_ioas_alloc { size: u32, flags: u32, out_ioas_id: u32 }
    iommu_iova_range { start: u64, last: u64 }
    iommu_ioas_iova_ranges {
        size: u32, ioas_id: u32, num_iovas: u32, __reserved: u32, allowed_iovas: u64, out_iova_alignment: u64,
    }
    iommu_ioas_allow_iovas { size: u32, ioas_id: u32, num_iovas: u32, __reserved: u32, allowed_iovas: u64 }
    iommu_ioas_map {
        size: u32, flags: u32, ioas_id: u32, __reserved: u32, user_va: u64, length: u64, iova: u64,
    }
    iommu_ioas_map_file {
        size: u32, flags: u32, ioas_id: u32, fd: i32, start: u64, length: u64, iova: u64,
    }
    iommu_ioas_copy {
        size: u32, flags: u32, dst_ioas_id: u32, src_ioas_id: u32, length: u64, dst_iova: u64, src_iova: u64,
    }
    iommu_ioas_unmap { size: u32, ioas_id: u32, iova: u64, length: u64 }
    iommu_option { size: u32, option_id: u32, op: u16, __reserved: u16, object_id: u32, val64: u64 }
    iommu_vfio_ioas { size: u32, ioas_id: u32, op: u16, __reserved: u16 }
    iommu_hwpt_alloc {
        size: u32, flags: u32, dev_id: u32, pt_id: u32, out_hwpt_id: u32, __reserved: u32, data_type: u32,
        data_len: u32, data_uptr: u64, fault_id: u32, __reserved2: u32,
    }
    iommu_hwpt_arm_smmuv3 { ste: [u64; 2] }
    iommu_hw_info_arm_smmuv3 { flags: u32, __reserved: u32, idr: [u32; 6], iidr: u32, aidr: u32 }
    iommu_hwpt_set_dirty_tracking { size: u32, flags: u32, hwpt_id: u32, __reserved: u32 }
    iommu_hwpt_get_dirty_bitmap {
        size: u32, hwpt_id: u32, flags: u32, __reserved: u32, iova: u64, length: u64, page_size: u64, data: u64,
    }
    iommu_hwpt_invalidate {
        size: u32, hwpt_id: u32, data_uptr: u64, data_type: u32, entry_len: u32, entry_num: u32,
        __reserved: u32,
    }
    iommu_hwpt_pgfault {
        flags: u32, dev_id: u32, pasid: u32, grpid: u32, perm: u32, __reserved: u32, addr: u64, length: u32,
        cookie: u32,
    }
    iommu_hwpt_page_response { cookie: u32, code: u32 }
    iommu_fault_alloc { size: u32, flags: u32, out_fault_id: u32, out_fault_fd: u32 }
    iommu_viommu_alloc {
        size: u32, flags: u32, type_: u32, dev_id: u32, hwpt_id: u32, out_viommu_id: u32, data_len: u32,
        __reserved: u32, data_uptr: u64,
    }
    iommu_vdevice_alloc { size: u32, viommu_id: u32, dev_id: u32, out_vdevice_id: u32, virt_id: u64 }
    iommu_ioas_change_process { size: u32, __reserved: u32 }
    iommufd_vevent_header { flags: u32, sequence: u32 }
    iommu_veventq_alloc {
        size: u32, flags: u32, viommu_id: u32, type_: u32, veventq_depth: u32, out_veventq_id: u32,
        out_veventq_fd: u32, __reserved: u32,
    }
    iommu_hw_queue_alloc {
        size: u32, flags: u32, viommu_id: u32, type_: u32, index: u32, out_hw_queue_id: u32,
        nesting_parent_iova: u64, length: u64,
    }
}

structures! {
    /// GET_HW_INFO. The bindings have its type word as a `union`, which safe code cannot read.
    iommu_hw_info {
        /// Bytes of the structure.
        size: u32,
        /// Bit 0: `data_type` asks for a type.
        flags: u32,
        /// The device.
        dev_id: u32,
        /// In: bytes at `data_uptr`; out: bytes that the kernel has.
        data_len: u32,
        /// Where the driver's structure goes.
        data_uptr: u64,
        /// In: the type that is asked for; out: the type of the data.
        data_type: u32,
        /// Out: log2 of the PASIDs.
        out_max_pasid_log2: u8,
        /// Must be 0.
        __reserved: [u8; 3],
        /// Out: `enum iommufd_hw_capabilities`.
        out_capabilities: u64,
    }
    /// IOAS_NOIOMMU_GET_PA, which the bindings do not have yet.
    iommu_ioas_noiommu_get_pa {
        /// Bytes of the structure.
        size: u32,
        /// Must be 0.
        flags: u32,
        /// The IOAS.
        ioas_id: u32,
        /// Must be 0.
        __reserved: u32,
        /// The address.
        iova: u64,
        /// In: bytes asked for; out: bytes that are contiguous.
        length: u64,
        /// Out: the physical address.
        out_phys: u64,
    }
    /// VFIO_DEVICE_BIND_IOMMUFD.
    vfio_device_bind_iommufd {
        /// Bytes of the structure.
        argsz: u32,
        /// Bit 0: a token is given.
        flags: u32,
        /// The iommufd.
        iommufd: i32,
        /// Out: the id of the DEVICE object.
        out_devid: u32,
        /// Where the token lies.
        token_uuid_ptr: u64,
    }
    /// VFIO_DEVICE_ATTACH_IOMMUFD_PT.
    vfio_device_attach_iommufd_pt {
        /// Bytes of the structure.
        argsz: u32,
        /// Bit 0: `pasid` counts.
        flags: u32,
        /// In: IOAS or HWPT; out: the HWPT.
        pt_id: u32,
        /// The PASID.
        pasid: u32,
    }
    /// VFIO_DEVICE_DETACH_IOMMUFD_PT.
    vfio_device_detach_iommufd_pt {
        /// Bytes of the structure.
        argsz: u32,
        /// Bit 0: `pasid` counts.
        flags: u32,
        /// The PASID.
        pasid: u32,
    }
    /// VFIO_IOMMU_GET_INFO of type 1, without the capability chain.
    vfio_iommu_type1_info {
        /// Bytes of the structure, and of the chain behind it.
        argsz: u32,
        /// Bit 0: `iova_pgsizes` is valid; bit 1: `cap_offset` is.
        flags: u32,
        /// Bit n: pages of 2^n bytes.
        iova_pgsizes: u64,
        /// Where the first capability starts.
        cap_offset: u32,
        /// Fills up.
        pad: u32,
    }
    /// VFIO_IOMMU_MAP_DMA of type 1.
    vfio_iommu_type1_dma_map {
        /// Bytes of the structure.
        argsz: u32,
        /// Bit 0 reads, bit 1 writes.
        flags: u32,
        /// User address.
        vaddr: u64,
        /// Device address.
        iova: u64,
        /// Bytes.
        size: u64,
    }
    /// VFIO_IOMMU_UNMAP_DMA of type 1, without a bitmap.
    vfio_iommu_type1_dma_unmap {
        /// Bytes of the structure.
        argsz: u32,
        /// Bit 1: everything.
        flags: u32,
        /// Device address.
        iova: u64,
        /// Bytes; out: bytes that were unmapped.
        size: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of the header, and fields without a gap in between: the interface has none.
    #[test]
    fn structures_have_the_size_of_the_header() {
        fn check<T: Layout>(bytes: usize) {
            let mut end = 0;
            for field in T::FIELDS {
                assert_eq!(field.offset, end, "{}.{}", T::NAME, field.name);
                end += field.bytes;
            }
            assert_eq!((end, size_of::<T>()), (bytes, bytes), "{}", T::NAME);
        }
        check::<iommu_iova_range>(16);
        check::<iommu_hwpt_arm_smmuv3>(16);
        check::<iommu_hw_info_arm_smmuv3>(40);
        check::<iommu_hwpt_pgfault>(40);
        check::<iommu_hwpt_page_response>(8);
        check::<iommufd_vevent_header>(8);
        check::<iommu_hw_info>(40);
        check::<iommu_ioas_noiommu_get_pa>(40);
        check::<vfio_device_bind_iommufd>(24);
        check::<vfio_device_attach_iommufd_pt>(16);
        check::<vfio_device_detach_iommufd_pt>(12);
        check::<vfio_iommu_type1_info>(24);
        check::<vfio_iommu_type1_dma_map>(32);
        check::<vfio_iommu_type1_dma_unmap>(24);
        assert_eq!(size_of::<iommu_hw_info>(), size_of::<iommufd_bindings::iommu_hw_info>());
    }

    #[test]
    fn bytes_become_fields_and_back() {
        let bytes: Vec<u8> = (1..=40).collect();
        let map = iommu_ioas_map::decode(&bytes);
        assert_eq!((map.size, map.flags, map.ioas_id), (0x0403_0201, 0x0807_0605, 0x0c0b_0a09));
        assert_eq!((map.user_va, map.iova), (0x1817_1615_1413_1211, 0x2827_2625_2423_2221));
        assert_eq!(map.encode(), bytes);
        let short = iommu_ioas_map::decode(&bytes[..18]);
        assert_eq!((short.user_va, short.length, short.iova), (0x1211, 0, 0));
    }
}
