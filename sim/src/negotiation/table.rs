//! The table: every field of IDR0 to IDR5, each in one capability.

use super::capability::{Answer, Capability, Documented};

const HW_INFO: &str = "Linux 7.3, include/uapi/linux/iommufd.h, struct iommu_hw_info_arm_smmuv3";
const NESTING: &str = "Linux 7.3, arm-smmu-v3-iommufd.c";
const DRIVER: &str = "Linux 7.3, arm-smmu-v3.c";
const IORT: &str = "Arm DEN 0049, IORT, SMMUv3 node, Flags";
const IORT_ROOT: &str = "Arm DEN 0049, IORT, root complex node, ATS attribute";

const fn no(why: &'static str) -> Answer {
    Answer { is_yes: false, why }
}

const fn yes(why: &'static str) -> Answer {
    Answer { is_yes: true, why }
}

/// The guest never meets the SMMU here: the VMM emulates the part of the interface that the field tells of.
pub(super) const EMULATED: Answer = no("The VMM emulates this part, and nothing of it reaches the SMMU.");
const CD_ONLY: Answer = no(
    "It acts through the guest's CDs and translation tables, which the SMMU reads and the kernel does not.",
);
const NO_FIRMWARE: Answer = no("No firmware table says anything about it.");
const NO_ENABLE: Answer = no("Nothing has to be set up for the virtual machine.");

const fn emulated(
    name: &'static str,
    fields: &'static [&'static str],
    documented: Documented,
    advice: &'static str,
    sources: &'static [&'static str],
) -> Capability {
    direct(name, fields, documented, EMULATED, advice, sources)
}

const fn direct(
    name: &'static str,
    fields: &'static [&'static str],
    documented: Documented,
    software: Answer,
    advice: &'static str,
    sources: &'static [&'static str],
) -> Capability {
    Capability {
        name,
        fields,
        documented,
        software,
        firmware: NO_FIRMWARE,
        enable: NO_ENABLE,
        advice,
        sources,
    }
}

/// All capabilities: first those that the kernel documents, then those that the argument is about, then the rest.
pub const CAPABILITIES: &[Capability] = &[
    emulated(
        "ST_LEVEL",
        &["IDR0.ST_LEVEL"],
        Documented::Since6_13,
        "The VMM walks the guest's stream table itself. A VMM may offer two levels on an SMMU that has one.",
        &[HW_INFO, "IHI 0070 §6.3.1"],
    ),
    direct(
        "TERM_MODEL",
        &["IDR0.TERM_MODEL"],
        Documented::Since6_13,
        CD_ONLY,
        "CD.A of the guest is judged by the SMMU: with TERM_MODEL = 1, CD.A = 0 is C_BAD_CD.",
        &[HW_INFO, "IHI 0070 §5.5"],
    ),
    Capability {
        name: "STALL",
        fields: &["IDR0.STALL_MODEL"],
        documented: Documented::Since6_13,
        software: no(
            "The kernel ends stalls of nested domains already: through a fault queue, or at once with an abort.",
        ),
        firmware: no("It says which devices can stall (dma-can-stall), not what the SMMU does."),
        enable: NO_ENABLE,
        advice: "CD.S of the guest is judged by the SMMU. S1STALLD is the guest's even for a device that cannot stall.",
        sources: &[HW_INFO, NESTING, "IHI 0070 §5.5"],
    },
    direct(
        "TTENDIAN",
        &["IDR0.TTENDIAN"],
        Documented::Since6_13,
        CD_ONLY,
        "The SMMU reads the guest's tables in the byte order of CD.ENDI.",
        &[HW_INFO, "IHI 0070 §6.3.1"],
    ),
    direct(
        "CD2L",
        &["IDR0.CD2L"],
        Documented::Since6_13,
        no("S1Fmt of the guest's STE is passed on as it is."),
        "A guest that is shown CD2L on an SMMU without it gets C_BAD_STE for its first two-level CD table (S1Fmt not 0).",
        &[HW_INFO, NESTING, "IHI 0070 §5.2"],
    ),
    direct(
        "ASID16",
        &["IDR0.ASID16"],
        Documented::Since6_13,
        no("The kernel refuses commands with more ASID bits than the SMMU has: EIO."),
        "A guest that is shown 16 bits on an SMMU with 8 gets C_BAD_CD for an ASID above 255, and its TLBIs are refused.",
        &[HW_INFO, NESTING, "IHI 0070 §5.4"],
    ),
    direct(
        "TTF",
        &["IDR0.TTF"],
        Documented::Since6_13,
        CD_ONLY,
        "A VMM offers AArch64 only, if the SMMU has it.",
        &[HW_INFO],
    ),
    emulated(
        "SIDSIZE",
        &["IDR1.SIDSIZE"],
        Documented::Since6_13,
        "A vDEVICE gives the guest's StreamID any number: the VMM's topology decides.",
        &[HW_INFO, NESTING],
    ),
    Capability {
        name: "SSIDSIZE",
        fields: &["IDR1.SSIDSIZE"],
        documented: Documented::Since6_13,
        software: no("S1CDMax and S1DSS of the guest's STE are passed on as they are."),
        firmware: no("It says how many PASIDs a device has (pasid-num-bits), not how many the SMMU has."),
        enable: NO_ENABLE,
        advice: "Each device has its own number of PASIDs in out_max_pasid_log2. S1CDMax above SSIDSIZE is C_BAD_STE.",
        sources: &[HW_INFO, NESTING, "IHI 0070 §5.2"],
    },
    direct(
        "BBML",
        &["IDR3.BBML"],
        Documented::Since6_13,
        CD_ONLY,
        "A guest that trusts a level that the SMMU lacks changes block sizes without a break: TLB conflicts.",
        &[HW_INFO, "IHI 0070 §3.21.1"],
    ),
    direct(
        "RIL",
        &["IDR3.RIL"],
        Documented::Since6_13,
        no("The kernel refuses range commands where the SMMU has none: EIO."),
        "A guest that is shown RIL on an SMMU without it cannot invalidate.",
        &[HW_INFO, NESTING],
    ),
    direct(
        "VAX",
        &["IDR5.VAX"],
        Documented::Since6_13,
        CD_ONLY,
        "T0SZ below what VAX permits is C_BAD_CD.",
        &[HW_INFO, "IHI 0070 §5.4"],
    ),
    direct(
        "GRAN",
        &["IDR5.GRAN64K", "IDR5.GRAN16K", "IDR5.GRAN4K"],
        Documented::Since6_13,
        CD_ONLY,
        "TG0 or TG1 without its granule is C_BAD_CD.",
        &[HW_INFO, "IHI 0070 §5.4"],
    ),
    direct(
        "DS",
        &["IDR5.DS"],
        Documented::Since7_3,
        no("The kernel judges the wider SCALE and TTL of range commands by what the SMMU has."),
        "The list grew by it: a VMM that follows an older list hides it, which is safe.",
        &[HW_INFO, NESTING],
    ),
    direct(
        "S1P",
        &["IDR0.S1P"],
        Documented::Implied,
        no("A nest parent can be allocated only where there are both stages."),
        "Set, if HWPT_ALLOC with NEST_PARENT succeeds.",
        &[HW_INFO],
    ),
    Capability {
        name: "COHACC",
        fields: &["IDR0.COHACC"],
        documented: Documented::Implied,
        software: no("VFIO binds only devices behind a coherent SMMU."),
        firmware: yes("The kernel goes by firmware's word alone (dma-coherent, the IORT's COHACC override)."),
        enable: NO_ENABLE,
        advice: "Set, if VFIO_DEVICE_BIND_IOMMUFD succeeds. The register may say otherwise, and must not be read.",
        sources: &[HW_INFO, IORT],
    },
    Capability {
        name: "HTTU",
        fields: &["IDR0.HTTU"],
        documented: Documented::No,
        software: no(
            "CD.HA and CD.HD are the guest's, and no field of the STE can switch them off for stage 1.",
        ),
        firmware: yes("IORT states HTTU itself, and the interconnect may lack atomics whatever IDR0 says."),
        enable: yes("Proposed, so that the kernel can refuse it, as nothing else is in its hands."),
        advice: "Read from idr[0] it is broken where firmware overrides it to 0: updates abort. It needs firmware's \
                 word, which may also be more than the register says.",
        sources: &[HW_INFO, IORT, "IHI 0070 §3.13, §6.3.1"],
    },
    Capability {
        name: "BTM",
        fields: &["IDR0.BTM"],
        documented: Documented::No,
        software: yes(
            "CR2.PTM must be 0, and the VMID of the nest parent must be that of KVM's virtual machine.",
        ),
        firmware: no(
            "It says nothing of broadcasts: IDR0.BTM is 0 unless the interconnect carries them to the SMMU.",
        ),
        enable: yes("VMIDs are joined when the virtual IOMMU is made: the VMM gives KVM's descriptor."),
        advice: "Shown without all of it, a guest's TLBI never reaches the SMMU, and translations stay. Every VMM \
                 must mask it from the first day, or no kernel can ever set it.",
        sources: &[HW_INFO, DRIVER, "IHI 0070 §3.17, §6.3.12"],
    },
    Capability {
        name: "ATS",
        fields: &["IDR0.ATS"],
        documented: Documented::PerDevice,
        software: no("EATS of the guest's STE decides, and ATC_INV is accepted where the SMMU has ATS."),
        firmware: yes("Each root complex has its ATS attribute; out_capabilities has the bit per device."),
        enable: NO_ENABLE,
        advice: "PCI_ATS_NOT_SUPPORTED of GET_HW_INFO counts, not the register: the VMM sets IDR0.ATS if it \
                 describes a device with ATS.",
        sources: &[HW_INFO, NESTING, IORT_ROOT],
    },
    emulated(
        "ATS errors",
        &["IDR0.ATSRECERR"],
        Documented::No,
        "The guest's CR2.REC_CFG_ATS is the VMM's; that of the SMMU is the host's, and Linux leaves it 0.",
        &[DRIVER, "IHI 0070 §6.3.12"],
    ),
    direct(
        "PASIDTT",
        &["IDR3.PASIDTT"],
        Documented::No,
        no("With it, Translated transactions may carry a PASID, which the SMMU looks up in the guest's CDs."),
        "It means something with ATS only. Hidden, a guest does without.",
        &["IHI 0070 §3.9.1, §6.3.4"],
    ),
    Capability {
        name: "PRI",
        fields: &["IDR0.PRI"],
        documented: Documented::No,
        software: yes("Page requests of nested domains are not delivered: the kernel denies them."),
        firmware: yes("The IORT's ATS attribute says which root complexes can do it."),
        enable: yes("Requests must be routed to the queue of the virtual machine."),
        advice: "A guest that is shown PRI enables it on its devices, and each request is answered with a failure.",
        sources: &[NESTING, IORT_ROOT, "IHI 0070 §8"],
    },
    Capability {
        name: "MPAM",
        fields: &["IDR3.MPAM"],
        documented: Documented::No,
        software: yes(
            "PARTIDs of the guest's CDs must be mapped to those that the host gave the virtual machine.",
        ),
        firmware: yes("The ACPI MPAM table says which PARTIDs there are."),
        enable: yes("A partition must be given to the virtual machine."),
        advice: "The model has no MPAM.",
        sources: &["IHI 0070 §6.3.4"],
    },
    Capability {
        name: "PBHA",
        fields: &["IDR3.PBHA"],
        documented: Documented::No,
        software: yes(
            "Both stages say which bits of their descriptors count (CD.HWU0nn, STE.S2HWUnn); stage 2 is the kernel's.",
        ),
        firmware: yes("What the bits mean is the system's."),
        enable: yes("Per virtual machine, as the bits are shared with the host."),
        advice: "Hide it.",
        sources: &["IHI 0070 §5.2, §5.4, §6.3.4"],
    },
    Capability {
        name: "D128",
        fields: &["IDR5.D128"],
        documented: Documented::No,
        software: yes(
            "Range invalidation has TTL128 for it, and the kernel refuses a guest's command with that bit: EIO.",
        ),
        firmware: NO_FIRMWARE,
        enable: NO_ENABLE,
        advice: "The model has no 128-bit descriptors.",
        sources: &[NESTING, "IHI 0070 §4.4.1, §6.3.6"],
    },
    direct(
        "E0PD",
        &["IDR3.E0PD"],
        Documented::No,
        CD_ONLY,
        "Could be listed as it is. Hidden, a guest does without.",
        &["IHI 0070 §5.4"],
    ),
    direct(
        "AIE",
        &["IDR3.AIE"],
        Documented::No,
        CD_ONLY,
        "Could be listed as it is. Hidden, a guest does without.",
        &["IHI 0070 §5.4"],
    ),
    direct(
        "permissions",
        &["IDR3.S1PI", "IDR3.EPAN", "IDR3.HAD", "IDR3.STT", "IDR3.THE"],
        Documented::No,
        CD_ONLY,
        "Could be listed as they are. Hidden, a guest does without.",
        &["IHI 0070 §5.4"],
    ),
    direct(
        "OAS",
        &["IDR5.OAS"],
        Documented::No,
        no("The aperture of the nest parent is 2^OAS, and IOAS_IOVA_RANGES shows it."),
        "Unlisted, the VMM's memory map decides what the guest is shown. All known VMMs read the register all the same.",
        &[HW_INFO, NESTING],
    ),
    direct(
        "STALL_MAX",
        &["IDR5.STALL_MAX"],
        Documented::No,
        no("The number is the SMMU's, for all its users together."),
        "A guest can do nothing with it but log it.",
        &["IHI 0070 §6.3.6"],
    ),
    Capability {
        name: "stage 2",
        fields: &[
            "IDR0.S2P",
            "IDR0.NS1ATS",
            "IDR0.VMID16",
            "IDR0.VMW",
            "IDR3.S2PI",
            "IDR3.S2PO",
            "IDR3.XNX",
            "IDR3.FWB",
            "IDR3.PTWNNC",
            "IDR3.MTEPERM",
        ],
        documented: Documented::No,
        software: yes("The guest's STE has two words for the kernel, and none is of stage 2."),
        firmware: NO_FIRMWARE,
        enable: yes("A second stage 2 would have to be shadowed."),
        advice: "Hide it: a Config with stage 2 is refused, EIO.",
        sources: &[NESTING],
    },
    Capability {
        name: "HYP",
        fields: &["IDR0.HYP"],
        documented: Documented::No,
        software: yes(
            "The EL2 StreamWorlds are not accepted: STRW is not the guest's, TLBI_EL2_* is refused.",
        ),
        firmware: NO_FIRMWARE,
        enable: yes("A guest hypervisor would need a VMID of its own."),
        advice: "Shown, a guest sends TLBI_EL2_ALL when it boots, and the VMM must not forward it: EIO.",
        sources: &[NESTING],
    },
    emulated(
        "queues",
        &["IDR1.CMDQS", "IDR1.EVENTQS", "IDR1.PRIQS", "IDR1.QUEUES_PRESET", "IDR1.TABLES_PRESET", "IDR1.REL"],
        Documented::No,
        "The guest's queues are the VMM's. Read from the hardware they are an accident of the host.",
        &["IHI 0070 §6.3.2"],
    ),
    emulated(
        "ECMDQ",
        &["IDR1.ECMDQ"],
        Documented::No,
        "The VMM emulates one Command queue, or the kernel gives real ones away (HW_QUEUE_ALLOC, CMDQV).",
        &["IHI 0070 §3.5.6"],
    ),
    emulated(
        "interrupts",
        &["IDR0.MSI", "IDR0.SEV"],
        Documented::No,
        "Interrupts and the end of CMD_SYNC are the VMM's.",
        &["IHI 0070 §3.18"],
    ),
    emulated(
        "DORMHINT",
        &["IDR0.DORMHINT"],
        Documented::No,
        "A hint of power management, which is the host's.",
        &["IHI 0070 §6.3.1"],
    ),
    emulated(
        "ATOS",
        &["IDR0.ATOS", "IDR0.VATOS", "IDR2.BA_VATOS"],
        Documented::No,
        "No one forwards it: hide it, or walk in software.",
        &["IHI 0070 §9"],
    ),
    emulated(
        "attributes",
        &["IDR1.ATTR_TYPES_OVR", "IDR1.ATTR_PERMS_OVR"],
        Documented::No,
        "The overrides of the STE are not among what the kernel takes from a guest.",
        &[NESTING],
    ),
    Capability {
        name: "confidential computing",
        fields: &["IDR0.RME_IMPL", "IDR3.DPT"],
        documented: Documented::No,
        software: yes("Nothing of it is offered for nesting."),
        firmware: yes("Root firmware owns it."),
        enable: yes("Per Realm."),
        advice: "Hide it.",
        sources: &["IHI 0070 §3.24, §3.25"],
    },
    direct(
        "PPS",
        &["IDR3.PPS"],
        Documented::No,
        no(
            "It tells whether automatic responses to page requests always carry the PASID, or as STE.PPAR says.",
        ),
        "It means something with PRI only.",
        &["IHI 0070 §5.2, §6.3.4"],
    ),
];

#[cfg(test)]
mod tests;
