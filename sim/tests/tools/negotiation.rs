//! `capability`, `audit` and `matrix`: what they print, and every matrix file of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::smmu_sim;

/// Where a browser may be.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs at the root of the repository; standard output, and the exit code.
fn run(arguments: &[&str]) -> (String, Option<i32>) {
    let output = smmu_sim().args(arguments).current_dir(root()).output().expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("a report is text");
    let errors = String::from_utf8_lossy(&output.stderr);
    (text + &errors, output.status.code())
}

#[test]
fn a_capability_is_analysed() {
    for name in ["HTTU", "btm", "IDR5.OAS", "ssidsize"] {
        let (text, code) = run(&["capability", name]);
        assert_eq!(code, Some(0), "{text}");
        insta::assert_snapshot!(format!("capability-{}", name.to_lowercase().replace('.', "-")), text);
    }
    let (text, code) = run(&["capability", "HTU"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("did you mean HTTU?"), "{text}");
}

#[test]
fn all_capabilities_are_listed_in_both_formats() {
    let (text, _) = run(&["capability"]);
    insta::assert_snapshot!("capabilities", text);
    let (lines, _) = run(&["capability", "--format", "json"]);
    assert_eq!(lines.lines().count(), text.lines().count());
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line is an object");
        assert_eq!(value["type"], "capability");
    }
}

#[test]
fn real_vmms_are_audited() {
    for (policy, code) in [("kdoc", 0), ("qemu-11.1", 1), ("openvmm-2026", 1), ("cloud-hypervisor-2026", 1)] {
        let (text, found) = run(&["audit", policy]);
        assert_eq!(found, Some(code), "{text}");
        insta::assert_snapshot!(format!("audit-{policy}"), text);
    }
}

/// The cells, 630 of them, and the page of HTML from the same run.
#[test]
fn the_default_matrix_is_as_it_was() {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix.html");
    let path = page.to_str().expect("the path is text");
    let (text, code) = run(&["matrix", "matrices/default.kdl", "--html", path]);
    assert_eq!(code, Some(0), "{text}");
    insta::assert_snapshot!("matrix-default", text);
    check_page(&page);
}

/// The page says what the text says, needs nothing else, and a browser shows it.
fn check_page(page: &Path) {
    let html = std::fs::read_to_string(page).expect("the page was written");
    assert_eq!(html.matches("<td class=").count(), 630);
    for outside in ["<script", "src=", "http:", "https:", "@import", "url("] {
        assert!(!html.contains(outside), "the page wants {outside}");
    }
    let picture = page.with_extension("png");
    let Some(output) = BROWSERS.iter().find_map(|browser| {
        let mut command = Command::new(browser);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"]);
        command.arg(format!("--screenshot={}", picture.display())).arg("--dump-dom");
        command.arg(format!("file://{}", page.display())).output().ok()
    }) else {
        eprintln!("SKIPPED: no chromium, so the page of the matrix was not looked at in a browser");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(shown.matches("<td class=").count(), 630, "the browser has all cells");
    assert!(std::fs::metadata(&picture).is_ok_and(|file| file.len() > 10_000), "the browser drew the page");
}

#[test]
fn every_claim_holds() {
    let folder = std::fs::read_dir(root().join("matrices/claims")).expect("the folder opens");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("it can be listed").path()).collect();
    files.sort();
    assert!(files.len() >= 8);
    let document = std::fs::read_to_string(root().join("docs/negotiation.md")).expect("the page opens");
    for file in files {
        let name = file.file_name().expect("it is a file").to_str().expect("the name is text");
        let path = format!("matrices/claims/{name}");
        let (text, code) = run(&["matrix", "--quiet", &path]);
        assert_eq!(code, Some(0), "{text}");
        assert!(!text.contains(" 0 work, 0 refused, 0 misled"));
        assert!(document.contains(&path), "docs/negotiation.md does not name {path}");
    }
}

/// The scenarios that the table of claims names are there.
#[test]
fn every_scenario_that_is_named_exists() {
    let document = std::fs::read_to_string(root().join("docs/negotiation.md")).expect("the page opens");
    let (_, table) = document.split_once("one machine, step by step").expect("the table has the column");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    let last =
        table.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | ")).map(|(_, last)| last);
    let names: Vec<_> = last.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let path = if name.contains('/') { name.to_owned() } else { format!("40-negotiation/{name}") };
        assert!(root().join("scenarios").join(&path).with_extension("kdl").exists(), "{path}");
    }
}

#[test]
fn json_has_a_line_for_each_cell() {
    let (text, code) = run(&["matrix", "--format", "json", "matrices/claims/btm-raw.kdl"]);
    assert_eq!(code, Some(0), "{text}");
    insta::assert_snapshot!("matrix-btm-raw-json", text);
}

#[test]
fn what_is_wrong_with_a_matrix_is_underlined() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong.kdl");
    let axes = "hardware \"h\"\nplatform \"p\"\nkernel \"k\"\nvmm \"v\" policy=\"kdoc\"\n";
    for (text, expected) in [
        (String::new(), "the file describes nothing"),
        ("hardware \"h\" preset=\"gracy\"".to_owned(), "did you mean `grace`?"),
        ("hardware \"h\" { idr IDR0.HTTU=9; }".to_owned(), "does not fit IDR0.HTTU"),
        ("hardware \"h\" { idr IDR0.TTENDIAN=1; }".to_owned(), "these ID registers are refused"),
        ("platform \"p\" httu=2".to_owned(), "a device tree has no override"),
        ("platform \"p\" kvm-vmid=0".to_owned(), "VMID 0 is the host's"),
        ("vmm \"v\"".to_owned(), "`vmm` needs policy="),
        (format!("{axes}vmm \"v\" policy=\"kdoc\""), "`v` is there already"),
        (format!("{axes}expect \"works\" \"dma-fails\""), "only a misled guest has symptoms"),
        (format!("{axes}expect \"misled\" \"dma\""), "no symptom is called `dma`"),
        (format!("{axes}expect \"works\" vmm=\"w\""), "no vmm is called `w`"),
        (format!("{axes}expect \"works\" by=\"kernel\""), "only a refusal has `by=`"),
        ("vmm \"\" policy=\"kdoc\"".to_owned(), "a name is not empty"),
        ("vmm \"v\\nw\" policy=\"kdoc\"".to_owned(), "stands in one line"),
        ("hardware \"h\"".to_owned(), "there is no `platform`"),
        ((0..101).map(|n| format!("kernel \"k{n}\"\n")).collect(), "an axis has at most 100 members"),
        ("foo\n".repeat(200), "only the first 100 mistakes are shown"),
        (" ".repeat(1 << 20) + "x", "longer than 1 MiB"),
    ] {
        std::fs::write(&path, &text).expect("the target folder can be written");
        let (output, code) = run(&["matrix", path.to_str().expect("the path is text")]);
        assert_eq!(code, Some(2), "{text}: {output}");
        assert!(output.contains(expected), "{text}: {output}");
    }
    let unmet = format!("{axes}expect \"refused\"");
    std::fs::write(&path, unmet).expect("the target folder can be written");
    let (output, code) = run(&["matrix", path.to_str().expect("the path is text")]);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("not so in 1 of 1 cells, first h × p × k × v: works"), "{output}");
    assert!(run(&["matrix", "/nowhere"]).0.contains("cannot read /nowhere"));
}
