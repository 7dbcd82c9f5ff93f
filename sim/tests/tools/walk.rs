//! `walk` through the tables that a stock Linux driver built.

use smmu_model::address::Iova;
use smmu_model::attributes::Attributes;
use smmu_model::ids::StreamId;
use smmu_model::outcome::Outcome;
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};
use smmu_sim::machine::Machine;
use smmu_sim::output::Format;
use smmu_sim::replay::{identify, machine_at_end, trace::TraceReader};
use smmu_sim::walk::{Walk, machine_with_stream_table};

use crate::captures;

fn at_end(folder: &str) -> Machine {
    machine_at_end(&captures::trace(folder), captures::image(folder)).expect("a capture replays")
}

fn walk(machine: &mut Machine, sid: u32, iova: u64, direction: Direction) -> Walk {
    let transaction = Transaction {
        stream: StreamId(sid),
        substream: None,
        address: Iova::new(iova),
        access: Access::data(direction),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    };
    Walk::new(machine, transaction)
}

fn written(walk: &Walk, format: Format) -> String {
    let mut out = Vec::new();
    walk.write(&mut out, format).expect("memory takes all bytes");
    String::from_utf8(out).expect("a walk is text")
}

#[test]
fn explains_translations_and_faults() {
    let mut machine = at_end(captures::STAGE1);
    insta::assert_snapshot!(
        "stage1-page",
        written(&walk(&mut machine, 0x10, 0xffff_f040, Direction::Write), Format::Text)
    );
    insta::assert_snapshot!(
        "stage1-page-json",
        written(&walk(&mut machine, 0x10, 0xffff_f040, Direction::Write), Format::Json)
    );
    insta::assert_snapshot!(
        "stage1-unmapped",
        written(&walk(&mut machine, 0x8, 0x1000, Direction::Read), Format::Text)
    );
    insta::assert_snapshot!(
        "stage1-no-stream",
        written(&walk(&mut machine, 0x2_0000, 0x1000, Direction::Read), Format::Text)
    );
    let mut machine = at_end(captures::STAGE2);
    insta::assert_snapshot!(
        "stage2-write-only",
        written(&walk(&mut machine, 0x10, 0xffff_f040, Direction::Read), Format::Text)
    );
}

#[test]
fn a_walk_changes_nothing() {
    let mut machine = at_end(captures::STAGE1);
    let first = written(&walk(&mut machine, 8, 0x1000, Direction::Read), Format::Text);
    assert_eq!(machine.read_register(0x1_00a8, 4), Ok(0), "EVENTQ_PROD");
    assert_eq!(written(&walk(&mut machine, 8, 0x1000, Direction::Read), Format::Text), first);
}

/// The same answer from the two registers alone, as nothing else in the trace matters to it.
#[test]
fn a_stream_table_is_enough() {
    let lines = TraceReader::open(captures::trace(captures::STAGE1)).expect("opens");
    let features = identify(lines).expect("QEMU's ID registers are legal").features;
    let image = captures::image(captures::STAGE1);
    let mut alone = machine_with_stream_table(features, image, 0x44e1_7000, 0x1_0210);
    let outcome = walk(&mut alone, 0x10, 0xffff_f040, Direction::Write).outcome();
    assert!(matches!(outcome, Outcome::Done(done) if done.pa.value() == 0x0809_0040), "{outcome:?}");
    let traced = walk(&mut at_end(captures::STAGE1), 0x10, 0xffff_f040, Direction::Write);
    assert_eq!(traced.outcome(), outcome);
}
