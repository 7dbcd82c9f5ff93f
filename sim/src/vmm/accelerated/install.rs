//! STEs of the guest, as nested HWPTs.

use smmu_model::layout::idr::Idr0;

use super::faults::Faults;
use super::{Accelerated, Behind, events};
use crate::iommufd::uapi::iommu_hw_info_arm_smmuv3;
use crate::vmm::error::{Step, VmmError};
use crate::vmm::note::{Installed, Note, Regime};
use crate::vmm::offer::Offer;
use crate::vmm::stream_table;

const V: u64 = 1;
const CONFIG: u64 = 0b111 << 1;
const CONFIG_BYPASS: u64 = 0b100 << 1;
const S1STALLD: u64 = 1 << 27;

/// The words of an STE that the kernel takes: V, Config, S1Fmt, S1ContextPtr, S1CDMax; S1DSS, S1CIR, S1COR, S1CSH,
/// S1STALLD, EATS.
const TAKEN: [u64; 2] = [0xf80f_ffff_ffff_ffff, 0x0000_0000_3800_00ff];

/// STEs for devices that do not go by the guest's.
pub(super) const BYPASS: [u64; 2] = [V | CONFIG_BYPASS, 0];
pub(super) const ABORT: [u64; 2] = [V, 0];

/// CMD_CFGI_CD_ALL.
const CFGI_CD_ALL: u64 = 0x06;

/// Whether the guest is shown an SMMU that stalls.
pub(super) fn shows_stalls(offer: &Offer) -> bool {
    const TERMINATE_ONLY: u8 = 1;
    Idr0::from_bits(offer.idr[0]).stall_model() != TERMINATE_ONLY
}

/// Whether the hardware stalls what contexts say, and what STEs do not deny. To deny stalls to hardware that has none is
/// an error (§5.2.2), so hardware of which nothing is known, not even a format of tables, gets what the guest says.
pub(super) fn can_stall(smmu: &iommu_hw_info_arm_smmuv3) -> bool {
    const BOTH_MODELS: u8 = 0;
    let idr0 = Idr0::from_bits(smmu.idr[0]);
    idr0.ttf() != 0 && idr0.stall_model() == BOTH_MODELS
}

impl Accelerated {
    /// What a device goes by now.
    pub(in crate::vmm) fn installed(&self, stream: u32) -> Option<Installed> {
        self.host.get(stream)?.installed
    }

    /// Lets a device go by what the registers and its STE say now.
    pub(super) fn settle(&mut self, behind: &mut Behind<'_>, stream: u32) -> Result<(), VmmError> {
        match self.regime {
            None => Ok(()),
            Some(Regime::Abort) => self.install(behind, stream, Installed::Abort),
            Some(Regime::Bypass) => self.install(behind, stream, Installed::Bypass),
            Some(Regime::Tables) => self.install_ste(behind, stream),
        }
    }

    fn install_ste(&mut self, behind: &mut Behind<'_>, stream: u32) -> Result<(), VmmError> {
        let found = behind.front(|front, world| stream_table::read(front, world.bus, stream));
        let [word0, word1] = match found {
            Err(no_ste) => return self.install(behind, stream, Installed::NoSte(no_ste)),
            Ok([word0, word1, ..]) => [word0, word1],
        };
        if word0 & V == 0 {
            return self.install(behind, stream, Installed::Abort);
        }
        let dropped = [word0 & !TAKEN[0], word1 & !TAKEN[1]];
        if dropped != [0, 0] {
            behind.note(Note::SteBits { stream, dropped });
        }
        let denied = if self.can_stall && self.stalls.are_denied(stream) { S1STALLD } else { 0 };
        let words = [word0 & TAKEN[0], word1 & TAKEN[1] | denied];
        match word0 & CONFIG {
            0 => self.install(behind, stream, Installed::Abort),
            CONFIG_BYPASS => self.install(behind, stream, Installed::Bypass),
            _stage1_or_refused => self.install_nested(behind, stream, words),
        }
    }

    fn install_nested(
        &mut self,
        behind: &mut Behind<'_>,
        stream: u32,
        words: [u64; 2],
    ) -> Result<(), VmmError> {
        if let Some(Installed::Nested { words: present, .. }) = self.installed(stream)
            && present == words
        {
            // Nothing would be written, and so nothing forgotten: but CMD_CFGI_STE is about CDs too (§4.3.1).
            self.batch.push([CFGI_CD_ALL | u64::from(stream) << 32, 0]);
            self.flush(behind);
            behind.note(Note::SteUnchanged { stream });
            return Ok(());
        }
        let device = self.host.get(stream).ok_or(VmmError::StreamUnknown(stream))?.id;
        let faults = self.faults.as_ref().filter(|_| self.stalls.are_answered(stream)).map(Faults::id);
        let on = (device, self.viommu);
        let made = behind.caller.for_step(Step::Ste(stream)).nested(self.host.iommu, on, words, faults);
        let attached = made.and_then(|hwpt| self.install(behind, stream, Installed::Nested { hwpt, words }));
        match attached {
            Err(VmmError::Refused { errno, .. }) => {
                // Better nothing than what the guest has taken away.
                let installed = self.install(behind, stream, Installed::Refused(errno));
                events::bad_ste(behind, stream);
                installed
            }
            attached_or_gone => attached_or_gone,
        }
    }

    /// Attaches the device, if it is attached to something else, and destroys what nobody needs any more.
    fn install(
        &mut self,
        behind: &mut Behind<'_>,
        stream: u32,
        installed: Installed,
    ) -> Result<(), VmmError> {
        let hwpt = self.hwpt(installed);
        let device = self.host.get_mut(stream).ok_or(VmmError::StreamUnknown(stream))?;
        let before = device.installed.replace(installed);
        let cdev = device.cdev;
        if before == Some(installed) {
            return Ok(());
        }
        behind.note(Note::Ste { stream, installed });
        let hwpt_before = before.map(|before| self.hwpt(before));
        if hwpt_before == Some(hwpt) {
            return Ok(());
        }
        let attached = behind.caller.for_step(Step::Attach(stream)).attach(cdev, hwpt);
        if attached.is_err() {
            // The device goes by what it did before.
            self.host.get_mut(stream).expect("it is there").installed = before;
            self.discard(behind, Some(installed));
        } else {
            self.forget_faults(stream);
            self.discard(behind, before);
        }
        attached.map(|_hwpt| ())
    }

    /// The HWPT that stands for it.
    fn hwpt(&self, installed: Installed) -> u32 {
        match installed {
            Installed::Bypass => self.bypass,
            Installed::Nested { hwpt, .. } => hwpt,
            Installed::Abort | Installed::NoSte(_) | Installed::Refused(_) => self.abort,
        }
    }

    /// Destroys the HWPT that was made for one STE.
    fn discard(&self, behind: &mut Behind<'_>, installed: Option<Installed>) {
        if let Some(Installed::Nested { hwpt, .. }) = installed {
            let caller = behind.caller.for_step(Step::Teardown);
            // A call that fails has left a note.
            caller.destroy(self.host.iommu, hwpt).ok();
        }
    }
}
