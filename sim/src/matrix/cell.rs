//! One cell: a machine is booted, a VMM decides, a guest works.

use smmu_model::Register;
use smmu_model::features::IdRegisters;

use super::axes::Matrix;
use super::outcome::{By, Outcome, Refusal, Use};
use super::workload::Workload;
use crate::driver::DeviceDescription;
use crate::guest::{Guest, GuestSetup};
use crate::kernel::device::{BusDriver, DeviceSetup, GroupId};
use crate::kernel::hardware::IommuId;
use crate::kernel::{Kernel, Setup, SmmuSetup};
use crate::negotiation::{Decision, Seen};
use crate::vmm::{DeviceReply, GuestDevice, HwInfo, Offer, Vmm, VmmError, VmmSetup};

/// What came of a place in the matrix.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The place, an index on each axis.
    pub place: [usize; 4],
    /// What came of it.
    pub outcome: Outcome,
    /// The ID registers that the guest was shown, if the VMM came so far.
    pub shown: Option<IdRegisters>,
    /// What the guest used.
    pub uses: Vec<Use>,
    /// What happened, where a guest was misled.
    pub evidence: Vec<String>,
}

/// The guest's name of its device; the host's is another.
const GUEST_STREAM: u32 = 0x10;
const HOST_STREAM: u32 = 0x88;

/// CR2.PTM (IHI 0070 §6.3.12).
const CR2_PTM: u64 = 1 << 2;

/// log2 of the PASIDs of the device.
const PASID_BITS: u8 = 4;

/// Boots and runs one cell. The same place gives the same cell, whatever else runs.
pub fn run_cell(matrix: &Matrix, place: [usize; 4]) -> Cell {
    let mut cell =
        Cell { place, outcome: Outcome::Works, shown: None, uses: Vec::new(), evidence: Vec::new() };
    cell.outcome = match run(matrix, &mut cell) {
        Ok(outcome) => outcome,
        Err(refusal) => {
            cell.evidence.clear();
            Outcome::Refused(refusal)
        }
    };
    cell
}

fn run(matrix: &Matrix, cell: &mut Cell) -> Result<Outcome, Refusal> {
    let [.., vmm] = cell.place;
    let policy = &matrix.vmms[vmm];
    let mut kernel = Kernel::boot(&machine(matrix, cell.place)).map_err(|errno| Refusal {
        by: By::Kernel,
        at: "boot".to_owned(),
        errno: Some(errno),
    })?;
    let device = GuestDevice { stream: GUEST_STREAM, vfio: 0 };
    let probed = Vmm::probe(&mut kernel, &VmmSetup::accelerated(&[device])).map_err(refused)?;
    let seen = seen(&probed.replies()[0]);
    let decided = policy.policy.decide(policy.vintage, &seen);
    let Decision { ids, viommu_flags } = match decided {
        Ok(decision) => decision,
        Err(refusal) => {
            probed.kill(&mut kernel);
            return Err(Refusal { by: By::Vmm, at: refusal.field.to_owned(), errno: None });
        }
    };
    cell.shown = Some(ids);
    cell.evidence = context(&kernel, &seen, &ids, viommu_flags);
    let offer = Offer { viommu_flags, ..Offer::from_ids(&ids) };
    let mut vmm = probed.start(&mut kernel, offer).map_err(refused)?;
    let booted = Guest::boot(&mut kernel, &mut vmm, &guest_setup(&ids));
    let guest =
        booted.map_err(|errno| Refusal { by: By::Guest, at: "probe".to_owned(), errno: Some(errno) })?;
    let mut workload = Workload::new(&mut kernel, &mut vmm, guest, GUEST_STREAM, ids);
    workload.run();
    let (symptoms, evidence) = workload.finish(&mut cell.uses);
    vmm.stop(&mut kernel);
    if symptoms.is_empty() {
        cell.evidence.clear();
        return Ok(Outcome::Works);
    }
    cell.evidence.extend(evidence);
    Ok(Outcome::Misled(symptoms))
}

/// What the argument is about: what the kernel reports, what the guest is shown, and what the SMMU is set to.
fn context(kernel: &Kernel, seen: &Seen, shown: &IdRegisters, viommu_flags: u32) -> Vec<String> {
    let fields = ["IDR0.HTTU", "IDR0.BTM"];
    let value = |ids: &IdRegisters, name| ids.field(name).expect("the field exists");
    let list = |ids| fields.map(|name| format!("{name} = {}", value(ids, name))).join(", ");
    let private = kernel.host.hardware.smmu(IommuId(0)).peek(Register::Cr2) & CR2_PTM != 0;
    let broadcasts =
        if private { "takes no part in broadcasts (CR2.PTM = 1)" } else { "takes part in broadcasts" };
    vec![
        format!("kernel: GET_HW_INFO says {}, capabilities {:#x}", list(&seen.ids), seen.capabilities),
        format!("vmm: shows {}, and sets flags {viommu_flags:#x} of VIOMMU_ALLOC", list(shown)),
        format!("host: the SMMU {broadcasts}"),
    ]
}

/// The machine of a place. The SMMU keeps what it has cached until somebody invalidates it, so that a lost invalidation
/// always shows.
fn machine(matrix: &Matrix, [hardware, platform, kernel, _]: [usize; 4]) -> Setup {
    let (hardware, platform) = (&matrix.hardware[hardware], &matrix.platforms[platform]);
    let smmu = SmmuSetup { firmware: platform.firmware, ..SmmuSetup::new(hardware.features) };
    let mut device = DeviceSetup::pci(IommuId(0), HOST_STREAM, GroupId(0), BusDriver::Vfio);
    device.description.ats = true;
    device.description.canwbs = platform.canwbs;
    device.description.pasid_bits = PASID_BITS;
    Setup {
        smmus: vec![smmu],
        devices: vec![device],
        generation: matrix.kernels[kernel].generation,
        first_kvm_vmid: platform.first_kvm_vmid,
        has_atomics: platform.has_atomics,
        ..Setup::default()
    }
}

/// The guest's firmware describes the device as the host's does; ATS, if the SMMU has it. The guest's kernel is one that
/// would use IDR0.BTM.
fn guest_setup(ids: &IdRegisters) -> GuestSetup {
    let shown = |name: &str| ids.field(name).is_ok_and(|value| value != 0);
    let device = DeviceDescription {
        ats: shown("IDR0.ATS"),
        pasid_bits: if shown("IDR1.SSIDSIZE") { PASID_BITS } else { 0 },
        ..GuestSetup::device(GUEST_STREAM)
    };
    let mut setup = GuestSetup::new(vec![device]);
    setup.host.listens_to_broadcasts = true;
    setup
}

/// What a policy sees of the reply to GET_HW_INFO.
pub(crate) fn seen(reply: &DeviceReply) -> Seen {
    let HwInfo { info, smmu, mask } = &reply.reply;
    let mut ids = IdRegisters { iidr: smmu.iidr, aidr: smmu.aidr, ..IdRegisters::default() };
    ids.idr[..6].copy_from_slice(&smmu.idr);
    Seen { ids, mask: *mask, capabilities: info.out_capabilities }
}

fn refused(error: VmmError) -> Refusal {
    match error {
        VmmError::Refused { call, errno, .. } => {
            Refusal { by: By::Kernel, at: call.name().to_owned(), errno: Some(errno) }
        }
        VmmError::Offer(_) | VmmError::NoDevice | VmmError::StreamTwice(_) | VmmError::StreamUnknown(_) => {
            Refusal { by: By::Vmm, at: error.to_string(), errno: None }
        }
    }
}
