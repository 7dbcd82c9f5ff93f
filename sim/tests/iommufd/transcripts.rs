//! The recorded transcripts: every call agrees, and every word that the driver wrote.

use std::path::{Path, PathBuf};

use smmu_model::features::{Features, Preset};
use smmu_sim::output::Format;
use smmu_sim::transcript::{self, Reporter, Tally};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts").join(name)
}

/// Plays transcripts; returns the report and the counts.
fn play(names: &[&str], snapshots: Option<&str>) -> (String, Tally, Option<Tally>) {
    let paths: Vec<_> = names.iter().map(|name| file(name)).collect();
    let features = Features::new(Preset::Qemu11_1.id_registers()).expect("the preset is legal");
    let mut report = Vec::new();
    let mut reporter = Reporter::new(&mut report, Format::Text);
    let snapshots = snapshots.map(file);
    let summary = transcript::run(&paths, snapshots.as_deref(), features, &mut reporter);
    let summary = summary.expect("the transcripts can be played");
    (String::from_utf8(report).expect("a report is text"), summary.calls, summary.snapshots)
}

#[test]
fn every_recorded_call_agrees() {
    for (name, calls) in
        [("ioas.jsonl", 65), ("paging.jsonl", 46), ("nested.jsonl", 40), ("nested-dma.jsonl", 65)]
    {
        let (report, tally, _) = play(&[name], None);
        assert_eq!(tally, Tally { agreed: calls, disagreed: 0 }, "{report}");
        assert_eq!(report, format!("calls: {calls} agreed, 0 disagreed\n"));
    }
}

#[test]
fn the_driver_wrote_what_the_real_one_did() {
    let (report, calls, snapshots) = play(&["hardware.jsonl"], Some("hardware-snapshots.jsonl"));
    assert_eq!(calls, Tally { agreed: 27, disagreed: 0 }, "{report}");
    assert_eq!(snapshots, Some(Tally { agreed: 15, disagreed: 0 }), "{report}");
}
