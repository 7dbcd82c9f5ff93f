//! The Command queue: reading, errors, recovery, and how a CMD_SYNC tells of its completion (§4.1, §7.1).

mod common;

use common::{Machine, features};
use smmu_model::address::Pa;
use smmu_model::features::Preset;
use smmu_model::ids::CommandQueue;
use smmu_model::layout::register::Gerror;
use smmu_model::rule::CommandError;
use smmu_model::trace::{Event, InterruptSource};
use smmu_model::{Progress, Register};

const BASE: u64 = 0x8000_0000;
const SYNC: [u64; 2] = [0x46, 0];
const CFGI_ALL: [u64; 2] = [0x04, 31];
const RESERVED: [u64; 2] = [0, 0];

/// A running queue of 2^`log2_entries` commands, with room for the first `commands`.
#[track_caller]
fn queue(preset_answers: (Preset, &str), log2_entries: u64, commands: &[[u64; 2]]) -> Machine {
    let (preset, answers) = preset_answers;
    let mut machine = Machine::with(features(preset, ""), answers);
    machine.write("CMDQ_BASE", BASE | log2_entries);
    for (index, command) in (0..).zip(commands) {
        put(&mut machine, index, *command);
    }
    machine.write("CMDQ_PROD", commands.len().try_into().unwrap());
    machine.write("CR0", 8);
    assert_eq!(machine.step(), Progress::Worked);
    machine.rules();
    machine
}

fn put(machine: &mut Machine, index: u64, [word0, word1]: [u64; 2]) {
    machine.store(BASE + 16 * index, &word0.to_le_bytes());
    machine.store(BASE + 16 * index + 8, &word1.to_le_bytes());
}

#[test]
fn one_step_consumes_one_command() {
    let mut machine = queue((Preset::Max, ""), 2, &[CFGI_ALL, SYNC]);
    for cons in [1, 2] {
        assert_eq!(machine.step(), Progress::Worked);
        assert_eq!(machine.read("CMDQ_CONS"), cons);
        assert_eq!(machine.rules(), "CMD-22");
    }
    assert_eq!(machine.step(), Progress::Idle);
}

#[test]
fn nothing_is_consumed_before_cmdqen_is_acknowledged() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("CMDQ_PROD", 1);
    assert_eq!(machine.step(), Progress::Idle);
}

#[test]
fn a_full_queue_is_consumed_around_the_wrap() {
    let mut machine = queue((Preset::Max, ""), 1, &[SYNC, SYNC]);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS"), 2);
    machine.write("CMDQ_PROD", 3);
    machine.settle();
    machine.write("CMDQ_PROD", 1);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS"), 1);
    assert_eq!(machine.step(), Progress::Idle);
}

/// The base is aligned to the queue, and LOG2SIZE capped by IDR1.CMDQS (§6.3.26).
#[test]
fn the_base_is_aligned_to_the_effective_size() {
    let mut machine = Machine::with(features(Preset::Max, "CMDQS=4"), "");
    machine.write("CMDQ_BASE", BASE | 0x1e0 | 8);
    machine.write("CMDQ_CONS", 1);
    machine.write("CMDQ_PROD", 2);
    machine.store(BASE + 0x110, &0x46_u64.to_le_bytes());
    machine.write("CR0", 8);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS"), 2);
}

#[track_caller]
fn check_error(machine: &mut Machine, error: CommandError, cons: u64, rules: &str) {
    machine.trace.clear();
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS"), cons);
    assert_eq!(machine.read("GERROR") ^ machine.read("GERRORN"), 1);
    let activated = Gerror::new().with_cmdq_err(true);
    let last = machine.trace.iter().rev().take(2).collect::<Vec<_>>();
    assert_eq!(
        last,
        [&Event::GlobalError { activated }, &Event::CommandError { queue: CommandQueue::Main, error }]
    );
    assert_eq!(machine.rules(), rules);
}

#[test]
fn an_error_stops_at_its_command_until_it_is_acknowledged() {
    let mut machine = queue((Preset::Max, ""), 2, &[SYNC, RESERVED, SYNC]);
    check_error(&mut machine, CommandError::Illegal, 0x0100_0001, "CMD-22 CMD-02");
    // Neither a doorbell nor the enable resumes.
    machine.write("CMDQ_PROD", 3);
    machine.write("CR0", 0);
    machine.settle();
    machine.write("CR0", 8);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS"), 0x0100_0001);
    put(&mut machine, 1, CFGI_ALL);
    machine.write("GERRORN", 1);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS") & 0xf_ffff, 3);
    assert_eq!(machine.read("GERROR"), 1);
}

#[test]
fn an_aborted_fetch_is_an_error_and_can_be_repeated() {
    let mut machine = queue((Preset::Max, ""), 2, &[SYNC, SYNC]);
    machine.abort(BASE + 0x18, BASE + 0x18, true);
    check_error(&mut machine, CommandError::Abort, 0x0200_0001, "CMD-22 CMD-01");
    machine.write("GERRORN", 1);
    machine.trace.clear();
    machine.settle();
    // The second error toggles GERROR back.
    assert_eq!((machine.read("GERROR"), machine.read("GERRORN")), (0, 1));
    machine.abort(0, u64::MAX, false);
    machine.write("GERRORN", 0);
    machine.settle();
    assert_eq!(machine.read("CMDQ_CONS") & 0xf_ffff, 2);
}

#[test]
fn prod_may_go_back_to_cons_while_the_error_is_active() {
    let mut machine = queue((Preset::Max, ""), 2, &[RESERVED, SYNC]);
    machine.settle();
    machine.write("CMDQ_PROD", 0);
    machine.write("GERRORN", 1);
    assert_eq!(machine.step(), Progress::Idle);
}

#[test]
fn inconsistent_indexes_stop_the_queue_or_not() {
    for (answer, cons, rules) in [("stop", 0, "CMD-21"), ("proceed", 3, "CMD-22 CMD-22 CMD-22")] {
        let answers = format!("queue-inconsistent={answer}");
        let mut machine = queue((Preset::Max, &answers), 1, &[SYNC, SYNC]);
        machine.write("CMDQ_PROD", 3);
        machine.settle();
        assert_eq!((machine.read("CMDQ_CONS"), machine.rules().as_str()), (cons, rules));
    }
}

#[test]
fn ats_commands_are_ignored_while_the_smmu_is_disabled() {
    let commands = [[0x40, 0], [0x41, 0], [0x40, 0]];
    let mut machine = queue((Preset::Max, ""), 2, &commands[..2]);
    machine.settle();
    assert_eq!(machine.rules(), "CMD-22 CMD-19 CMD-22 CMD-19");
    put(&mut machine, 2, commands[2]);
    machine.write("CR0", 9);
    machine.write("CMDQ_PROD", 3);
    machine.settle();
    assert_eq!(machine.rules(), "CMD-22");
}

#[test]
fn an_out_of_range_command_is_consumed() {
    let mut machine = queue((Preset::Qemu11_1, ""), 2, &[[0xffff_ffff_0000_0003, 0]]);
    machine.settle();
    assert_eq!((machine.read("CMDQ_CONS"), machine.rules().as_str()), (1, "CMD-22 CMD-18"));
}

fn interrupts(machine: &Machine) -> Vec<(InterruptSource, Option<(u64, u32)>)> {
    let interrupt = |event: &Event| {
        let Event::Interrupt { source, msi } = event else { return None };
        Some((*source, msi.map(|(to, data)| (to.value(), data))))
    };
    machine.trace.iter().filter_map(interrupt).collect()
}

/// SIG_IRQ with MSIData 0xcafe.
const fn sync_msi(address: u64) -> [u64; 2] {
    [0xcafe_0000_1046, address]
}

#[test]
fn sync_tells_of_its_completion() {
    use InterruptSource::CommandSync;
    let run = |preset, command| {
        let mut machine = queue((preset, ""), 2, &[command]);
        machine.settle();
        assert_eq!(machine.read("CMDQ_CONS"), 1);
        interrupts(&machine)
    };
    assert_eq!(run(Preset::Max, SYNC), []);
    assert_eq!(run(Preset::Max, [0x2046, 0]), []);
    assert_eq!(run(Preset::Max, sync_msi(0)), [(CommandSync, None)]);
    // The wire is pulsed whether there is a message or not (§4.7.3).
    assert_eq!(
        run(Preset::Max, sync_msi(0x1004)),
        [(CommandSync, Some((0x1004, 0xcafe))), (CommandSync, None)]
    );
    // Without MSI support there is only the wire.
    assert_eq!(run(Preset::Qemu11_1, sync_msi(0x1004)), [(CommandSync, None)]);
}

#[test]
fn sync_writes_its_message() {
    let mut machine = queue((Preset::Max, ""), 2, &[sync_msi(0x1004)]);
    machine.store(0x1000, &[0xff; 16]);
    machine.settle();
    let mut bytes = [0; 16];
    smmu_model::bus::Bus::read(&mut machine.memory, Pa::new(0x1000), &mut bytes).unwrap();
    assert_eq!(bytes, [255, 255, 255, 255, 0xfe, 0xca, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
}

#[test]
fn wake_ups_need_sev() {
    for (changes, expected) in [("", 0), ("SEV=1", 3)] {
        let mut machine = Machine::with(features(Preset::Max, changes), "");
        machine.write("CMDQ_BASE", BASE);
        machine.write("CR0", 8);
        for prod in [1, 0] {
            put(&mut machine, 0, if prod == 1 { SYNC } else { [0x2046, 0] });
            machine.write("CMDQ_PROD", prod);
            machine.settle();
        }
        // Twice the full queue of one entry gets space, once SIG_SEV asks for it.
        let count = machine.trace.iter().filter(|event| **event == Event::WakeUp).count();
        assert_eq!(count, expected, "{changes}");
    }
}

/// An aborted message is a global error of its own, whose interrupt may abort too (§7.5.1).
#[test]
fn an_aborted_message_becomes_a_global_error() {
    let mut machine = queue((Preset::Max, ""), 2, &[sync_msi(0x1004), SYNC]);
    machine.write("GERROR_IRQ_CFG0", 0x2000);
    machine.write("GERROR_IRQ_CFG1", 7);
    machine.write("IRQ_CTRL", 1);
    machine.abort(0x1000, 0x1fff, true);
    machine.settle();
    assert_eq!(machine.read("GERROR"), 0x10);
    assert_eq!(machine.read("CMDQ_CONS"), 2, "the queue goes on");
    let (error, sync) = (InterruptSource::GlobalError, InterruptSource::CommandSync);
    assert_eq!(interrupts(&machine), [(error, Some((0x2000, 7))), (error, None), (sync, None)]);
    assert_eq!(machine.rules(), "CMD-22 IRQ-01 CMD-22");

    machine.abort(0x2000, 0x2fff, true);
    machine.write("GERRORN", 0x10);
    put(&mut machine, 2, sync_msi(0x1004));
    machine.write("CMDQ_PROD", 3);
    machine.settle();
    assert_eq!(machine.smmu.peek(Register::Gerror), 0x80, "toggled back, and MSI_GERROR_ABT_ERR");
    assert_eq!(interrupts(&machine), [(error, None), (sync, None)]);
    assert_eq!(machine.rules(), "CMD-22 IRQ-01 IRQ-01");
}

#[test]
fn a_command_error_interrupts_by_wire_without_a_message_address() {
    let mut machine = queue((Preset::Max, ""), 2, &[RESERVED]);
    machine.write("IRQ_CTRL", 1);
    machine.settle();
    assert_eq!(interrupts(&machine), [(InterruptSource::GlobalError, None)]);
}
