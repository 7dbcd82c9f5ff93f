//! Checks that nothing can make fail here, and why.

use smmu_sim::iommufd::Check;

/// Neither a system call nor a driver in the kernel.
pub(crate) const UNREACHED: &[(Check, &str)] = &[
    (Check::ChangeLimit, "no process can give another one a descriptor"),
    (Check::UnmapLocked, "only an HW_QUEUE locks a mapping, and the driver has none"),
    (Check::SetDirtyDriver, "every mapping lies in the aperture of the domains"),
    (Check::AccessReadOnly, "COPY refuses to make such a mapping"),
    (Check::ReplaceUnattached, "an opened VFIO device replaces only what it has attached"),
    (Check::ReplaceOther, "an opened VFIO device replaces only what it has attached"),
    (Check::SplitHuge, "mappings are cut only while huge pages are off"),
];
