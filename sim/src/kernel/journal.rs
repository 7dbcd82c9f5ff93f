//! What drivers wrote to SMMUs: registers, and the commands that a write of CMDQ_PROD made visible.

use smmu_model::address::Pa;
use smmu_model::bus::Bus;
use smmu_model::{Register, Smmu};

use super::hardware::IommuId;

/// CMDQ_PROD and CMDQ_CONS hold an index and a wrap bit (§6.3.27): no queue has more entries than this.
const QUEUE_LOG2_MAX: u32 = 19;

/// Bytes of a command (§4.1.1).
const COMMAND_BYTES: u64 = 16;

/// Register writes and commands, each in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Journal {
    /// Every register write but those of CMDQ_PROD.
    pub writes: Vec<RegisterWrite>,
    /// Every command.
    pub commands: Vec<IssuedCommand>,
}

/// A register write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterWrite {
    /// Of which SMMU.
    pub iommu: IommuId,
    /// From the base of page 0.
    pub offset: u64,
    /// What was written.
    pub value: u64,
}

/// A command as it lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IssuedCommand {
    /// Of which SMMU.
    pub iommu: IommuId,
    /// Its two words.
    pub words: [u64; 2],
}

impl Journal {
    /// Notes a write that `smmu` is about to take.
    pub(super) fn note(
        &mut self,
        iommu: IommuId,
        smmu: &Smmu,
        memory: &mut impl Bus,
        offset: u64,
        value: u64,
    ) {
        if offset != Register::CmdqProd.offset() {
            self.writes.push(RegisterWrite { iommu, offset, value });
            return;
        }
        let base = smmu.peek(Register::CmdqBase);
        let log2 = u32::try_from(base & 0x1f).unwrap_or(QUEUE_LOG2_MAX).min(QUEUE_LOG2_MAX);
        let wrap = (2_u64 << log2) - 1;
        let end = value & wrap;
        let mut index = smmu.peek(Register::CmdqProd) & wrap;
        while index != end {
            let slot = (base & 0x000f_ffff_ffff_ffe0) + (index & wrap >> 1) * COMMAND_BYTES;
            let mut word = |at| memory.read_u64(Pa::new(at)).unwrap_or_default();
            self.commands.push(IssuedCommand { iommu, words: [word(slot), word(slot + 8)] });
            index = (index + 1) & wrap;
        }
    }
}
