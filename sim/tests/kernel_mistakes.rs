//! What cannot work on the kernel level is refused before anything runs, at its place and with advice.

mod mistakes;

use smmu_model::choice::Defaults;
use smmu_sim::scenario::{Disk, check, execute};
use smmu_sim::trace::Deaf;

const BEGINNING: &str = "\
kernel
smmu preset=\"qemu-11.1\"
device \"nic\" stream=0x80
process \"vmm\"
open \"/dev/iommu\" as=\"iommu\"
IOMMU_IOAS_ALLOC as=\"ioas\"
";

/// Each problem of `text`, after the usual beginning: the text that it points at, its message, and its help.
fn problems(text: &str) -> Vec<(String, String, String)> {
    problems_of(&format!("{BEGINNING}{text}"))
}

fn problems_of(text: &str) -> Vec<(String, String, String)> {
    mistakes::problems_of(text, &Disk)
}

fn check_one(problems: &[(String, String, String)], text: &str, expected: (&str, &str, &str)) {
    let [(place, message, help)] = problems else { panic!("{text}: not one problem: {problems:?}") };
    assert_eq!((place.as_str(), message.as_str()), (expected.0, expected.1), "{text}");
    assert!(help.contains(expected.2), "{text}: {help}");
}

#[test]
fn each_mistake_is_named_at_its_place() {
    for (text, place, message, help) in [
        (
            "IOMMU_IOAS_MPA",
            "IOMMU_IOAS_MPA",
            "no step of the kernel level is called `IOMMU_IOAS_MPA`",
            "did you mean `IOMMU_IOAS_MAP`?",
        ),
        ("ste \"nic\" V=1", "ste", "no step of the kernel level is called `ste`", ""),
        (
            "IOMMU_IOAS_MAP ioas=1",
            "ioas",
            "no field of `IOMMU_IOAS_MAP` is called `ioas`",
            "there is size, flags, ioas_id",
        ),
        (
            "IOMMU_IOAS_MAP flags=\"READABL\"",
            "\"READABL\"",
            "no value of flags is called `READABL`",
            "did you mean `READABLE`?",
        ),
        ("IOMMU_IOAS_MAP iova=\"READABLE\"", "\"READABLE\"", "iova is a number", ""),
        ("IOMMU_IOAS_MAP flags=0x100000000", "0x100000000", "this does not fit flags, 4 bytes", ""),
        (
            "IOMMU_IOAS_MAP ioas_id=$ioas.out_id",
            "$ioas.out_id",
            "no part of `ioas` is called `out_id`",
            "out_ioas_id",
        ),
        ("IOMMU_DESTROY id=$iaos", "$iaos", "no variable is called `iaos`", "there is ioas, iommu"),
        (
            "VFIO_DEVICE_BIND_IOMMUFD",
            "VFIO_DEVICE_BIND_IOMMUFD",
            "the process has no VFIO device open",
            "on=$name",
        ),
        (
            "open \"/dev/iommu\"; IOMMU_IOAS_ALLOC",
            "IOMMU_IOAS_ALLOC",
            "the process has more than one iommufd open",
            "on=$name",
        ),
        (
            "IOMMU_IOAS_ALLOC { expect errno=EBUSI; }",
            "EBUSI",
            "no error is called `EBUSI`",
            "did you mean `EBUSY`?",
        ),
        (
            "IOMMU_IOAS_ALLOC { expect errno=EINVAL check=\"IOAS_MAP-99\"; }",
            "\"IOAS_MAP-99\"",
            "no check is called `IOAS_MAP-99`",
            "did you mean",
        ),
        ("IOMMU_IOAS_ALLOC { expect dirty 1; }", "dirty", "`dirty` is about IOMMU_HWPT_GET_DIRTY_BITMAP", ""),
        ("expect ok", "ok", "`ok` is about a system call or an access: it stands in its block", ""),
        ("expect errno=EINVAL", "EINVAL", "`errno=` is about a system call: it stands in its block", ""),
        (
            "expect { }; IOMMU_IOAS_ALLOC { command SYNC; }",
            "command",
            "no part of `IOMMU_IOAS_ALLOC` is called `command`",
            "expect",
        ),
        (
            "IOMMU_HWPT_INVALIDATE data_uptr=8 { command SYNC; }",
            "command SYNC",
            "`command` fills in data_uptr, which is given already",
            "",
        ),
        ("ioctl request=0x3b81", "ioctl request=0x3b81", "`ioctl` needs either `bytes=` or `arg=`", ""),
        (
            "ioctl request=\"IOMMU_NOTHING\" arg=0",
            "\"IOMMU_NOTHING\"",
            "no ioctl is called `IOMMU_NOTHING`",
            "",
        ),
        ("dma \"nik\" read 0", "\"nik\"", "no device is called `nik`", "did you mean `nic`?"),
        ("dma \"nic\" read 0 len=4097", "4097", "len is at most 0x1000", ""),
        ("peek $iommu size=0", "0", "a number has at least one byte", ""),
        ("open \"/dev/iommu\" by=\"vm\"", "\"vm\"", "no process is called `vm`", "there is vmm"),
        ("device \"a\" stream=1", "device \"a\" stream=1", "`device` comes before the first step", ""),
        (
            "permitted { outcome ioas=0; }",
            "permitted",
            "no step of the kernel level is called `permitted`",
            "",
        ),
        ("let a=$ioas+1", "$ioas+1", "the value must be known before the scenario runs here", ""),
    ] {
        check_one(&problems(text), text, (place, message, help));
    }
}

#[test]
fn the_machine_is_checked_too() {
    for (text, place, message) in [
        ("kernel", "kernel", "the scenario has no `smmu`"),
        ("kernel va-bits=0; smmu", "0", "no processor has va-bits=0"),
        ("kernel; kernel; smmu", "kernel", "there is a second `kernel`"),
        ("kernel; smmu \"a\"; smmu \"a\"", "\"a\"", "an SMMU is called `a` already"),
        ("kernel; smmu; device \"d\" stream=1 smmu=\"b\"", "\"b\"", "no SMMU is called `b`"),
        ("kernel; smmu; device \"d\"", "device \"d\"", "a device needs `stream=`"),
        (
            "kernel; smmu; device \"d\" stream=1 driver=\"none\" { reserved \"odd\" 0 size=1; }",
            "\"odd\"",
            "no reserved region is called `odd`",
        ),
        (
            "kernel; smmu; firmware source=\"device-tree\" httu=\"dirty\"",
            "\"dirty\"",
            "a device tree does not state HTTU",
        ),
        (
            "kernel; smmu { choices { gbpa-reset \"abort\"; }; }",
            "choices",
            "on a kernel, every choice has its default answer",
        ),
        ("kernel; smmu; open \"/dev/iommu\"", "open \"/dev/iommu\"", "there is no `process` yet"),
        (
            "smmu; for \"a\" 1 { kernel; }",
            "kernel",
            "`kernel` stands in the scenario itself, not in a file that it includes or in a loop",
        ),
    ] {
        check_one(&problems_of(text), text, (place, message, ""));
    }
}

/// What only a run can show is a failure of the step, and the run goes on.
#[test]
fn what_has_no_value_fails_the_step() {
    let text = format!(
        "{BEGINNING}{}",
        "\
open \"/dev/nothing\" as=\"nothing\" { expect errno=ENOENT; }
close $nothing
IOMMU_IOAS_ALLOC flags=1
exit \"vmm\"
IOMMU_IOAS_ALLOC on=$iommu
"
    );
    let scenario = check("test.kdl", &text, &Disk).expect("each step can be attempted");
    let run = execute(&scenario, &mut Defaults, &mut Deaf);
    let failures: Vec<_> =
        run.failures.iter().map(|failure| format!("{}: {}", failure.message, failure.label)).collect();
    let expected = [
        "`nothing` has no value: it has ended with ENOENT: here",
        "expected the system call to succeed: EOPNOTSUPP by IOAS_ALLOC-1: A flag is set.",
        "the process `vmm` has exited: here",
    ];
    assert_eq!(failures, expected);
}
