//! Registers against the tables of chapter 6: where they lie, what they store, and who may write them when.

mod common;

use common::{Machine, features};
use smmu_model::features::Preset;
use smmu_model::{Progress, Register, RegisterAbort};

/// Offset, name, width in bits, section (§6.2.1–§6.2.3, with BA_VATOS 0).
const MAP: &[(u64, &str, u8, &str)] = &[
    (0x0000, "IDR0", 32, "§6.3.1"),
    (0x0004, "IDR1", 32, "§6.3.2"),
    (0x0008, "IDR2", 32, "§6.3.3"),
    (0x000c, "IDR3", 32, "§6.3.4"),
    (0x0010, "IDR4", 32, "§6.3.5"),
    (0x0014, "IDR5", 32, "§6.3.6"),
    (0x0018, "IIDR", 32, "§6.3.7"),
    (0x001c, "AIDR", 32, "§6.3.8"),
    (0x0020, "CR0", 32, "§6.3.9"),
    (0x0024, "CR0ACK", 32, "§6.3.10"),
    (0x0028, "CR1", 32, "§6.3.11"),
    (0x002c, "CR2", 32, "§6.3.12"),
    (0x0030, "S2PII", 64, "§6.3.17"),
    (0x0040, "STATUSR", 32, "§6.3.13"),
    (0x0044, "GBPA", 32, "§6.3.14"),
    (0x0048, "AGBPA", 32, "§6.3.15"),
    (0x0050, "IRQ_CTRL", 32, "§6.3.16"),
    (0x0054, "IRQ_CTRLACK", 32, "§6.3.18"),
    (0x0060, "GERROR", 32, "§6.3.19"),
    (0x0064, "GERRORN", 32, "§6.3.20"),
    (0x0068, "GERROR_IRQ_CFG0", 64, "§6.3.21"),
    (0x0070, "GERROR_IRQ_CFG1", 32, "§6.3.22"),
    (0x0074, "GERROR_IRQ_CFG2", 32, "§6.3.23"),
    (0x0080, "STRTAB_BASE", 64, "§6.3.24"),
    (0x0088, "STRTAB_BASE_CFG", 32, "§6.3.25"),
    (0x0090, "CMDQ_BASE", 64, "§6.3.26"),
    (0x0098, "CMDQ_PROD", 32, "§6.3.27"),
    (0x009c, "CMDQ_CONS", 32, "§6.3.28"),
    (0x00a0, "EVENTQ_BASE", 64, "§6.3.29"),
    (0x00b0, "EVENTQ_IRQ_CFG0", 64, "§6.3.30"),
    (0x00b8, "EVENTQ_IRQ_CFG1", 32, "§6.3.31"),
    (0x00bc, "EVENTQ_IRQ_CFG2", 32, "§6.3.32"),
    (0x00c0, "PRIQ_BASE", 64, "§6.3.33"),
    (0x00d0, "PRIQ_IRQ_CFG0", 64, "§6.3.34"),
    (0x00d8, "PRIQ_IRQ_CFG1", 32, "§6.3.35"),
    (0x00dc, "PRIQ_IRQ_CFG2", 32, "§6.3.36"),
    (0x0100, "GATOS_CTRL", 32, "§6.3.37"),
    (0x0108, "GATOS_SID", 64, "§6.3.38"),
    (0x0110, "GATOS_ADDR", 64, "§6.3.39"),
    (0x0118, "GATOS_PAR", 64, "§6.3.40"),
    (0x0130, "MPAMIDR", 32, "§6.3.41"),
    (0x0138, "GMPAM", 32, "§6.3.42"),
    (0x013c, "GBPMPAM", 32, "§6.3.43"),
    (0x0180, "VATOS_SEL", 32, "§6.3.44"),
    (0x0190, "IDR6", 32, "§6.3.45"),
    (0x0200, "DPT_BASE", 64, "§6.3.46"),
    (0x0208, "DPT_BASE_CFG", 32, "§6.3.47"),
    (0x0210, "DPT_CFG_FAR", 64, "§6.3.48"),
    (0x100a8, "EVENTQ_PROD", 32, "§6.3.95"),
    (0x100ac, "EVENTQ_CONS", 32, "§6.3.96"),
    (0x100c8, "PRIQ_PROD", 32, "§6.3.97"),
    (0x100cc, "PRIQ_CONS", 32, "§6.3.98"),
    (0x20a00, "VATOS_CTRL", 32, "§6.3.99"),
    (0x20a08, "VATOS_SID", 64, "§6.3.100"),
    (0x20a10, "VATOS_ADDR", 64, "§6.3.101"),
    (0x20a18, "VATOS_PAR", 64, "§6.3.102"),
];

#[test]
fn registers_lie_where_the_memory_map_says() {
    assert_eq!(Register::ALL.len(), MAP.len());
    for (register, &(offset, name, bits, section)) in Register::ALL.iter().zip(MAP) {
        assert_eq!(
            (register.offset(), register.name(), register.size_bytes(), register.section()),
            (offset, name, bits / 8, section)
        );
        assert_eq!(Register::from_name(name), Some(*register));
    }
    assert_eq!(Register::from_name("SMMU_CR0"), None);
}

/// What reads back after all ones were written: v3.4 with 52-bit addresses, then v3.1 with 44 bits and no
/// MSI, ATS, PRI, Hyp, VMW or BTM. Registers that are not here stay 0, or are ID registers.
const ALL_ONES: &[(&str, u64, u64)] = &[
    ("CR0", 0x1df, 0x00d),
    ("CR1", 0xfff, 0xfff),
    ("CR2", 0xf, 0x2),
    ("GBPA", 0x801f_3f1f, 0x801f_3f1f),
    ("IRQ_CTRL", 0x7, 0x5),
    ("GERRORN", 0x1fd, 0x105),
    ("GERROR_IRQ_CFG0", 0x000f_ffff_ffff_fffc, 0),
    ("GERROR_IRQ_CFG1", 0xffff_ffff, 0),
    ("GERROR_IRQ_CFG2", 0x3f, 0),
    ("STRTAB_BASE", 0x400f_ffff_ffff_ffc0, 0x4000_0fff_ffff_ffc0),
    ("STRTAB_BASE_CFG", 0x0003_07ff, 0x0003_07ff),
    ("CMDQ_BASE", 0x400f_ffff_ffff_ffff, 0x4000_0fff_ffff_ffff),
    ("CMDQ_PROD", 0xf_ffff, 0xf_ffff),
    ("CMDQ_CONS", 0x7f0f_ffff, 0x7f0f_ffff),
    ("EVENTQ_BASE", 0x400f_ffff_ffff_ffff, 0x4000_0fff_ffff_ffff),
    ("EVENTQ_IRQ_CFG0", 0x000f_ffff_ffff_fffc, 0),
    ("EVENTQ_IRQ_CFG1", 0xffff_ffff, 0),
    ("EVENTQ_IRQ_CFG2", 0x3f, 0),
    ("PRIQ_BASE", 0x400f_ffff_ffff_ffff, 0),
    ("PRIQ_IRQ_CFG0", 0x000f_ffff_ffff_fffc, 0),
    ("PRIQ_IRQ_CFG1", 0xffff_ffff, 0),
    ("PRIQ_IRQ_CFG2", 0x8000_003f, 0),
    ("EVENTQ_PROD", 0x800f_ffff, 0x800f_ffff),
    ("EVENTQ_CONS", 0x800f_ffff, 0x800f_ffff),
    ("PRIQ_PROD", 0x800f_ffff, 0),
    ("PRIQ_CONS", 0x800f_ffff, 0),
    ("GATOS_SID", 0x001f_ffff_ffff_ffff, 0),
    ("GATOS_ADDR", 0xffff_ffff_ffff_ffc0, 0),
    ("VATOS_SEL", 0xffff, 0),
    ("VATOS_SID", 0x001f_ffff_ffff_ffff, 0),
    ("VATOS_ADDR", 0xffff_ffff_ffff_ffc0, 0),
];

#[test]
fn only_implemented_bits_are_stored() {
    for (preset, column) in [(Preset::Max, 0), (Preset::Qemu11_1, 1)] {
        for register in Register::ALL.iter().filter(|register| !register.name().contains("IDR")) {
            let mut machine = Machine::new(preset);
            for queue in ["CMDQ_BASE", "EVENTQ_BASE", "PRIQ_BASE"] {
                machine.write(queue, 0x1f);
            }
            let before = machine.read(register.name());
            machine.write(register.name(), u64::MAX);
            let row = ALL_ONES.iter().find(|row| row.0 == register.name());
            let expected = row.map_or(before, |row| [row.1, row.2][column]);
            assert_eq!(machine.read(register.name()), expected, "{} of {}", register.name(), preset.name());
            assert_eq!(machine.smmu.peek(*register), expected);
        }
    }
}

#[test]
fn id_registers_show_the_words_of_the_implementation() {
    let mut machine = Machine::new(Preset::Qemu11_1);
    let words = [("IDR0", 0x0d44_101b), ("IDR1", 0x0273_0010), ("IDR3", 0x1414), ("IDR5", 0x74), ("AIDR", 1)];
    for (name, word) in words {
        assert_eq!(machine.read(name), word);
        machine.write(name, !word);
        assert_eq!(machine.rules(), "REG-01");
        assert_eq!(machine.read(name), word);
    }
}

#[test]
fn reset_values() {
    let mut machine = Machine::new(Preset::Max);
    for register in Register::ALL.iter().filter(|register| !register.name().contains("IDR")) {
        let expected = if register.name() == "GBPA" { 0x1000 } else { 0 };
        assert_eq!(machine.read(register.name()), expected, "{}", register.name());
    }
    let mut machine = Machine::with(features(Preset::Max, ""), "reset-unknown=ones gbpa-reset=abort");
    for (name, value) in [
        ("GBPA", 0x0010_1000),
        ("CR0", 0),
        ("CR0ACK", 0),
        ("CR2", 0xf),
        ("IRQ_CTRL", 0),
        ("GERROR", 0),
        ("GERRORN", 0),
        ("STRTAB_BASE", 0x400f_ffff_ffff_ffc0),
        ("EVENTQ_CONS", 0x800f_ffff),
        ("PRIQ_PROD", 0x000f_ffff),
    ] {
        assert_eq!(machine.read(name), value, "{name}");
    }
}

/// Which bit of which register keeps which value from being written (§6.3).
const GUARDS: &[(&str, u64, &str, u64)] = &[
    ("CR0", 1, "CR1", 0x100),
    ("CR0", 8, "CR1", 0x1),
    ("CR0", 4, "CR1", 0x10),
    ("CR0", 2, "CR1", 0x4),
    ("CR0", 1, "CR2", 0x1),
    ("CR0", 1, "STRTAB_BASE", 0x1000),
    ("CR0", 1, "STRTAB_BASE_CFG", 0x6),
    ("CR0", 8, "CMDQ_BASE", 0x1000),
    ("CR0", 8, "CMDQ_CONS", 0x100_0000),
    ("CR0", 4, "EVENTQ_BASE", 0x1000),
    ("CR0", 4, "EVENTQ_PROD", 0x1),
    ("CR0", 2, "PRIQ_BASE", 0x1000),
    ("CR0", 2, "PRIQ_PROD", 0x1),
    ("IRQ_CTRL", 1, "GERROR_IRQ_CFG0", 0x1000),
    ("IRQ_CTRL", 1, "GERROR_IRQ_CFG1", 0x5),
    ("IRQ_CTRL", 1, "GERROR_IRQ_CFG2", 0xf),
    ("IRQ_CTRL", 4, "EVENTQ_IRQ_CFG0", 0x1000),
    ("IRQ_CTRL", 4, "EVENTQ_IRQ_CFG1", 0x5),
    ("IRQ_CTRL", 4, "EVENTQ_IRQ_CFG2", 0xf),
    ("IRQ_CTRL", 2, "PRIQ_IRQ_CFG0", 0x1000),
    ("IRQ_CTRL", 2, "PRIQ_IRQ_CFG1", 0x5),
    ("IRQ_CTRL", 2, "PRIQ_IRQ_CFG2", 0xf),
];

#[test]
fn a_guard_is_closed_until_the_update_that_opens_it_completes() {
    for &(control, enable, guarded, value) in GUARDS {
        let mut machine = Machine::new(Preset::Max);
        let refused = |machine: &mut Machine| {
            machine.rules();
            machine.write(guarded, value);
            assert_eq!(machine.rules(), "REG-02", "{guarded} by {control}[{enable:#x}]");
            assert_eq!(machine.read(guarded), 0, "{guarded} by {control}[{enable:#x}]");
        };
        machine.write(control, enable);
        refused(&mut machine);
        machine.settle();
        refused(&mut machine);
        machine.write(control, 0);
        refused(&mut machine);
        machine.settle();
        machine.write(guarded, value);
        assert_eq!(machine.rules(), "");
        assert_eq!(machine.read(guarded), value, "{guarded}");
    }
}

#[test]
fn before_v3_2_a_guarded_write_may_store() {
    for &(control, enable, guarded, value) in GUARDS {
        let old = features(
            Preset::Max,
            "ArchMinorRev=1 OAS=5 DS=0 VAX=0 PTWNNC=0 E0PD=0 EPAN=0 MTEPERM=0 AIE=0 PASIDTT=0 ATSRECERR=0",
        );
        let mut machine = Machine::with(old, "guarded-write=store");
        machine.write(control, enable);
        machine.write(guarded, value);
        assert_eq!(machine.read(guarded), value, "{guarded} by {control}[{enable:#x}]");
    }
}

#[test]
fn a_guard_lets_neighbouring_fields_and_equal_values_pass() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("CR1", 0x300);
    machine.write("CR0", 1);
    machine.settle();
    machine.write("CR1", 0x315);
    assert_eq!((machine.read("CR1"), machine.rules().as_str()), (0x315, ""));
    machine.write("CR1", 0x015);
    assert_eq!((machine.read("CR1"), machine.rules().as_str()), (0x315, "REG-02"));
}

#[test]
fn updates_complete_one_by_one() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("CR0", 0x11f | 0x40);
    assert_eq!((machine.read("CR0"), machine.read("CR0ACK")), (0x15f, 0));
    for acknowledged in [0x001, 0x003, 0x007, 0x00f, 0x01f, 0x15f] {
        assert_eq!(machine.step(), Progress::Worked);
        assert_eq!(machine.read("CR0ACK"), acknowledged);
    }
    machine.write("IRQ_CTRL", 7);
    machine.write("GBPA", 0x8010_0000);
    for (irq, gbpa) in [(1, 0x8010_0000), (3, 0x8010_0000), (7, 0x8010_0000), (7, 0x0010_0000)] {
        assert_eq!(machine.step(), Progress::Worked);
        assert_eq!((machine.read("IRQ_CTRLACK"), machine.read("GBPA")), (irq, gbpa));
    }
    assert_eq!(machine.step(), Progress::Idle);
}

#[track_caller]
fn check_rewrite(answer: &str, changes: &str, [first, second]: [u64; 2], expected: u64) {
    let answers = format!("control-rewrite={answer}");
    let mut machine = Machine::with(features(Preset::Qemu11_1, changes), &answers);
    machine.write("CR0", first);
    machine.write("CR0", second);
    assert_eq!(machine.rules(), if first == second { "" } else { "REG-07" });
    machine.settle();
    assert_eq!((machine.read("CR0"), machine.read("CR0ACK")), (expected, expected), "{answer}");
}

#[test]
fn a_field_rewritten_during_its_update() {
    check_rewrite("first-wins", "", [1, 0], 1);
    check_rewrite("cease", "", [1, 0], 0);
    check_rewrite("last-wins", "", [1, 0], 0);
    check_rewrite("first-wins", "", [1, 1], 1);
    check_rewrite("first-wins", "VMW=1", [0x40, 0x80], 0x40);
    check_rewrite("cease", "VMW=1", [0x40, 0x80], 0x40);
    check_rewrite("last-wins", "VMW=1", [0x40, 0x80], 0x80);
    // From v3.2 the last value cannot win.
    check_rewrite("last-wins", "VMW=1 ArchMinorRev=2 HYP=1 FWB=1 STT=0", [0x40, 0x80], 0x40);
}

#[test]
fn gbpa_takes_a_value_only_with_update() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("GBPA", 0x0010_0000);
    assert_eq!((machine.read("GBPA"), machine.rules().as_str()), (0x1000, "REG-06"));
    machine.write("GBPA", 0x8010_0000);
    machine.write("GBPA", 0x8000_2000);
    assert_eq!((machine.read("GBPA"), machine.rules().as_str()), (0x8010_0000, "REG-06"));
    machine.settle();
    assert_eq!(machine.read("GBPA"), 0x0010_0000);

    let old = features(Preset::Qemu11_1, "");
    let mut machine = Machine::with(old, "gbpa-no-update=apply gbpa-busy=store");
    machine.write("GBPA", 0x0010_0000);
    assert_eq!((machine.read("GBPA"), machine.rules().as_str()), (0x0010_0000, ""));
    machine.write("GBPA", 0x8000_1000);
    machine.write("GBPA", 0x8000_2000);
    machine.settle();
    assert_eq!(machine.read("GBPA"), 0x2000);
}

#[test]
fn toggling_an_inactive_error() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("GERRORN", 1);
    assert_eq!((machine.read("GERROR"), machine.read("GERRORN")), (0, 1));
    assert_eq!(machine.rules(), "REG-08");
    let mut machine = Machine::with(features(Preset::Max, ""), "gerrorn-inactive=stay");
    machine.write("GERRORN", 1);
    assert_eq!((machine.read("GERROR"), machine.read("GERRORN")), (1, 1));
}

#[test]
fn cmdq_cons_err_may_keep_its_own_value() {
    for (answer, expected) in [("take", 0x0200_0000), ("keep", 0)] {
        let answers = format!("cmdq-cons-err-write={answer}");
        let mut machine = Machine::with(features(Preset::Max, ""), &answers);
        machine.write("CMDQ_CONS", 0x0200_0000);
        assert_eq!(machine.read("CMDQ_CONS"), expected);
    }
}

#[test]
fn index_bits_above_the_wrap_flag_are_not_stored() {
    let mut machine = Machine::new(Preset::Max);
    machine.write("CMDQ_BASE", 3);
    machine.write("CMDQ_PROD", 0xf_ffff);
    assert_eq!(machine.read("CMDQ_PROD"), 0xf);
    machine.write("CMDQ_BASE", 1);
    assert_eq!(machine.read("CMDQ_PROD"), 0x3);
    // IDR1.CMDQS caps LOG2SIZE, which reads back as written.
    let mut machine = Machine::with(features(Preset::Max, "CMDQS=2"), "");
    machine.write("CMDQ_BASE", 8);
    machine.write("CMDQ_PROD", 0xf_ffff);
    assert_eq!((machine.read("CMDQ_BASE"), machine.read("CMDQ_PROD")), (8, 0x7));
}

#[test]
fn halves_of_64_bit_registers() {
    let mut machine = Machine::new(Preset::Max);
    machine.write_at(0x84, 4, 0x4000_0012).unwrap();
    machine.write_at(0x80, 4, 0x3456_7fff).unwrap();
    assert_eq!(machine.read("STRTAB_BASE"), 0x4000_0012_3456_7fc0);
    assert_eq!(machine.read_at(0x80, 4), Ok(0x3456_7fc0));
    assert_eq!(machine.read_at(0x84, 4), Ok(0x4000_0012));
    assert_eq!(machine.rules(), "");
}

#[track_caller]
fn check_write(answers: &str, (offset, size, value): (u64, u8, u64), name: &str, expected: u64, rules: &str) {
    let mut machine = Machine::with(features(Preset::Max, ""), answers);
    machine.write_at(offset, size, value).expect("no abort");
    assert_eq!(machine.rules(), rules, "{answers}");
    assert_eq!(machine.read(name), expected, "{answers}: {name}");
}

#[test]
fn accesses_that_the_architecture_leaves_open() {
    check_write("", (0x28, 2, 0xfff), "CR1", 0, "REG-03");
    check_write("", (0x2a, 4, 0xfff), "CR1", 0, "REG-03");
    check_write("", (0x28, 8, 0xf_0000_0fff), "CR1", 0, "REG-04");
    for (answer, cr1, cr2) in [
        ("raz-wi", 0, 0),
        ("low-first", 0xfff, 0xf),
        ("high-first", 0xfff, 0xf),
        ("low-only", 0xfff, 0),
        ("high-only", 0, 0xf),
    ] {
        let answers = format!("register-pair={answer}");
        check_write(&answers, (0x28, 8, 0xf_0000_0fff), "CR1", cr1, "REG-04");
        check_write(&answers, (0x28, 8, 0xf_0000_0fff), "CR2", cr2, "REG-04");
    }
    check_write("", (0xac, 4, 1), "EVENTQ_CONS", 1, "");
    check_write("page0-alias=raz-wi", (0xac, 4, 1), "EVENTQ_CONS", 0, "REG-05");
    check_write("", (0x1_0028, 4, 0xfff), "CR1", 0, "REG-05");
    check_write("page1-undefined=page0", (0x1_0028, 4, 0xfff), "CR1", 0xfff, "");
    check_write("page1-undefined=page0", (0x1_0080, 8, 0x1000), "STRTAB_BASE", 0x1000, "");
    check_write("", (0x4000, 4, 1), "CR1", 0, "REG-05");
    check_write("", (0x8020, 8, 1), "CR0", 0, "REG-05");
    check_write("", (0xffff_ffff_ffff_fff8, 8, 1), "CR0", 0, "REG-05");
    let mut machine =
        Machine::with(features(Preset::Max, ""), "register-access-size=abort register-pair=abort");
    assert_eq!(machine.read_at(0x20, 1), Err(RegisterAbort));
    assert_eq!(machine.write_at(0x20, 8, 0), Err(RegisterAbort));
    assert_eq!(machine.read_at(0x20, 0), Err(RegisterAbort));
}

#[test]
fn a_read_of_a_pair_has_the_lower_register_low() {
    for (answer, value) in [("low-first", 0x74_0000_0000), ("low-only", 0), ("high-only", 0x74_0000_0000)] {
        let answers = format!("register-pair={answer}");
        let mut machine = Machine::with(features(Preset::Qemu11_1, ""), &answers);
        assert_eq!(machine.read_at(0x10, 8), Ok(value), "{answer}");
    }
}
