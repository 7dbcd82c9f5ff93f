//! Which SMMU a trace was recorded on: the ID registers that it shows being read (§6.3.1–§6.3.8).

use smmu_model::features::{Features, IdRegisters};

use super::trace::{MmioAccess, TraceError, TraceEvent, TraceLine};
use crate::machine::{self, Refused};

/// The ID registers of a trace, accepted by the model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// What the SMMU of the trace has; a register that was not read counts as 0.
    pub features: Features,
    /// Where AIDR comes from.
    pub aidr: AidrSource,
    /// What the trace shows and the architecture excludes, and so was cleared.
    pub cleared: Vec<Cleared>,
}

/// Why the SMMU of a trace cannot be known.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IdentityError {
    /// Nothing is known of it at all.
    #[error("the trace does not show any ID register being read, so the SMMU is unknown")]
    #[diagnostic(help(
        "is it a trace of QEMU's SMMUv3, and does it start before the driver does? Record with \
         `-trace 'smmuv3_*' -trace 'smmu_*'`"
    ))]
    NothingRead,
    /// Reading failed before an ID register was seen.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unreadable(TraceError),
    /// The model does not accept it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refused(#[from] Refused),
}

/// A field that a trace announces for a stage that is not there. It has no effect without that stage, so the
/// replay goes on with 0: QEMU shows IDR3.HAD with `stage=2`, which V12 of the model's constraints excludes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cleared {
    /// The field, `IDR3.HAD`.
    pub field: &'static str,
    /// The field that says that the stage is missing, `IDR0.S1P`.
    pub stage: &'static str,
    /// What the trace shows.
    pub traced: u64,
}

/// Where the architecture revision comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AidrSource {
    /// The trace shows AIDR being read.
    Traced,
    /// It does not (Linux has no use for AIDR): the first of [`ASSUMED`] under which the other registers are
    /// legal.
    Assumed,
}

/// AIDR values to try: SMMUv3.1 first, as QEMU claims it, then upwards, and v3.0 last, as it has the most
/// liberties.
pub const ASSUMED: [u32; 5] = [1, 2, 3, 4, 0];

/// Offset and name of each ID register.
const REGISTERS: [(u64, &str); 9] = [
    (0x00, "IDR0"),
    (0x04, "IDR1"),
    (0x08, "IDR2"),
    (0x0c, "IDR3"),
    (0x10, "IDR4"),
    (0x14, "IDR5"),
    (0x18, "IIDR"),
    (AIDR_OFFSET, "AIDR"),
    (0x190, "IDR6"),
];
const AIDR_OFFSET: u64 = 0x1c;

/// The fields that must be 0 without a stage (§6.3.1, §6.3.4), by the field that announces the stage.
const FIELDS_OF_STAGE: [(&str, [&str; 4]); 2] = [
    ("IDR0.S1P", ["IDR3.AIE", "IDR3.THE", "IDR3.S1PI", "IDR3.HAD"]),
    ("IDR0.S2P", ["IDR3.MTEPERM", "IDR3.S2PI", "IDR3.PTWNNC", "IDR0.VMW"]),
];

/// Finds the ID registers in a trace. Lines that say nothing are passed over.
pub fn identify(
    lines: impl Iterator<Item = Result<TraceLine, TraceError>>,
) -> Result<Identity, IdentityError> {
    let mut ids = IdRegisters::default();
    let mut aidr = AidrSource::Assumed;
    let mut any_is_read = false;
    let mut failure = None;
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(error @ TraceError::Read { .. }) => {
                failure = Some(error);
                continue;
            }
            Err(_says_nothing) => continue,
        };
        if let TraceEvent::MmioRead(access) = line.event
            && access.result == 0
        {
            for (offset, value) in words_read(access) {
                if let Some((_, name)) = REGISTERS.iter().find(|(at, _)| *at == offset) {
                    ids.set_field(name, value).expect("the name is known, and the value has 32 bits");
                    any_is_read = true;
                }
                if offset == AIDR_OFFSET {
                    aidr = AidrSource::Traced;
                }
            }
        }
    }
    if !any_is_read {
        return Err(failure.map_or(IdentityError::NothingRead, IdentityError::Unreadable));
    }
    let cleared = clear_fields_of_missing_stages(&mut ids);
    let features = match aidr {
        AidrSource::Traced => machine::features(ids)?,
        AidrSource::Assumed => assume_revision(ids)?,
    };
    Ok(Identity { features, aidr, cleared })
}

fn clear_fields_of_missing_stages(ids: &mut IdRegisters) -> Vec<Cleared> {
    const KNOWN: &str = "the table holds names of fields, and 0 fits all";
    let mut cleared = Vec::new();
    for (stage, fields) in FIELDS_OF_STAGE {
        let is_missing = ids.field(stage).expect(KNOWN) == 0;
        for field in fields {
            let traced = ids.field(field).expect(KNOWN);
            if is_missing && traced != 0 {
                ids.set_field(field, 0).expect(KNOWN);
                cleared.push(Cleared { field, stage, traced });
            }
        }
    }
    cleared
}

/// The 32-bit registers that one access reads, by offset: a 64-bit access covers two.
fn words_read(access: MmioAccess) -> impl Iterator<Item = (u64, u64)> {
    let low = (access.offset, access.value & u64::from(u32::MAX));
    let high = (access.size_bytes == 8).then(|| (access.offset.saturating_add(4), access.value >> 32));
    std::iter::once(low).chain(high)
}

/// Completes ID registers without AIDR by the first of [`ASSUMED`] that makes them legal.
///
/// On refusal, the reasons are those of the first AIDR tried.
pub fn assume_revision(ids: IdRegisters) -> Result<Features, Refused> {
    let [first, rest @ ..] = ASSUMED.map(|aidr| machine::features(IdRegisters { aidr, ..ids }));
    first.or_else(|refused| rest.into_iter().find_map(Result::ok).ok_or(refused))
}

#[cfg(test)]
mod tests {
    use super::super::trace::TraceReader;
    use super::*;

    fn check(reads: &str) -> Result<Identity, IdentityError> {
        identify(TraceReader::new(reads.as_bytes()))
    }

    const QEMU: &str = "\
smmuv3_read_mmio addr: 0x0 val:0x27300100d44101b size: 0x8(0)
this line is nonsense
smmuv3_read_mmio addr: 0xc val:0x1414 size: 0x4(0)
smmuv3_read_mmio addr: 0x14 val:0x74 size: 0x4(0)
";

    #[test]
    fn a_register_that_is_not_read_is_zero_and_aidr_is_assumed() {
        let identity = check(QEMU).expect("QEMU's registers are legal");
        let ids = identity.features.ids;
        assert_eq!(ids.idr, [0x0d44_101b, 0x0273_0010, 0, 0x1414, 0, 0x74, 0]);
        assert_eq!((ids.aidr, identity.aidr), (1, AidrSource::Assumed));
    }

    #[test]
    fn aidr_is_taken_where_it_is_read() {
        let read = |value| format!("{QEMU}smmuv3_read_mmio addr: 0x1c val:{value} size: 0x4(0)\n");
        let identity = check(&read("0x1")).expect("QEMU's registers are legal");
        assert_eq!((identity.features.ids.aidr, identity.aidr), (1, AidrSource::Traced));
        assert!(matches!(check(&read("0x4")), Err(IdentityError::Refused(refused)) if refused.ids.aidr == 4));
    }

    #[test]
    fn what_belongs_to_a_missing_stage_is_cleared() {
        let identity = check(&QEMU.replace("d44101b", "d441019"));
        let identity = identity.expect("QEMU's registers with stage=2 are legal without HAD");
        assert_eq!(identity.cleared, [Cleared { field: "IDR3.HAD", stage: "IDR0.S1P", traced: 1 }]);
        assert_eq!(identity.features.ids.idr[3], 0x1410);
        assert_eq!(check(QEMU).expect("QEMU's registers are legal").cleared, []);
    }

    #[test]
    fn a_trace_that_breaks_off_is_told_from_one_of_no_smmu() {
        let broken = || TraceError::Read { line: 1, source: std::io::ErrorKind::UnexpectedEof.into() };
        let found = identify([Err(broken())].into_iter());
        assert!(matches!(found, Err(IdentityError::Unreadable(TraceError::Read { line: 1, .. }))));
        let found = identify(TraceReader::new(QEMU.as_bytes()).chain([Err(broken())]));
        assert!(found.is_ok(), "what was read before is known");
    }

    #[test]
    fn a_trace_of_no_smmu_is_told_from_one_of_an_illegal_smmu() {
        assert!(matches!(check("smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC\n"), Err(IdentityError::NothingRead)));
        let Err(IdentityError::Refused(refused)) = check("smmuv3_read_mmio addr: 0x0 val:0x8 size: 0x4(0)\n")
        else {
            panic!("an SMMU without a stage is illegal");
        };
        assert!(refused.ids.aidr == 1 && !refused.reasons.is_empty());
    }
}
