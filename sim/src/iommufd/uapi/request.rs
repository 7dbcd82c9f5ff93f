//! The requests of `/dev/iommu`: number, name, structure, and how much of it a caller must give.

use super::{
    Field, Layout, iommu_destroy, iommu_fault_alloc, iommu_hw_info, iommu_hw_queue_alloc, iommu_hwpt_alloc,
    iommu_hwpt_get_dirty_bitmap, iommu_hwpt_invalidate, iommu_hwpt_set_dirty_tracking, iommu_ioas_alloc,
    iommu_ioas_allow_iovas, iommu_ioas_change_process, iommu_ioas_copy, iommu_ioas_iova_ranges,
    iommu_ioas_map, iommu_ioas_map_file, iommu_ioas_noiommu_get_pa, iommu_ioas_unmap, iommu_option,
    iommu_vdevice_alloc, iommu_veventq_alloc, iommu_vfio_ioas, iommu_viommu_alloc,
};

/// The type of the requests, `';'`, in bits [15:8]; direction and size bits are 0.
const IOMMUFD_TYPE: u32 = 0x3b << 8;

/// The number of the first request.
pub(crate) const NUMBER_BASE: u32 = 0x80;

/// A request: what is asked, and with which structure.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What is asked.
    pub op: Op,
    /// The whole request number.
    pub number: u32,
    /// The name in the header, without `IOMMU_`.
    pub name: &'static str,
    /// Bytes of the kernel's structure.
    pub bytes: usize,
    /// The least `size` that a caller may state.
    pub bytes_min: u32,
    /// The fields of the structure.
    pub fields: &'static [Field],
}

macro_rules! requests {
    ($($op:ident $name:literal $nr:literal $type:ident min $min:literal;)*) => {
        /// What can be asked of an iommufd.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Op {
            $(#[doc = concat!("`IOMMU_", $name, "`.")] $op,)*
        }

        impl Request {
            /// All requests, by number.
            pub const ALL: &'static [Self] = &[$(Self {
                op: Op::$op,
                number: IOMMUFD_TYPE | $nr,
                name: $name,
                bytes: size_of::<$type>(),
                bytes_min: $min,
                fields: $type::FIELDS,
            },)*];
        }
    };
}

requests! {
    Destroy "DESTROY" 0x80 iommu_destroy min 8;
    IoasAlloc "IOAS_ALLOC" 0x81 iommu_ioas_alloc min 12;
    IoasAllowIovas "IOAS_ALLOW_IOVAS" 0x82 iommu_ioas_allow_iovas min 24;
    IoasCopy "IOAS_COPY" 0x83 iommu_ioas_copy min 40;
    IoasIovaRanges "IOAS_IOVA_RANGES" 0x84 iommu_ioas_iova_ranges min 32;
    IoasMap "IOAS_MAP" 0x85 iommu_ioas_map min 40;
    IoasUnmap "IOAS_UNMAP" 0x86 iommu_ioas_unmap min 24;
    Option "OPTION" 0x87 iommu_option min 24;
    VfioIoas "VFIO_IOAS" 0x88 iommu_vfio_ioas min 12;
    HwptAlloc "HWPT_ALLOC" 0x89 iommu_hwpt_alloc min 24;
    GetHwInfo "GET_HW_INFO" 0x8a iommu_hw_info min 32;
    HwptSetDirtyTracking "HWPT_SET_DIRTY_TRACKING" 0x8b iommu_hwpt_set_dirty_tracking min 16;
    HwptGetDirtyBitmap "HWPT_GET_DIRTY_BITMAP" 0x8c iommu_hwpt_get_dirty_bitmap min 48;
    HwptInvalidate "HWPT_INVALIDATE" 0x8d iommu_hwpt_invalidate min 32;
    FaultQueueAlloc "FAULT_QUEUE_ALLOC" 0x8e iommu_fault_alloc min 16;
    IoasMapFile "IOAS_MAP_FILE" 0x8f iommu_ioas_map_file min 40;
    ViommuAlloc "VIOMMU_ALLOC" 0x90 iommu_viommu_alloc min 24;
    VdeviceAlloc "VDEVICE_ALLOC" 0x91 iommu_vdevice_alloc min 24;
    IoasChangeProcess "IOAS_CHANGE_PROCESS" 0x92 iommu_ioas_change_process min 8;
    VeventqAlloc "VEVENTQ_ALLOC" 0x93 iommu_veventq_alloc min 28;
    HwQueueAlloc "HW_QUEUE_ALLOC" 0x94 iommu_hw_queue_alloc min 40;
    IoasNoiommuGetPa "IOAS_NOIOMMU_GET_PA" 0x95 iommu_ioas_noiommu_get_pa min 40;
}

impl Request {
    /// The slot of the table that the low eight bits of `number` name.
    pub fn in_slot_of(number: u32) -> Option<&'static Self> {
        let index = (number & 0xff).checked_sub(NUMBER_BASE)?;
        Self::ALL.get(usize::try_from(index).ok()?)
    }

    /// The request with this number.
    pub fn by_number(number: u32) -> Option<&'static Self> {
        Self::in_slot_of(number).filter(|request| request.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the reference: number, `sizeof`, least size.
    #[test]
    fn numbers_and_sizes_are_those_of_the_header() {
        let expected = [
            (0x3b80, 8, 8),
            (0x3b81, 12, 12),
            (0x3b82, 24, 24),
            (0x3b83, 40, 40),
            (0x3b84, 32, 32),
            (0x3b85, 40, 40),
            (0x3b86, 24, 24),
            (0x3b87, 24, 24),
            (0x3b88, 12, 12),
            (0x3b89, 48, 24),
            (0x3b8a, 40, 32),
            (0x3b8b, 16, 16),
            (0x3b8c, 48, 48),
            (0x3b8d, 32, 32),
            (0x3b8e, 16, 16),
            (0x3b8f, 40, 40),
            (0x3b90, 40, 24),
            (0x3b91, 24, 24),
            (0x3b92, 8, 8),
            (0x3b93, 32, 28),
            (0x3b94, 40, 40),
            (0x3b95, 40, 40),
        ];
        let found: Vec<_> = Request::ALL.iter().map(|r| (r.number, r.bytes, r.bytes_min)).collect();
        assert_eq!(found, expected);
        let last = Request::ALL[20].number & 0xff;
        assert_eq!(last, iommufd_bindings::IOMMUFD_CMD_HW_QUEUE_ALLOC);
        for request in Request::ALL {
            let end = request.fields.last().map(|field| field.offset + field.bytes);
            assert_eq!(end, Some(request.bytes), "{}", request.name);
            assert_eq!(Request::by_number(request.number).map(|found| found.op), Some(request.op));
        }
    }
}
