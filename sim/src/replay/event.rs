//! The trace events of QEMU's SMMUv3 (its `hw/arm/trace-events`), one typed value per line.

use super::fields::{Expected, Fields};

/// One register access, as it is in [`TraceEvent::MmioRead`] and [`TraceEvent::MmioWrite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmioAccess {
    /// Offset within the register frame, with bit 16 (page 1) cleared: QEMU strips it before it traces, so
    /// EVENTQ_PROD (0x100a8) is seen as 0xa8.
    pub offset: u64,
    /// The value read or written.
    pub value: u64,
    /// Width of the access.
    pub size_bytes: u8,
    /// QEMU's `MemTxResult`; 0 when the access was carried out.
    pub result: u32,
}

/// The stages that QEMU had enabled for a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracedStages {
    /// Stage 1 only.
    Stage1,
    /// Stage 2 only.
    Stage2,
    /// Stage 1, then stage 2.
    Nested,
}

/// The accesses that a traced translation permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracedPermission {
    /// No access.
    None,
    /// Reads only.
    Read,
    /// Writes only.
    Write,
    /// Reads and writes.
    ReadWrite,
}

/// What one trace line says happened.
///
/// The `is_write` that QEMU prints for a disabled, bypassed or aborted translation is checked and dropped:
/// QEMU passes the granted permission there, so it does not tell reads from writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// `smmuv3_read_mmio`.
    MmioRead(MmioAccess),
    /// `smmuv3_write_mmio`.
    MmioWrite(MmioAccess),
    /// `smmuv3_cmdq_opcode`: the SMMU takes a command from the queue.
    CommandOpcode {
        /// QEMU's name of the command, such as `SMMU_CMD_SYNC`.
        name: String,
    },
    /// `smmuv3_cmdq_consume_error`: the command queue stops.
    CommandError {
        /// QEMU's name of the command.
        name: String,
        /// The CERROR code, as CMDQ_CONS.ERR shows it.
        error: u8,
    },
    /// `smmu_get_pte`: one translation table descriptor, read from memory. The line names neither stage nor
    /// level.
    DescriptorRead {
        /// Address of the table.
        base: u64,
        /// Index of the descriptor in the table.
        index: u32,
        /// Address of the descriptor.
        address: u64,
        /// The descriptor.
        value: u64,
    },
    /// `smmu_ptw_level`: one level of a walk. All that it adds to [`TraceEvent::DescriptorRead`] is the address
    /// that is being walked.
    WalkLevel {
        /// The stage, 1 or 2. Releases before QEMU's stage 2 do not print it.
        stage: u8,
        /// The input address of the stage.
        iova: u64,
    },
    /// `smmuv3_translate_success`.
    TranslateSuccess {
        /// QEMU's name of the memory region of the device.
        device: String,
        /// The stream.
        sid: u32,
        /// Input address.
        iova: u64,
        /// Output address.
        translated: u64,
        /// What the translation permits.
        permission: TracedPermission,
        /// The stages that took part.
        stages: TracedStages,
    },
    /// `smmuv3_translate_disable`: the SMMU is off, the address goes through.
    TranslateDisable {
        /// QEMU's name of the memory region of the device.
        device: String,
        /// The stream.
        sid: u32,
        /// Input address, and output address.
        iova: u64,
    },
    /// `smmuv3_translate_bypass`: the STE says bypass.
    TranslateBypass {
        /// QEMU's name of the memory region of the device.
        device: String,
        /// The stream.
        sid: u32,
        /// Input address, and output address.
        iova: u64,
    },
    /// `smmuv3_translate_abort`: terminated without an event.
    TranslateAbort {
        /// QEMU's name of the memory region of the device.
        device: String,
        /// The stream.
        sid: u32,
        /// Input address.
        iova: u64,
    },
    /// `smmuv3_record_event`: a record for the event queue.
    EventRecorded {
        /// QEMU's name of the event, such as `SMMU_EVT_F_TRANSLATION`.
        name: String,
        /// The stream.
        sid: u32,
    },
    /// `smmuv3_trigger_irq`.
    Interrupt {
        /// QEMU's number of the interrupt: 0 event queue, 1 PRI queue, 2 command queue sync, 3 GERROR.
        irq: u32,
    },
    /// `smmuv3_write_gerror`: the SMMU raises global errors.
    GerrorRaised {
        /// The bits toggled.
        toggled: u32,
        /// GERROR after it.
        gerror: u32,
    },
    /// `smmuv3_write_gerrorn`: software acknowledges global errors.
    GerrorAcknowledged {
        /// The bits acknowledged.
        acknowledged: u32,
        /// GERRORN after it.
        gerrorn: u32,
    },
    /// `smmuv3_notify_flag_add`: something wants to hear of invalidations.
    NotifierAdded {
        /// QEMU's name of the memory region of the device.
        device: String,
    },
    /// `smmuv3_notify_flag_del`.
    NotifierRemoved {
        /// QEMU's name of the memory region of the device.
        device: String,
    },
    /// Another SMMU trace event; it carries nothing to compare, and its fields are not read.
    Other {
        /// Name of the trace event.
        name: String,
    },
}

impl TraceEvent {
    /// Reads one line, without its line end.
    pub fn parse(line: &str) -> Result<Self, Expected> {
        let line = without_log_prefix(line);
        let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
        let mut fields = Fields::new(fields);
        let event = match name {
            "smmuv3_read_mmio" => Self::MmioRead(mmio(&mut fields)?),
            "smmuv3_write_mmio" => Self::MmioWrite(mmio(&mut fields)?),
            "smmuv3_cmdq_opcode" => Self::CommandOpcode { name: fields.last_word("<--- ")? },
            "smmuv3_cmdq_consume_error" => command_error(&mut fields)?,
            "smmu_get_pte" => descriptor_read(&mut fields)?,
            "smmu_ptw_level" => walk_level(&mut fields)?,
            "smmuv3_translate_success" => translate_success(&mut fields)?,
            "smmuv3_translate_disable" => {
                let (device, sid, iova) = untranslated(&mut fields, " bypass (smmu disabled) iova:")?;
                Self::TranslateDisable { device, sid, iova }
            }
            "smmuv3_translate_bypass" => {
                let (device, sid, iova) = untranslated(&mut fields, " STE bypass iova:")?;
                Self::TranslateBypass { device, sid, iova }
            }
            "smmuv3_translate_abort" => {
                let (device, sid, iova) = untranslated(&mut fields, " abort on iova:")?;
                Self::TranslateAbort { device, sid, iova }
            }
            "smmuv3_record_event" => {
                Self::EventRecorded { name: fields.word_before(" sid=")?, sid: fields.number(" sid=")? }
            }
            "smmuv3_trigger_irq" => Self::Interrupt { irq: fields.decimal("irq=")? },
            "smmuv3_write_gerror" => {
                Self::GerrorRaised { toggled: fields.hex("toggled=")?, gerror: fields.hex(", new GERROR=")? }
            }
            "smmuv3_write_gerrorn" => Self::GerrorAcknowledged {
                acknowledged: fields.hex("acked=")?,
                gerrorn: fields.hex(", new GERRORN=")?,
            },
            "smmuv3_notify_flag_add" => {
                Self::NotifierAdded { device: fields.last_word("ADD SMMUNotifier node for iommu mr=")? }
            }
            "smmuv3_notify_flag_del" => {
                Self::NotifierRemoved { device: fields.last_word("DEL SMMUNotifier node for iommu mr=")? }
            }
            other if is_smmu_event(other) => return Ok(Self::Other { name: other.to_owned() }),
            _ => return Err(Expected::EventName),
        };
        fields.end()?;
        Ok(event)
    }
}

/// Drops the `PID@SECONDS.MICROSECONDS:` that QEMU's log back end may put before the event name.
fn without_log_prefix(line: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let stripped = line.split_once(':').and_then(|(prefix, rest)| {
        let (pid, time) = prefix.split_once('@')?;
        let (seconds, fraction) = time.split_once('.')?;
        [pid, seconds, fraction].into_iter().all(is_number).then_some(rest)
    });
    stripped.unwrap_or(line)
}

fn is_smmu_event(name: &str) -> bool {
    let own_part = name.strip_prefix("smmuv3_").or_else(|| name.strip_prefix("smmu_"));
    own_part.is_some_and(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
}

fn mmio(fields: &mut Fields<'_>) -> Result<MmioAccess, Expected> {
    let access = MmioAccess {
        offset: fields.hex("addr: ")?,
        value: fields.hex(" val:")?,
        size_bytes: fields.hex(" size: ")?,
        result: fields.decimal("(")?,
    };
    fields.text(")")?;
    Ok(access)
}

fn command_error(fields: &mut Fields<'_>) -> Result<TraceEvent, Expected> {
    fields.text("Error on ")?;
    Ok(TraceEvent::CommandError {
        name: fields.word_before(" command execution: ")?,
        error: fields.decimal(" command execution: ")?,
    })
}

fn descriptor_read(fields: &mut Fields<'_>) -> Result<TraceEvent, Expected> {
    Ok(TraceEvent::DescriptorRead {
        base: fields.hex("baseaddr=")?,
        index: fields.hex(" index=")?,
        address: fields.hex(", pteaddr=")?,
        value: fields.hex(", pte=")?,
    })
}

fn walk_level(fields: &mut Fields<'_>) -> Result<TraceEvent, Expected> {
    let stage = if fields.starts_with("stage=") { fields.decimal("stage=")? } else { 1 };
    fields.word_before(" iova=")?;
    let iova = fields.hex(" iova=")?;
    fields.last_word(" subpage_sz=")?;
    Ok(TraceEvent::WalkLevel { stage, iova })
}

fn translate_success(fields: &mut Fields<'_>) -> Result<TraceEvent, Expected> {
    Ok(TraceEvent::TranslateSuccess {
        device: fields.word_before(" sid=")?,
        sid: fields.number(" sid=")?,
        iova: fields.hex(" iova=")?,
        translated: fields.hex(" translated=")?,
        permission: match fields.hex::<u64>(" perm=")? {
            0 => TracedPermission::None,
            1 => TracedPermission::Read,
            2 => TracedPermission::Write,
            3 => TracedPermission::ReadWrite,
            _ => return Err(Expected::Permission(" perm=")),
        },
        stages: match fields.decimal::<u64>(" stage=")? {
            1 => TracedStages::Stage1,
            2 => TracedStages::Stage2,
            3 => TracedStages::Nested,
            _ => return Err(Expected::Stage(" stage=")),
        },
    })
}

/// Device, stream and address of a line that ends in `is_write=`.
fn untranslated(fields: &mut Fields<'_>, iova_label: &'static str) -> Result<(String, u32, u64), Expected> {
    let found = (fields.word_before(" sid=")?, fields.number(" sid=")?, fields.hex(iova_label)?);
    fields.decimal::<u8>(" is_write=")?;
    Ok(found)
}

#[cfg(test)]
mod tests;
