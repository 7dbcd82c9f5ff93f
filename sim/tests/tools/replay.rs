//! `replay` on what a stock Linux driver did, and on what it did not do.

use indicatif::ProgressBar;
use smmu_sim::output::Format;
use smmu_sim::replay::trace::TraceReader;
use smmu_sim::replay::{AidrSource, Finding, Replay, Reporter, Summary, Tally, identify, run};

use crate::captures;

fn tally(agreed: u64, disagreed: u64) -> Tally {
    Tally { agreed, disagreed }
}

/// The counts, and the text or JSON that is written.
fn replayed(folder: &str, format: Format) -> (Summary, String) {
    let mut out = Vec::new();
    let mut reporter = Reporter::new(&mut out, format);
    let trace = captures::trace(folder);
    let summary = run(&trace, captures::image(folder), &ProgressBar::hidden(), &mut reporter);
    (summary.expect("a capture replays"), String::from_utf8(out).expect("a report is text"))
}

/// Replays an altered trace over the memory of a capture.
fn altered(folder: &str, trace: &str) -> (Summary, Vec<Finding>) {
    let lines = || TraceReader::new(trace.as_bytes());
    let identity = identify(lines()).expect("the ID registers are legal");
    let mut replay = Replay::new(&identity, captures::image(folder));
    let findings = lines().flatten().flat_map(|line| replay.step(&line)).collect();
    (replay.summary().clone(), findings)
}

/// The trace up to and with its first `count` successful translations.
fn head(folder: &str, count: usize) -> String {
    let text = captures::trace_text(folder);
    let (last, _) = text.match_indices("smmuv3_translate_success").nth(count - 1).expect("there are enough");
    let end = last + text[last..].find('\n').expect("the line ends") + 1;
    text[..end].to_owned()
}

#[test]
fn both_captures_agree_in_all_that_they_show() {
    // QEMU shows IDR3.HAD without stage 1, which is illegal (V12): the model reads IDR3 without it.
    let (reads1, reads2) = (tally(213, 0), tally(192, 1));
    for (folder, translations, commands, reads, writes) in
        [(captures::STAGE1, 8176, 407, reads1, 222), (captures::STAGE2, 8158, 368, reads2, 202)]
    {
        let (summary, text) = replayed(folder, Format::Text);
        assert_eq!(text.lines().last(), Some(&*format!("translations: {translations} agreed, 0 disagreed")));
        assert_eq!(summary.translations(), tally(translations, 0), "{folder}");
        assert_eq!(summary.commands_total(), tally(commands, 0), "{folder}");
        assert_eq!(summary.register_reads, reads, "{folder}");
        assert_eq!(summary.register_writes, tally(writes, 0), "{folder}");
        assert_eq!((summary.not_compared, summary.malformed_lines), (0, 0), "{folder}");
    }
}

#[test]
fn the_report_of_a_capture_stays_the_same() {
    insta::assert_snapshot!("stage1-text", replayed(captures::STAGE1, Format::Text).1);
    insta::assert_snapshot!("stage2-json", replayed(captures::STAGE2, Format::Json).1);
}

#[test]
fn the_revision_is_assumed_as_linux_does_not_read_it() {
    let lines = TraceReader::open(captures::trace(captures::STAGE1)).expect("opens");
    let identity = identify(lines).expect("QEMU's ID registers are legal");
    assert_eq!((identity.aidr, identity.features.ids.aidr), (AidrSource::Assumed, 1));
}

#[test]
fn a_wrong_output_address_is_found_on_its_line() {
    let trace = head(captures::STAGE1, 3).replacen("translated=0x", "translated=0xf", 1);
    let line = trace.lines().position(|line| line.contains("translated=0xf")).expect("it was put there");
    let (summary, findings) = altered(captures::STAGE1, &trace);
    assert_eq!(summary.translations(), tally(2, 1));
    let [Finding::Translation(disagreement)] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(Ok(disagreement.line), u64::try_from(line + 1));
    assert!(disagreement.attempts.iter().all(|attempt| !attempt.rules.is_empty()));
}

#[test]
fn a_permission_is_compared_both_ways() {
    let text = captures::trace_text(captures::STAGE2);
    let (at, _) = text.match_indices(" perm=0x1 ").next().expect("some translations are read-only");
    let line_end = at + text[at..].find('\n').expect("the line ends");
    let trace = text[..line_end].to_owned();
    let (read_only, _) = altered(captures::STAGE2, &trace);
    assert_eq!(read_only.translations().disagreed, 0);
    for other in [" perm=0x3 ", " perm=0x2 "] {
        let changed = format!("{}{other}{}", &trace[..at], &trace[at + other.len()..]);
        assert_eq!(altered(captures::STAGE2, &changed).0.translations().disagreed, 1, "{other}");
    }
}

#[test]
fn a_missing_command_and_a_wrong_register_value_are_noted_only() {
    let trace = head(captures::STAGE1, 1);
    let trace = trace.replacen("smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_NSNH_ALL\n", "", 1);
    let trace = trace.replacen("addr: 0x24 val:0x8 ", "addr: 0x24 val:0x9 ", 1);
    let (summary, findings) = altered(captures::STAGE1, &trace);
    assert_eq!(summary.translations(), tally(1, 0));
    assert_eq!(summary.register_reads.disagreed, 1);
    // The SYNC behind the missing command stands at its place, and the model's own SYNC is left over.
    assert_eq!(summary.commands_total().disagreed, 2);
    assert_eq!(findings.len(), 3);
}

#[test]
fn an_event_agrees_if_some_access_leads_to_it() {
    let trace = head(captures::STAGE1, 1);
    let event = |name: &str, sid: u32| format!("{trace}smmuv3_record_event SMMU_EVT_{name} sid={sid:#x}\n");
    let counts = |trace: &str| {
        let summary = altered(captures::STAGE1, trace).0;
        let events: Vec<_> = summary.outcomes.iter().filter(|(kind, _)| *kind != "success").collect();
        (events.first().map(|(_, tally)| **tally), summary.not_compared)
    };
    // No capture has a stream 0x20000: SIDSIZE is 16.
    assert_eq!(counts(&event("C_BAD_STREAMID", 0x2_0000)), (Some(tally(1, 0)), 0));
    assert_eq!(counts(&event("C_BAD_STE", 0x2_0000)), (Some(tally(0, 1)), 0));
    assert_eq!(counts(&event("F_PERMISSION", 8)), (None, 1));
    let walked = "smmu_ptw_level stage=1 level=0 iova=0x10000 subpage_sz=0x8000000000 baseaddr=0x0 offset=0 => pte=0x0\n";
    let fault = format!("{trace}{walked}smmuv3_record_event SMMU_EVT_F_TRANSLATION sid=0x8\n");
    assert_eq!(counts(&fault), (Some(tally(1, 0)), 0));
}
