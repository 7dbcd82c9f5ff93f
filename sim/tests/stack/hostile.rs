//! Guests that do anything that a guest can do: nothing panics, the neighbours notice nothing, and nothing is left.

use proptest::prelude::*;
use smmu_sim::kernel::{Direction, Kernel};
use smmu_sim::vmm::{GuestDevice, Stalls, Vmm, VmmSetup};

use super::bare::*;
use super::rig::*;

/// One thing that a guest does.
#[derive(Clone, Debug)]
enum Step {
    Write { offset: u64, bytes: u8, value: u64 },
    Read { offset: u64, bytes: u8 },
    Store { address: u64, words: Vec<u64> },
    Command { words: [u64; 2] },
    Ste { stream: u32, words: [u64; 8] },
    Dma { stream: u32, pasid: Option<u32>, write: bool, address: u64, bytes: usize },
    Enable { cr0: u64 },
    Acknowledge,
    Unplug { stream: u32 },
    Plug { stream: u32 },
    Reboot,
    Reset,
}

/// A context that stalls, and its tables: every other page of the first 2 MiB is mapped to guest memory.
const CONTEXT: u64 = RAM + 0x20_0000;
const CD: [u64; 4] =
    [5 << 48 | 0b1111 << 44 | 1 << 41 | 2 << 32 | 0xc000_0000 | 0x3500 | 25, CONTEXT + 0x1000, 0, 0xff];
const TABLE_DESCRIPTOR: u64 = 0b11;
const PAGE_DESCRIPTOR: u64 = 0x743;

/// Words that mean something here and there: addresses of guest memory, few bits, or any.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => (0_u64..0x200).prop_map(|page| RAM + page * 0x1000),
        3 => 0_u64..0x100,
        2 => (0_u32..64).prop_map(|bit| 1 << bit),
        1 => any::<u64>(),
    ]
}

fn offset() -> impl Strategy<Value = u64> {
    let known = vec![
        CR0,
        0x28,
        0x2c,
        GBPA,
        0x50,
        GERROR,
        GERRORN,
        STRTAB_BASE,
        STRTAB_BASE_CFG,
        CMDQ_BASE,
        CMDQ_PROD,
        CMDQ_CONS,
        EVENTQ_BASE,
        EVENTQ_PROD,
        EVENTQ_CONS,
    ];
    prop_oneof![6 => prop::sample::select(known), 2 => 0_u64..0x2_0000, 1 => any::<u64>()]
}

fn stream() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(STREAM), 3 => Just(OTHER_STREAM), 1 => 0_u32..0x400, 1 => any::<u32>()]
}

fn command() -> impl Strategy<Value = [u64; 2]> {
    let opcodes = vec![
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x20, 0x28, 0x2a, 0x30, 0x40, 0x41, 0x44,
        0x45, 0x46, 0x46, 0x50, 0x70,
    ];
    let opcode = prop_oneof![8 => prop::sample::select(opcodes), 1 => 0_u64..0x100];
    let of_stream = (opcode.clone(), stream(), word())
        .prop_map(|(opcode, stream, word1)| [opcode | u64::from(stream) << 32, word1]);
    let of_any = (opcode, word(), word()).prop_map(|(opcode, word0, word1)| [opcode | word0 & !0xff, word1]);
    prop_oneof![2 => of_stream, 1 => of_any]
}

fn ste() -> impl Strategy<Value = [u64; 8]> {
    let config = prop_oneof![6 => Just(0b1011_u64), 1 => 0_u64..16];
    let root = prop_oneof![2 => Just(CONTEXT), 1 => (0_u64..0x200).prop_map(|page| RAM + page * 0x1000)];
    (config, root, word(), prop::array::uniform5(word())).prop_map(|(config, root, word1, rest)| {
        let [word2, word3, word4, word5, word6] = rest;
        [config | root, word1, word2, word3, word4, word5, word6, 0]
    })
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![4 => Just(4_u8), 4 => Just(8), 1 => any::<u8>()];
    let pasid = prop_oneof![3 => Just(None), 1 => (0_u32..20).prop_map(Some)];
    let address = prop_oneof![3 => 0_u64..0x10_0000, 1 => any::<u64>()];
    prop_oneof![
        6 => (offset(), bytes.clone(), word()).prop_map(|(offset, bytes, value)| Step::Write { offset, bytes, value }),
        1 => (offset(), bytes).prop_map(|(offset, bytes)| Step::Read { offset, bytes }),
        4 => ((0_u64..0x8_0000), prop::collection::vec(word(), 1..9))
            .prop_map(|(at, words)| Step::Store { address: RAM + at * 8, words }),
        10 => command().prop_map(|words| Step::Command { words }),
        6 => (stream(), ste()).prop_map(|(stream, words)| Step::Ste { stream: stream % 0x400, words }),
        6 => (stream(), pasid, any::<bool>(), address, 1_usize..5000).prop_map(
            |(stream, pasid, write, address, bytes)| Step::Dma { stream, pasid, write, address, bytes }
        ),
        2 => prop_oneof![3 => Just(ENABLED), 1 => 0_u64..32].prop_map(|cr0| Step::Enable { cr0 }),
        3 => Just(Step::Acknowledge),
        1 => stream().prop_map(|stream| Step::Unplug { stream }),
        1 => stream().prop_map(|stream| Step::Plug { stream }),
        1 => Just(Step::Reboot),
        1 => Just(Step::Reset),
    ]
}

/// A guest without a driver or manners.
struct Hostile {
    vmm: Vmm,
    prod: u64,
}

impl Hostile {
    fn enable(&mut self, kernel: &mut Kernel) {
        self.store(kernel, CONTEXT, &CD);
        self.store(kernel, CONTEXT + 0x1000, &[(CONTEXT + 0x2000) | TABLE_DESCRIPTOR]);
        self.store(kernel, CONTEXT + 0x2000, &[(CONTEXT + 0x3000) | TABLE_DESCRIPTOR]);
        for page in (0..512).step_by(2) {
            self.store(kernel, CONTEXT + 0x3000 + page * 8, &[(RAM + page * PAGE) | PAGE_DESCRIPTOR]);
        }
        for (offset, bytes, value) in [
            (CR0, 4, 0),
            (STRTAB_BASE, 8, TABLE),
            (STRTAB_BASE_CFG, 4, 10),
            (CMDQ_BASE, 8, COMMANDS | 6),
            (EVENTQ_BASE, 8, EVENTS | 3),
            (CMDQ_PROD, 4, 0),
            (CMDQ_CONS, 4, 0),
            (CR0, 4, ENABLED),
        ] {
            self.vmm.mmio_write(kernel, offset, bytes, value).ok();
            self.vmm.run(kernel);
        }
        self.prod = 0;
    }

    fn store(&mut self, kernel: &mut Kernel, address: u64, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.vmm.write_memory(kernel, address, &bytes).ok();
    }

    fn issue(&mut self, kernel: &mut Kernel, words: &[u64]) {
        self.store(kernel, COMMANDS + self.prod % 64 * 16, words);
        self.prod = (self.prod + 1) % 128;
        self.vmm.mmio_write(kernel, CMDQ_PROD, 4, self.prod).ok();
    }

    fn take(&mut self, kernel: &mut Kernel, step: &Step) {
        match step {
            Step::Write { offset, bytes, value } => {
                self.vmm.mmio_write(kernel, *offset, *bytes, *value).ok();
            }
            Step::Read { offset, bytes } => {
                self.vmm.mmio_read(kernel, *offset, *bytes).ok();
            }
            Step::Store { address, words } => self.store(kernel, *address, words),
            Step::Command { words } => self.issue(kernel, words),
            Step::Ste { stream, words } => {
                self.store(kernel, TABLE + u64::from(*stream) * 64, words);
                self.issue(kernel, &[0x03 | u64::from(*stream) << 32, 1]);
            }
            Step::Dma { stream, pasid, write, address, bytes } => {
                let direction = if *write { Direction::Write } else { Direction::Read };
                self.vmm.dma(kernel, *stream, *pasid, direction, *address, *bytes).ok();
            }
            Step::Enable { cr0 } => {
                self.vmm.mmio_write(kernel, CR0, 4, *cr0).ok();
            }
            Step::Acknowledge => {
                let gerror = self.vmm.mmio_read(kernel, GERROR, 4).unwrap_or_default();
                self.vmm.mmio_write(kernel, GERRORN, 4, gerror).ok();
            }
            Step::Unplug { stream } => {
                self.vmm.unplug(kernel, *stream).ok();
            }
            Step::Plug { stream } => {
                let vfio = usize::from(*stream != STREAM);
                self.vmm.plug(kernel, GuestDevice { stream: *stream, vfio }).ok();
            }
            Step::Reboot => self.enable(kernel),
            Step::Reset => self.vmm.reset(kernel).expect("the kernel goes along"),
        }
        self.vmm.run(kernel);
    }
}

/// The devices, of which the second comes and goes; the neighbour has another.
const DEVICES: [GuestDevice; 2] =
    [GuestDevice { stream: STREAM, vfio: 0 }, GuestDevice { stream: OTHER_STREAM, vfio: 1 }];
const NEIGHBOUR: GuestDevice = GuestDevice { stream: STREAM, vfio: 2 };

/// Hardware with everything that can go wrong: stalls, substreams, ATS.
const FIELDS: [(&str, u64); 5] =
    [("IDR0.STALL_MODEL", 0), ("IDR5.STALL_MAX", 4), ("IDR1.SSIDSIZE", 4), ("IDR0.CD2L", 1), ("IDR0.ATS", 1)];

/// Runs the guest beside a neighbour, whose page must stay as it is.
fn check(setup: &VmmSetup, with_ats: bool, steps: &[Step], kills: bool) {
    let mut kernel = Kernel::boot(&machine(&FIELDS)).expect("the machine boots");
    let taken = kernel.host.hardware.taken_bytes();
    let mut neighbour = Vm::boot(&mut kernel, &[NEIGHBOUR]);
    let domain = neighbour.attach_new(&mut kernel, STREAM);
    let page = neighbour.map(&mut kernel, domain, 0x5000, b"quiet");
    let hostile = Vm::try_boot(&mut kernel, setup, |offer| if with_ats { offer.with_ats() } else { offer });
    let mut hostile = Hostile { vmm: hostile.expect("it boots").vmm, prod: 0 };
    hostile.enable(&mut kernel);
    for step in steps {
        hostile.take(&mut kernel, step);
        assert_eq!(
            neighbour.read(&mut kernel, STREAM, 0x5000, 5).as_deref(),
            Some(&b"quiet"[..]),
            "{step:?}"
        );
    }
    assert!(neighbour.write(&mut kernel, STREAM, 0x5005, b"neighbour"));
    assert_eq!(neighbour.peek(&mut kernel, page, 14), b"quietneighbour");
    assert_eq!(neighbour.guest.interrupts(&mut kernel, &mut neighbour.vmm), []);
    // The host can still be worked with.
    if kills {
        hostile.vmm.kill(&mut kernel);
    } else {
        hostile.vmm.take_notes();
        let notes = hostile.vmm.stop(&mut kernel);
        let refused = notes.iter().map(ToString::to_string).find(|line| line.contains("fails"));
        assert_eq!(refused, None, "what it made can be destroyed");
    }
    let mut next = Vm::boot(&mut kernel, &DEVICES);
    let domain = next.attach_new(&mut kernel, STREAM);
    next.map(&mut kernel, domain, 0x6000, b"next");
    assert_eq!(next.read(&mut kernel, STREAM, 0x6000, 4).as_deref(), Some(&b"next"[..]));
    next.vmm.stop(&mut kernel);
    neighbour.vmm.stop(&mut kernel);
    check_nothing_is_left(&kernel);
    // CD tables stay with a device until its driver goes; nothing else does.
    assert_eq!(kernel.host.hardware.taken_bytes(), taken);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_guest_disturbs_nobody(
        steps in prop::collection::vec(step(), 1..150),
        answers in any::<bool>(),
        with_ats in any::<bool>(),
        kills in any::<bool>(),
    ) {
        let stalls = if answers { Stalls::Answered([STREAM].into()) } else { Stalls::Denied };
        let setup = VmmSetup { stalls, event_depth: 8, ..VmmSetup::accelerated(&DEVICES) };
        check(&setup, with_ats, &steps, kills);
    }

    #[test]
    fn an_emulated_guest_disturbs_nobody(steps in prop::collection::vec(step(), 1..150)) {
        check(&VmmSetup::emulated(&DEVICES), true, &steps, true);
    }
}
