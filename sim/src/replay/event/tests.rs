//! Lines as QEMU writes them, in several versions, and lines that are broken.

use super::{MmioAccess, TraceEvent, TracedPermission, TracedStages};
use crate::replay::fields::Expected;

fn check(line: &str, expected: Result<TraceEvent, Expected>) {
    assert_eq!(TraceEvent::parse(line), expected, "{line}");
}

/// `line` is as expected, and every cut through it is either refused or an event of the same kind.
fn check_accepted(line: &str, expected: TraceEvent) {
    let kind = std::mem::discriminant(&expected);
    for (end, _) in line.char_indices() {
        if let Ok(event) = TraceEvent::parse(line.split_at(end).0) {
            let is_other = matches!(event, TraceEvent::Other { .. });
            assert!(is_other || std::mem::discriminant(&event) == kind, "cut at {end} of {line}");
        }
    }
    let longer = format!("{line} and more");
    match last_word(expected.clone()) {
        Some(extended) => check(&longer, Ok(extended)),
        None => check(&longer, Err(Expected::LineEnd)),
    }
    check(&format!("1234@1700000000.123456:{line}"), Ok(expected.clone()));
    check(line, Ok(expected));
}

/// The event with a longer last word, if it ends in one that may be any text.
fn last_word(event: TraceEvent) -> Option<TraceEvent> {
    let longer = |word: String| format!("{word} and more");
    if let TraceEvent::CommandOpcode { name } = event {
        Some(TraceEvent::CommandOpcode { name: longer(name) })
    } else if let TraceEvent::NotifierAdded { device } = event {
        Some(TraceEvent::NotifierAdded { device: longer(device) })
    } else if let TraceEvent::NotifierRemoved { device } = event {
        Some(TraceEvent::NotifierRemoved { device: longer(device) })
    } else {
        None
    }
}

const DEVICE: &str = "smmuv3-iommu-memory-region-8-1";

#[test]
fn reads_register_accesses() {
    let read = MmioAccess { offset: 0, value: 0xd44_101b, size_bytes: 4, result: 0 };
    check_accepted("smmuv3_read_mmio addr: 0x0 val:0xd44101b size: 0x4(0)", TraceEvent::MmioRead(read));
    let write = MmioAccess { offset: 0x98, value: 0x197, size_bytes: 4, result: 0 };
    check_accepted("smmuv3_write_mmio addr: 0x98 val:0x197 size: 0x4(0)", TraceEvent::MmioWrite(write));
}

#[test]
fn reads_commands() {
    let opcode = TraceEvent::CommandOpcode { name: "SMMU_CMD_SYNC".to_owned() };
    check_accepted("smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC", opcode);
    let error = TraceEvent::CommandError { name: "SMMU_CMD_CFGI_STE".to_owned(), error: 1 };
    check_accepted("smmuv3_cmdq_consume_error Error on SMMU_CMD_CFGI_STE command execution: 1", error);
}

#[test]
fn reads_descriptors() {
    check_accepted(
        "smmu_get_pte baseaddr=0x44a3b000 index=0x1e3, pteaddr=0x44a3bf18, pte=0x44d6bf47",
        TraceEvent::DescriptorRead {
            base: 0x44a3_b000,
            index: 0x1e3,
            address: 0x44a3_bf18,
            value: 0x44d6_bf47,
        },
    );
}

#[test]
fn reads_translations() {
    check_accepted(
        "smmuv3_translate_success smmuv3-iommu-memory-region-8-1 sid=0x8 iova=0xffffd000 \
         translated=0x44a40000 perm=0x3 stage=1",
        TraceEvent::TranslateSuccess {
            device: DEVICE.to_owned(),
            sid: 8,
            iova: 0xffff_d000,
            translated: 0x44a4_0000,
            permission: TracedPermission::ReadWrite,
            stages: TracedStages::Stage1,
        },
    );
    check_accepted(
        "smmuv3_translate_success smmuv3-iommu-memory-region-16-2 sid=0x10 iova=0xfffff040 \
         translated=0x8090040 perm=0x2 stage=2",
        TraceEvent::TranslateSuccess {
            device: "smmuv3-iommu-memory-region-16-2".to_owned(),
            sid: 0x10,
            iova: 0xffff_f040,
            translated: 0x809_0040,
            permission: TracedPermission::Write,
            stages: TracedStages::Stage2,
        },
    );
}

#[test]
fn reads_outcomes_without_a_translation() {
    let (device, sid, iova) = (DEVICE.to_owned(), 8, 0x1000);
    check_accepted(
        "smmuv3_translate_disable smmuv3-iommu-memory-region-8-1 sid=0x8 bypass (smmu disabled) iova:0x1000 is_write=1",
        TraceEvent::TranslateDisable { device: device.clone(), sid, iova },
    );
    check_accepted(
        "smmuv3_translate_bypass smmuv3-iommu-memory-region-8-1 sid=0x8 STE bypass iova:0x1000 is_write=1",
        TraceEvent::TranslateBypass { device: device.clone(), sid, iova },
    );
    check_accepted(
        "smmuv3_translate_abort smmuv3-iommu-memory-region-8-1 sid=8 abort on iova:0x1000 is_write=0",
        TraceEvent::TranslateAbort { device, sid, iova },
    );
}

#[test]
fn reads_events_errors_and_notifiers() {
    let recorded = TraceEvent::EventRecorded { name: "SMMU_EVT_F_TRANSLATION".to_owned(), sid: 16 };
    check_accepted("smmuv3_record_event SMMU_EVT_F_TRANSLATION sid=0x10", recorded.clone());
    check_accepted("smmuv3_record_event SMMU_EVT_F_TRANSLATION sid=16", recorded);
    check_accepted("smmuv3_trigger_irq irq=3", TraceEvent::Interrupt { irq: 3 });
    let raised = TraceEvent::GerrorRaised { toggled: 1, gerror: 5 };
    check_accepted("smmuv3_write_gerror toggled=0x1, new GERROR=0x5", raised);
    let acknowledged = TraceEvent::GerrorAcknowledged { acknowledged: 1, gerrorn: 1 };
    check_accepted("smmuv3_write_gerrorn acked=0x1, new GERRORN=0x1", acknowledged);
    check_accepted(
        "smmuv3_notify_flag_add ADD SMMUNotifier node for iommu mr=smmuv3-iommu-memory-region-8-1",
        TraceEvent::NotifierAdded { device: DEVICE.to_owned() },
    );
    check_accepted(
        "smmuv3_notify_flag_del DEL SMMUNotifier node for iommu mr=smmuv3-iommu-memory-region-8-1",
        TraceEvent::NotifierRemoved { device: DEVICE.to_owned() },
    );
}

#[test]
fn reads_the_address_of_a_walk_with_and_without_its_stage() {
    let rest = "subpage_sz=0x8000000000 baseaddr=0x44ee7000 offset=0 => pte=0x44a2d003";
    let iova = 0xffff_d000;
    check(
        &format!("smmu_ptw_level stage=2 level=0 iova=0xffffd000 {rest}"),
        Ok(TraceEvent::WalkLevel { stage: 2, iova }),
    );
    check(
        &format!("smmu_ptw_level level=0 iova=0xffffd000 {rest}"),
        Ok(TraceEvent::WalkLevel { stage: 1, iova }),
    );
    check("smmu_ptw_level level=0 iova=0xffffd000", Err(Expected::Text(" subpage_sz=")));
}

/// The first line of each kind in the captures that carries nothing to compare.
#[test]
fn passes_over_other_events() {
    let lines = "\
smmu_ptw_block_pte stage=1 level=2 base@=0x44a3a000 pte@=0x44a3afe0 pte=0x46200f45 iova=0xff800000 block address = 0x46200000 block size = 2 MiB
smmu_ptw_page_pte stage=1 level=3 iova=0xffffd000 base@=0x44a23000 pte@=0x44a23fe8 pte=0x44a40f47 page address = 0x44a40000
smmuv3_cmdq_cfgi_cd sid=0x0
smmuv3_cmdq_cfgi_ste streamid= 0x0
smmuv3_cmdq_cfgi_ste_range start=0x0 - end=0xffffffff
smmuv3_cmdq_consume prod=2 cons=0 prod.wrap=0 cons.wrap=0
smmuv3_cmdq_consume_out prod:0, cons:0, prod_wrap:0, cons_wrap:0\u{20}
smmuv3_cmdq_tlbi_nsnh\u{20}
smmuv3_decode_cd oas=44
smmuv3_decode_cd_tt TT[0]:tsz:16 ttb:0x44ee7000 granule_sz:12 had:0
smmuv3_find_ste sid=0x8 features:0x1, sid_split:0x8
smmuv3_find_ste_2lvl strtab_base:0x4000000044e17000 l1ptr:0x44e17000 l1_off:0x0, l2ptr:0x5be20000 l2_off:0x8 max_l2_ste:511
smmuv3_get_cd CD addr: 0x44e10000
smmuv3_get_ste STE addr: 0x5be20200";
    for line in lines.lines() {
        let name = line.split(' ').next().expect("a first word").to_owned();
        check(line, Ok(TraceEvent::Other { name }));
    }
}

#[test]
fn names_what_is_missing() {
    let success = "smmuv3_translate_success d sid=0x8 iova=0x1000 translated=0x2000 perm=0x3 stage=1";
    let broken = [
        (success.replace("iova=0x1000", "iova=banana"), Expected::Hex(" iova=")),
        (success.replace("iova=0x1000", "iova=0x"), Expected::Hex(" iova=")),
        (success.replace("iova=0x1000", "iova=0x+1"), Expected::Hex(" iova=")),
        (success.replace("iova=0x1000", "iova=0x10000000000000000"), Expected::Hex(" iova=")),
        (success.replace(" iova=0x1000", ""), Expected::Text(" iova=")),
        (success.replace("d sid=", "sid="), Expected::WordBefore(" sid=")),
        (success.replace("sid=0x8", "sid=0x100000000"), Expected::Number(" sid=")),
        (success.replace("perm=0x3", "perm=0x4"), Expected::Permission(" perm=")),
        (success.replace("stage=1", "stage=0"), Expected::Stage(" stage=")),
        (success.replace("stage=1", "stage=one"), Expected::Decimal(" stage=")),
        (success.replace(" stage=1", ""), Expected::Text(" stage=")),
        ("smmuv3_read_mmio addr: 0x0 val:12 size: 0x4(0)".to_owned(), Expected::Hex(" val:")),
        ("smmuv3_write_mmio addr: 0x0 val:0x1 size: 0x4(0".to_owned(), Expected::Text(")")),
        ("smmuv3_write_mmio addr: 0x0 val:0x1 size: 0x400(0)".to_owned(), Expected::Hex(" size: ")),
        ("smmuv3_cmdq_opcode SMMU_CMD_SYNC".to_owned(), Expected::Text("<--- ")),
        ("smmuv3_cmdq_opcode <--- ".to_owned(), Expected::Text("<--- ")),
        ("smmuv3_cmdq_consume_error Error on X: 1".to_owned(), Expected::WordBefore(" command execution: ")),
        ("smmu_get_pte baseaddr=0x0 index=5, pteaddr=0x0, pte=0x0".to_owned(), Expected::Hex(" index=")),
        (
            "smmuv3_translate_abort d sid=0x8 STE bypass iova:0x0 is_write=0".to_owned(),
            Expected::Text(" abort on iova:"),
        ),
        ("smmuv3_record_event sid=0x8".to_owned(), Expected::WordBefore(" sid=")),
        ("smmuv3_trigger_irq irq=-1".to_owned(), Expected::Decimal("irq=")),
        ("smmuv3_write_gerror toggled=0x1".to_owned(), Expected::Text(", new GERROR=")),
        ("smmuv3_write_gerrorn acked=1, new GERRORN=0x1".to_owned(), Expected::Hex("acked=")),
        ("smmuv3_notify_flag_add mr=x".to_owned(), Expected::Text("ADD SMMUNotifier node for iommu mr=")),
        ("virtio_notify vdev 0x1".to_owned(), Expected::EventName),
        ("smmuv3_ x".to_owned(), Expected::EventName),
        ("smmu_Get x".to_owned(), Expected::EventName),
        ("x@1.2:smmuv3_decode_cd oas=44".to_owned(), Expected::EventName),
        ("1@2:smmuv3_decode_cd oas=44".to_owned(), Expected::EventName),
    ];
    for (line, expected) in broken {
        check(&line, Err(expected));
    }
    assert_eq!(Expected::Hex(" iova=").to_string(), "expected hex after `iova=`");
}
