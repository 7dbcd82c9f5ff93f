//! Consumed commands, in order: those that the trace names against those that the model took (§3.5.1).

use smmu_model::layout::command::Command;
use smmu_model::rule::CommandError;
use smmu_model::trace::Event;

use super::summary::Summary;

/// A command that QEMU took from the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracedCommand {
    /// Line of the trace.
    pub line: u64,
    /// The specification's name without `CMD_`, such as `SYNC`.
    pub name: String,
    /// The CERROR code, if it stopped the queue.
    pub error: Option<u8>,
}

/// A position in the order of commands at which the two sides differ. A missing side consumed fewer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandMismatch {
    /// Line of the register write that made the queue move.
    pub line: u64,
    /// What QEMU took.
    pub qemu: Option<TracedCommand>,
    /// What the model took, and how the command failed if it did.
    pub model: Option<(Command, Option<CommandError>)>,
}

/// The commands that QEMU consumed since the last register write.
#[derive(Debug, Default)]
pub(super) struct CommandOrder {
    traced: Vec<TracedCommand>,
}

impl CommandOrder {
    /// Notes a command by QEMU's name, `SMMU_CMD_SYNC`.
    pub(super) fn traced(&mut self, line: u64, name: &str) {
        let name = name.strip_prefix("SMMU_CMD_").unwrap_or(name).to_owned();
        self.traced.push(TracedCommand { line, name, error: None });
    }

    /// Notes that the last command stopped the queue.
    pub(super) fn traced_error(&mut self, error: u8) {
        if let Some(last) = self.traced.last_mut() {
            last.error = Some(error);
        }
    }

    /// Compares with what the register write on `line` made the model do, and starts afresh.
    pub(super) fn compare(
        &mut self,
        line: u64,
        events: &[Event],
        summary: &mut Summary,
    ) -> Vec<CommandMismatch> {
        let mut traced = std::mem::take(&mut self.traced).into_iter();
        let mut modelled = consumed(events).into_iter();
        let mut mismatches = Vec::new();
        loop {
            let (qemu, model) = match (traced.next(), modelled.next()) {
                (None, None) => return mismatches,
                pair => pair,
            };
            let agrees = match (&qemu, &model) {
                (Some(qemu), Some((command, error))) => {
                    qemu.name == name(*command) && qemu.error == error.map(CommandError::code)
                }
                (_, _) => false,
            };
            let counted = qemu.as_ref().map(|qemu| qemu.name.clone());
            let counted = counted.or_else(|| model.map(|(command, _)| name(command)));
            summary.command(counted.expect("one side has a command"), agrees);
            if !agrees {
                mismatches.push(CommandMismatch { line, qemu, model });
            }
        }
    }
}

/// The specification's name of a command without `CMD_`, or its opcode where it has none.
pub(super) fn name(command: Command) -> String {
    match command.opcode() {
        Some(opcode) => opcode.name().to_owned(),
        None => format!("opcode {:#x}", command.code()),
    }
}

fn consumed(events: &[Event]) -> Vec<(Command, Option<CommandError>)> {
    let mut commands: Vec<(Command, Option<CommandError>)> = Vec::new();
    for event in events {
        if let Event::Command { words, .. } = *event {
            commands.push((Command(words), None));
        } else if let Event::CommandError { error, .. } = *event
            && let Some((_, last_error)) = commands.last_mut()
        {
            *last_error = Some(error);
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use smmu_model::ids::CommandQueue;

    const SYNC: Event = command(0, 0x46);
    const CFGI_CD: Event = command(1, 0x05);
    const RESERVED: Event = command(2, 0xff);
    const ILLEGAL: Event = Event::CommandError { queue: CommandQueue::Main, error: CommandError::Illegal };

    const fn command(index: u32, word0: u64) -> Event {
        Event::Command { queue: CommandQueue::Main, index, words: [word0, 0] }
    }

    /// Counts (agreed, differed) for QEMU's commands, with a code after the name where one failed.
    fn check(traced: &[(&str, Option<u8>)], events: &[Event], expected: (u64, u64)) {
        let (mut order, mut summary) = (CommandOrder::default(), Summary::default());
        for (name, error) in traced {
            order.traced(1, name);
            if let Some(error) = error {
                order.traced_error(*error);
            }
        }
        let mismatches = order.compare(2, events, &mut summary);
        let total = summary.commands_total();
        assert_eq!((total.agreed, total.disagreed), expected, "{traced:?}");
        assert_eq!(u64::try_from(mismatches.len()), Ok(expected.1));
    }

    #[test]
    fn compares_by_order_name_and_error() {
        check(&[], &[], (0, 0));
        check(&[("SMMU_CMD_SYNC", None), ("SMMU_CMD_CFGI_CD", None)], &[SYNC, CFGI_CD], (2, 0));
        check(&[("SMMU_CMD_CFGI_CD", None), ("SMMU_CMD_SYNC", None)], &[SYNC, CFGI_CD], (0, 2));
        check(&[("SMMU_CMD_SYNC", None)], &[SYNC, CFGI_CD], (1, 1));
        check(&[("SMMU_CMD_SYNC", None)], &[], (0, 1));
        check(&[("SMMU_CMD_SYNC", Some(1))], &[SYNC, ILLEGAL], (1, 0));
        check(&[("SMMU_CMD_SYNC", None)], &[SYNC, ILLEGAL], (0, 1));
        check(&[("SMMU_CMD_SYNC", Some(2))], &[SYNC, ILLEGAL], (0, 1));
        check(&[], &[RESERVED, ILLEGAL], (0, 1));
    }
}
