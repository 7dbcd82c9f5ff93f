//! The writer alone: records come from here, not from transactions.

use super::*;
use crate::address::Pa;
use crate::choice::Scripted;
use crate::env::World;
use crate::features::Preset;
use crate::memory::SparseMemory;
use crate::registers::access;
use crate::trace::InterruptSource;

const BASE: u64 = 0x9000_0000;
const EVENTQ_BASE: u64 = 0xa0;
const EVENTQ_PROD: u64 = 0x1_00a8;
const EVENTQ_CONS: u64 = 0x1_00ac;
const GERROR: u64 = 0x60;
const GERRORN: u64 = 0x64;

/// F_TRANSLATION of stream 5 at input address 0x1234_5678.
const FAULT: EventRecord = EventRecord([0x5_0000_0010, 0, 0x1234_5678, 0]);

struct Bench {
    features: Features,
    registers: Registers,
    queue: EventQueue,
    memory: SparseMemory,
    answers: Scripted,
    trace: Vec<Event>,
}

impl Bench {
    /// An enabled queue of 2^`log2_entries` records with interrupts by wire.
    fn new(log2_entries: u64, answers: &[(&str, &str)]) -> Self {
        let features = Features::new(Preset::Max.id_registers()).expect("a preset");
        let (mut memory, mut script, mut trace) = (SparseMemory::new(), Scripted::default(), Vec::new());
        for (choice, answer) in answers {
            script.fix(choice, answer).expect("a choice and its answer");
        }
        let mut world = World { bus: &mut memory, chooser: &mut script, sink: &mut trace };
        let registers = Registers::after_reset(&mut world, &features);
        let queue = EventQueue::default();
        let mut bench = Self { features, registers, queue, memory, answers: script, trace };
        bench.write(EVENTQ_BASE, 8, BASE | log2_entries);
        bench.registers.cr0ack.set_eventqen(true);
        bench.registers.irq_ctrlack.set_eventq_irqen(true);
        bench.trace.clear();
        bench
    }

    fn write(&mut self, offset: u64, size_bytes: u8, value: u64) {
        let mut world = World { bus: &mut self.memory, chooser: &mut self.answers, sink: &mut self.trace };
        access::write(&mut world, &self.features, &mut self.registers, (offset, size_bytes), value)
            .expect("no abort");
    }

    fn read(&mut self, offset: u64) -> u64 {
        let mut world = World { bus: &mut self.memory, chooser: &mut self.answers, sink: &mut self.trace };
        access::read(&mut world, &self.features, &self.registers, offset, 4).expect("no abort")
    }

    /// Records, and says what happened: rules, records and interrupts, each in one word.
    fn record(&mut self, record: EventRecord, mergeable: bool) -> String {
        let mut world = World { bus: &mut self.memory, chooser: &mut self.answers, sink: &mut self.trace };
        self.queue.record(&mut world, &self.features, &mut self.registers, record, mergeable);
        let words: Vec<String> = self.trace.drain(..).filter_map(|event| word(&event)).collect();
        words.join(" ")
    }

    fn abort(&mut self, at: u64, on: bool) {
        self.memory.set_abort(Pa::new(at), Pa::new(at + 31), on);
    }
}

fn word(event: &Event) -> Option<String> {
    if let Event::Rule(rule) = event {
        return Some(rule.label().to_owned());
    }
    if let Event::Record { index, .. } = event {
        return Some(format!("record[{index}]"));
    }
    if let Event::GlobalError { activated } = event {
        return Some(format!("gerror({:#x})", activated.into_bits()));
    }
    if let Event::Interrupt { source, msi } = event {
        assert_ne!(*source, InterruptSource::CommandSync);
        return Some(if msi.is_some() { "msi" } else { "wire" }.to_owned());
    }
    None
}

#[test]
fn records_go_to_their_slots_and_the_first_interrupts() {
    let mut bench = Bench::new(1, &[]);
    assert_eq!(bench.record(FAULT, false), "record[0] wire");
    assert_eq!(bench.record(FAULT, false), "record[1]");
    assert_eq!(bench.read(EVENTQ_PROD), 2);
    let mut bytes = [0; 32];
    bench.memory.read(Pa::new(BASE + 32), &mut bytes).expect("memory");
    assert_eq!(
        bytes[..24],
        [0x10, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0]
    );
    bench.write(EVENTQ_CONS, 4, 2);
    assert_eq!(bench.record(FAULT, false), "record[0] wire");
    assert_eq!(bench.read(EVENTQ_PROD), 3);
}

#[test]
fn a_message_goes_out_beside_the_wire() {
    let mut bench = Bench::new(1, &[]);
    bench.registers.irq_ctrlack.set_eventq_irqen(false);
    bench.write(0xb0, 8, 0x3000);
    bench.write(0xb8, 4, 0x77);
    bench.registers.irq_ctrlack.set_eventq_irqen(true);
    assert_eq!(bench.record(FAULT, false), "record[0] msi wire");
    assert_eq!(bench.memory.read_u64(Pa::new(0x3000)), Ok(0x77));
    bench.write(EVENTQ_CONS, 4, 1);
    bench.abort(0x3000, true);
    assert_eq!(bench.record(FAULT, false), "record[1] IRQ-01 gerror(0x20) wire");
    bench.registers.irq_ctrlack.set_eventq_irqen(false);
    bench.write(EVENTQ_CONS, 4, 2);
    assert_eq!(bench.record(FAULT, false), "record[0]");
}

#[test]
fn a_full_queue_overflows_once_until_acknowledged() {
    let mut bench = Bench::new(0, &[]);
    assert_eq!(bench.record(FAULT, false), "record[0] wire");
    assert_eq!(bench.read(EVENTQ_PROD), 1);
    for rule in ["EVQ-03", "EVQ-10"] {
        assert_eq!(bench.record(FAULT, false), rule);
        assert_eq!(bench.read(EVENTQ_PROD), 0x8000_0001);
    }
    // Space is enough to go on; the flag stays until OVACKFLG equals it.
    bench.write(EVENTQ_CONS, 4, 1);
    assert_eq!(bench.record(FAULT, false), "record[0] wire");
    assert_eq!(bench.record(FAULT, false), "EVQ-10");
    assert_eq!(bench.read(EVENTQ_PROD), 0x8000_0000);
    bench.write(EVENTQ_CONS, 4, 0x8000_0001);
    assert_eq!(bench.record(FAULT, false), "EVQ-03");
    assert_eq!(bench.read(EVENTQ_PROD), 0);
}

#[test]
fn a_disabled_queue_loses_records_without_overflow() {
    let mut bench = Bench::new(0, &[]);
    bench.record(FAULT, false);
    bench.registers.cr0ack.set_eventqen(false);
    assert_eq!(bench.record(FAULT, false), "EVQ-01");
    assert_eq!(bench.read(EVENTQ_PROD), 1);
}

#[track_caller]
fn check_aborted(answer: &str, happened: &str, prod: u64, gerror: u64) -> Bench {
    let mut bench = Bench::new(2, &[("event-write-abort", answer)]);
    bench.registers.irq_ctrlack.set_gerror_irqen(true);
    bench.abort(BASE, true);
    assert_eq!(bench.record(FAULT, false), happened);
    assert_eq!((bench.read(EVENTQ_PROD), bench.read(GERROR)), (prod, gerror), "{answer}");
    bench.abort(BASE, false);
    bench
}

#[test]
fn an_aborted_write_stops_the_queue_if_it_is_reported() {
    for (answer, happened, prod) in
        [("synchronous", "EVQ-04 gerror(0x4) wire", 0), ("asynchronous", "EVQ-04 gerror(0x4) wire wire", 1)]
    {
        let mut bench = check_aborted(answer, happened, prod, 4);
        assert_eq!(bench.record(FAULT, false), "EVQ-02");
        bench.write(GERRORN, 4, 4);
        assert!(bench.record(FAULT, false).starts_with(&format!("record[{prod}]")));
    }
    let mut bench = check_aborted("unreported", "wire", 1, 0);
    assert_eq!(bench.record(FAULT, false), "record[1]");
}

#[test]
fn inconsistent_indexes() {
    for (answer, happened, prod) in [("stop", "EVQ-06", 0), ("proceed", "record[0]", 1)] {
        let mut bench = Bench::new(1, &[("queue-inconsistent", answer)]);
        bench.write(EVENTQ_CONS, 4, 1);
        assert_eq!(bench.record(FAULT, false), happened);
        assert_eq!(bench.read(EVENTQ_PROD), prod);
    }
}

#[track_caller]
fn check_merge(first: EventRecord, second: EventRecord, mergeable: bool, merges: bool) {
    let mut bench = Bench::new(3, &[("event-merge", "merge")]);
    bench.record(first, mergeable);
    let happened = bench.record(second, mergeable);
    assert_eq!(happened, if merges { "EVQ-05" } else { "record[1]" }, "{first:x?} {second:x?}");
}

#[test]
fn repetitions_merge_where_they_may() {
    let with = |word: usize, value: u64| {
        let mut record = FAULT;
        record.0[word] |= value;
        record
    };
    check_merge(FAULT, FAULT, true, true);
    check_merge(FAULT, FAULT, false, false);
    // Another offset in the page is the same fault; another page, stream or access is not.
    check_merge(FAULT, with(2, 0xfff), true, true);
    check_merge(FAULT, with(2, 0x8000), true, false);
    check_merge(FAULT, with(0, 0x8_0000_0000), true, false);
    check_merge(FAULT, with(1, 1 << 35), true, false);
    // A stall stands for a transaction of its own.
    check_merge(with(1, 1 << 31), with(1, 1 << 31), true, false);
    // F_UUT counts the whole address; bit 95 says nothing there.
    let uut = |address| EventRecord([0x5_0000_0001, 1 << 31, address, 0]);
    check_merge(uut(0), uut(0), true, true);
    check_merge(uut(0), uut(1), true, false);
}

#[test]
fn a_record_that_software_took_is_not_merged_with() {
    let mut bench = Bench::new(0, &[("event-merge", "merge")]);
    assert_eq!(bench.record(FAULT, true), "record[0] wire");
    // The queue is full, and needs no space for this.
    assert_eq!(bench.record(FAULT, true), "EVQ-05");
    bench.write(EVENTQ_CONS, 4, 1);
    assert_eq!(bench.record(FAULT, true), "record[0] wire");
    bench.queue.forget();
    assert_eq!(bench.record(FAULT, true), "EVQ-03");
}
