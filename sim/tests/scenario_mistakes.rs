//! What cannot work is refused before anything runs, at its place and with advice.

mod mistakes;

use smmu_sim::scenario::Files;

struct Nowhere;

impl Files for Nowhere {
    fn read(&self, path: &str) -> Result<String, String> {
        match path {
            "loop.kdl" => Ok("include \"loop.kdl\"".to_owned()),
            _ => Err("there is no such file".to_owned()),
        }
    }
}

const BEGINNING: &str = "smmu preset=\"grace\"; memory { ram 0x40000000 size=0x100000000; }
device \"nic\" stream=0x10
stream-table 0x40000000 log2size=8
table \"s1\" at=0x40100000 { map 0x1000 0x80001000; }
";

/// Each problem of `text`, after the usual beginning: the text that it points at, its message, and its help.
fn problems(text: &str) -> Vec<(String, String, String)> {
    problems_of(&format!("{BEGINNING}{text}"))
}

fn problems_of(text: &str) -> Vec<(String, String, String)> {
    mistakes::problems_of(text, &Nowhere)
}

/// `text` has exactly one problem: at `place`, with this message; its help contains `help`.
fn check_one(text: &str, place: &str, message: &str, help: &str) {
    let problems = problems(text);
    let [(found_place, found_message, found_help)] = &problems[..] else {
        panic!("{text}: not one problem: {problems:?}");
    };
    assert_eq!((found_place.as_str(), found_message.as_str()), (place, message), "{text}");
    assert!(found_help.contains(help), "{text}: {found_help}");
}

#[test]
fn each_mistake_is_named_at_its_place() {
    for (text, place, message, help) in [
        ("frobnicate", "frobnicate", "no step is called `frobnicate`", ""),
        ("sinc", "sinc", "no step is called `sinc`", "did you mean `sync`?"),
        ("ste \"nik\" V=1", "\"nik\"", "no device is called `nik`", "did you mean `nic`?"),
        ("ste \"nic\" Confg=1", "Confg", "no field is called Confg; did you mean Config?", ""),
        ("ste \"nic\" Config=9", "9", "0x9 does not fit Config, 3 bits wide", ""),
        (
            "ste \"nic\" S1ContextPtr=0x1001",
            "0x1001",
            "0x1001 does not fit S1ContextPtr, which holds address bits [55:6]",
            "",
        ),
        ("ste V=1", "ste V=1", "`ste` needs a device, `stream=` or `at=`", ""),
        ("ste at=0x1000 V=1", "ste at=0x1000 V=1", "0x1000 to 0x103f is not RAM", "area"),
        ("cd \"nic\" V=1", "cd \"nic\" V=1", "stream 0x10 has no `ste` yet", "at="),
        ("reg CR00 SMMUEN=1", "CR00", "no register is called `CR00`", "did you mean `CR0`?"),
        ("reg CR0 SMMUN=1", "SMMUN", "no field is called SMMUN; did you mean SMMUEN?", ""),
        ("reg CR0 0x100000000", "0x100000000", "this does not fit 4 bytes", ""),
        ("reg 0x20000 1", "0x20000", "the register pages end at 0x20000", ""),
        ("reg CR0 1 queue=1", "1", "CR0 has no `queue=`", ""),
        ("reg PMCG_CR E=1 counter=1", "1", "PMCG_CR has no `counter=`", ""),
        ("reg PMCG_SMR 1 group=256", "256", "group is at most 0xff", ""),
        ("reg PMCG_SMR 1 counter=4", "PMCG_SMR", "this SMMU has no PMCG_SMR group=0 counter=4", ""),
        ("reg ECMDQ_PROD EN=1", "ECMDQ_PROD", "this SMMU has no ECMDQ_PROD page=0 queue=0", ""),
        (
            "cmd CFGI_ALL queue=1",
            "cmd CFGI_ALL queue=1",
            "this SMMU has no Enhanced Command queue page=0 queue=1",
            "",
        ),
        ("reg 0x20 1 size=3", "3", "an access has 1, 2, 4 or 8 bytes", ""),
        (
            "cmd TLBI_NH_VAC",
            "TLBI_NH_VAC",
            "no command is called `TLBI_NH_VAC`",
            "did you mean `TLBI_NH_VA`?",
        ),
        ("cmd TLBI_NH_VA StreamID=1", "StreamID", "no field is called StreamID", ""),
        ("cmd 0x100", "0x100", "an opcode has 8 bits", ""),
        ("dma \"nic\" reed 0x1000", "reed", "no access is called `reed`", "did you mean `read`?"),
        ("dma \"nic\" read", "dma \"nic\" read", "`dma` needs an address", ""),
        ("dma \"nic\" read 0x1000 length=8", "length", "no property of `dma` is called `length`", ""),
        ("dma \"nic\" read 0x1000 len=0", "0", "an access has at least one byte", ""),
        ("dma \"nic\" read 0x1000 ssid=0x100000", "0x100000", "a SubstreamID has 20 bits", ""),
        ("dma \"nic\" read 0x1000 ssid=\"p\"", "\"p\"", "no substream is called `p`", ""),
        ("dma \"nic\" read $x", "$x", "no variable is called `x`", "there is s1, nic"),
        (
            "dma \"nic\" read 0x1000 attributes=\"Normal\"",
            "\"Normal\"",
            "these are no memory attributes",
            "Device",
        ),
        ("dma \"nic\" read 0x1000 { expect okk; }", "okk", "no claim is called `okk`", "did you mean `ok`?"),
        ("expect ok", "ok", "`ok` is about a transaction", "`dma`"),
        ("expect rules \"STE-99\"", "\"STE-99\"", "no rule is called `STE-99`", "did you mean"),
        ("expect event F_TRANSLATE", "F_TRANSLATE", "no event is called `F_TRANSLATE`", "F_TRANSLATION"),
        ("expect event C_BAD_STE InputAddr=0", "InputAddr", "no field is called InputAddr", ""),
        ("map \"s2\" 0 0", "\"s2\"", "no table is called `s2`", "there is s1"),
        ("map \"s1\" 0x1001 0", "map \"s1\" 0x1001 0", "the addresses are not aligned to 0x1000", ""),
        ("map \"s1\" 0 0 size=0x1800", "0x1800", "the size is not a multiple of 0x1000", ""),
        ("map \"s1\" 0 0 level=4", "4", "a level is -1 to 3", ""),
        (
            "map \"s1\" 0x1000000000000 0",
            "0x1000000000000",
            "this is outside of the 48 input bits of the table",
            "",
        ),
        ("table \"t\" at=0x1008", "0x1008", "the table is not aligned to its size, 0x1000", ""),
        ("table \"s1\" at=0x1000", "\"s1\"", "a table is called `s1` already", "map"),
        ("write 0x1000 u8=1", "0x1000", "0x1000 to 0x1000 is not RAM", ""),
        ("write 0x40000000 u8=0x100", "0x100", "this does not fit 1 bytes", ""),
        ("write 0x40000000 bytes=\"abc\"", "\"abc\"", "each byte has two hexadecimal digits", ""),
        ("include \"away.kdl\"", "\"away.kdl\"", "away.kdl cannot be read", "there is no such file"),
        (
            "for \"i\" from=0 to=0xffffffffffffffff { sync; }",
            "0xffffffffffffffff",
            "a loop has at most 4096 turns",
            "",
        ),
        ("for \"i\" 1 2 { cmd NONE; }", "NONE", "no command is called `NONE`", ""),
        ("for { row a=1; }", "for", "`for` with rows needs `do { … }`", ""),
        ("reg-read CR0 as=\"a\"; reg-read CR0 as=\"a\"", "\"a\"", "a result is called `a` already", ""),
        (
            "reg-read CR0 as=\"a\"; write 0x40000000 u64=$a.dat",
            "$a.dat",
            "no part of a result is called `dat`",
            "data",
        ),
        ("permitted { outcome r=\"ok\"; }", "r", "no result is called `r`", ""),
        ("smmu", "smmu", "`smmu` comes before the first step", ""),
        ("sync CS=-1", "-1", "a number is between 0 and 0xffff_ffff_ffff_ffff here", ""),
        ("sync CS=1.5", "1.5", "a number has no fraction here", ""),
        ("sync CS=1 CS=2", "CS", "`CS` is given twice", ""),
        ("settle now", "now", "`settle` takes no such argument", ""),
        ("settle { sync; }", "settle", "`settle` has no block", ""),
    ] {
        check_one(text, place, message, help);
    }
}

#[test]
fn hardware_is_checked_too() {
    for (text, place, message) in [
        ("smmu preset=\"grce\"", "\"grce\"", "no preset is called `grce`"),
        (
            "smmu { idr SSIDSIZ=1; }",
            "SSIDSIZ=1",
            "no ID register field is called SSIDSIZ; did you mean IDR1.SSIDSIZE?",
        ),
        ("smmu { idr IDR1.SIDSIZE=64; }", "IDR1.SIDSIZE=64", "0x40 does not fit IDR1.SIDSIZE, 6 bits wide"),
        ("smmu { idr IDR0.S1P=0 IDR0.S2P=0; }", "smmu", "these ID registers are refused"),
        (
            "smmu { choices { ste-reserved-bit \"x\"; }; }",
            "ste-reserved-bit",
            "no choice is called `ste-reserved-bit`",
        ),
        (
            "smmu { choices { ste-reserved-bits \"x\"; }; }",
            "\"x\"",
            "no answer to `ste-reserved-bits` is called `x`",
        ),
        ("smmu; memory { ram 0 size=8; ram 4 size=8; }", "ram 4 size=8", "this overlaps another `ram`"),
        ("smmu; memory { ram 0 size=0; }", "0", "the range is empty or passes the end of memory"),
        ("smmu; device \"a\"", "device \"a\"", "a device needs `stream=`"),
        ("smmu; smmu", "smmu", "there is a second `smmu`"),
        ("device \"a\" stream=1; settle", "settle", "there is no `smmu` yet"),
        ("device \"a\" stream=1", "", "the scenario has no `smmu`"),
        ("smmu; include \"loop.kdl\"", "\"loop.kdl\"", "loop.kdl includes itself"),
    ] {
        let problems = problems_of(text);
        let found: Vec<_> =
            problems.iter().map(|(place, message, _)| (place.as_str(), message.as_str())).collect();
        assert_eq!(found, [(place, message)], "{text}");
    }
}

#[test]
fn mistakes_about_virtual_machines_are_named_at_their_place() {
    let beginning = "kernel; smmu; device \"nic\" stream=0x80; device \"usb\" stream=0x88 driver=\"native\"
vmm \"vm0\" start { device \"nic\" stream=0x10; }
guest \"vm0\" boot; guest \"vm0\" domain \"dma\"
";
    for (text, place, message, help) in [
        ("guest \"vmo\" boot", "\"vmo\"", "no virtual machine is called `vmo`", "did you mean `vm0`?"),
        ("guest \"vm0\" bot", "bot", "no deed of a `guest` is called `bot`", "did you mean `boot`?"),
        ("vmm \"vm0\" plugg", "plugg", "no deed of a `vmm` is called `plugg`", "did you mean `plug`?"),
        ("guest \"vm0\" unmap \"dma\" 0 size=0x40000001", "0x40000001", "size is at most 0x40000000", ""),
        ("vmm \"\" start", "\"\"", "a name is not empty, and stands in one line", ""),
        ("process \"a\\nb\"", "\"a\\nb\"", "a name is not empty, and stands in one line", ""),
        ("vmm \"vm0\" start", "\"vm0\"", "a virtual machine is called `vm0` already", ""),
        ("vmm \"b\" start policy=\"kdok\"", "\"kdok\"", "no policy of a `vmm` is called `kdok`", "`kdoc`?"),
        ("vmm \"b\" start vintage=\"7\"", "\"7\"", "no vintage is called `7`", "6.13"),
        (
            "vmm \"b\" start { devise \"nic\"; }",
            "devise",
            "no part of a `vmm` is called `devise`",
            "`device`?",
        ),
        ("vmm \"b\" start { device \"usb\" stream=1; }", "\"usb\"", "the driver of `usb` is not vfio", ""),
        (
            "vmm \"b\" start mode=\"emulated\" { device \"nic\" stream=1; }",
            "\"nic\"",
            "`nic` is a device of the machine, and is not emulated",
            "",
        ),
        (
            "vmm \"b\" start { ram 0x100 size=0x1000; }",
            "ram 0x100 size=0x1000",
            "memory of a guest consists of pages of 4 KiB",
            "",
        ),
        (
            "vmm \"b\" start { ram 0x40000000 size=0x1000; ram 0 size=0xfffffffffffff000; }",
            "ram 0 size=0xfffffffffffff000",
            "a guest has at most 0x10000000 bytes of memory",
            "",
        ),
        ("guest \"vm0\" read 0x40000000 size=0", "0", "a number has at least one byte", ""),
        (
            "vmm \"b\" start { idr IDR0.HTTUU=1; }",
            "IDR0.HTTUU=1",
            "no ID register field is called IDR0.HTTUU; did you mean IDR0.HTTU?",
            "",
        ),
        (
            "vmm \"b\" start { expect errno=\"EIO\" at=\"IOMMU_VIOMU_ALLOC\"; }",
            "\"IOMMU_VIOMU_ALLOC\"",
            "no system call of a `vmm` is called `IOMMU_VIOMU_ALLOC`",
            "did you mean `IOMMU_VIOMMU_ALLOC`?",
        ),
        (
            "guest \"vm0\" attach \"usb\" \"dma\"",
            "\"usb\"",
            "no device of the virtual machine is called `usb`",
            "nic",
        ),
        (
            "guest \"vm0\" map \"dmo\" 0 ipa=0",
            "\"dmo\"",
            "no domain of the guest is called `dmo`",
            "did you mean `dma`?",
        ),
        ("guest \"vm0\" map \"dma\" 0", "guest \"vm0\" map \"dma\" 0", "`ipa=` is missing", ""),
        ("guest \"vm0\" domain \"default\"", "\"default\"", "a domain is called `default` already", ""),
        ("guest \"vm0\" cmd TLBI_NH_AL", "TLBI_NH_AL", "no command is called `TLBI_NH_AL`", "TLBI_NH_ALL"),
        ("guest \"vm0\" reg CR0 SMMUN=1", "SMMUN", "no field is called SMMUN; did you mean SMMUEN?", ""),
        (
            "guest \"vm0\" tlbi \"VAE1\"",
            "\"VAE1\"",
            "no TLBI of a guest is called `VAE1`",
            "there is VMALLE1IS",
        ),
        ("guest \"vm0\" alloc pages=3", "3", "a guest takes a power of two of pages", ""),
        (
            "guest \"vm0\" sync { expect no-event; }",
            "no-event",
            "`no-event` stands in the block of a `guest … events`",
            "",
        ),
        (
            "expect declined \"x\"",
            "declined",
            "`declined` is about a virtual machine: it stands in its block",
            "",
        ),
    ] {
        let problems = problems_of(&format!("{beginning}{text}"));
        let [(found_place, found_message, found_help)] = &problems[..] else {
            panic!("{text}: not one problem: {problems:?}");
        };
        assert_eq!((found_place.as_str(), found_message.as_str()), (place, message), "{text}");
        assert!(found_help.contains(help), "{text}: {found_help}");
    }
}

#[test]
fn loops_in_loops_end() {
    let text =
        "for \"i\" from=0 to=4095 { for \"j\" from=0 to=4095 { for \"k\" from=0 to=4095 { let a=1; }; }; }";
    let messages: Vec<String> = problems(text).into_iter().map(|(_, message, _)| message).collect();
    assert!(messages.iter().all(|message| message == "the loops have more than 20000 turns together"));
    assert!(!messages.is_empty());
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let places: Vec<String> =
        problems("ste \"nic\" V=2 Confg=1\nfrob\nsync CS=9").into_iter().map(|(place, ..)| place).collect();
    assert_eq!(places, ["2", "Confg", "frob", "9"]);
}

#[test]
fn a_broken_text_is_refused_as_kdl() {
    for text in ["smmu {", "smmu \"", "smmu }", "smmu a=", "(u8)smmu", "smmu (u8)1", "smmu #null"] {
        assert!(!problems_of(text).is_empty(), "{text}");
    }
    let deep = "a {".repeat(10_000);
    assert_eq!(problems_of(&deep)[0].1, "blocks nest deeper than 24");
}
