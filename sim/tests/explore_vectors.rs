use smmu_model::choice::Defaults;
use smmu_sim::vectors::{Case, compare, run};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
#[test]
fn explore() {
    let f = std::fs::File::open("../testdata/vectors/qemu-11.1.3-a.jsonl.gz").unwrap();
    let r = BufReader::new(flate2::read::MultiGzDecoder::new(f));
    let mut classes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in r.lines() {
        let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
        let ours = run(&case, &mut Defaults).unwrap();
        let d = compare::compare(&ours, &case.qemu).unwrap();
        let key = if !d.any() {
            "agree".to_string()
        } else if let Some(f) = smmu_sim::vectors::findings::explain(&case, &ours, d).unwrap() {
            f.label().to_string()
        } else {
            let labels: Vec<_> = ours
                .rules
                .iter()
                .filter(|r| !matches!(r.effect(), smmu_model::rule::Effect::Decision))
                .map(|r| r.label())
                .collect();
            let theirs = compare::peer_records(&case.qemu).unwrap_or_default();
            format!(
                "{} ours[{}{}] rules{:?} ev {:?} | qemu[{}{}{}] ev {:?} defect {}",
                case.mode,
                if ours.completed { "C" } else { "-" },
                if ours.landed { "L" } else { "-" },
                labels,
                ours.events.iter().map(|e| e.event_code().map(|c| c.name())).collect::<Vec<_>>(),
                if case.qemu.crashed { "X" } else { "" },
                if case.qemu.completed { "C" } else { "-" },
                if case.qemu.landed { "L" } else { "-" },
                theirs.iter().map(|e| e.event_code().map(|c| c.name())).collect::<Vec<_>>(),
                case.about.get("defect").map(|x| x.to_string()).unwrap_or_default()
            )
        };
        classes.entry(key).or_default().push(case.id);
    }
    for id in [155u64] {
        let f = std::fs::File::open("../testdata/vectors/qemu-11.1.3-a.jsonl.gz").unwrap();
        for line in BufReader::new(flate2::read::MultiGzDecoder::new(f)).lines() {
            let case: Case = serde_json::from_str(&line.unwrap()).unwrap();
            if case.id == id {
                let o = run(&case, &mut Defaults).unwrap();
                println!(
                    "{id} OURS {:x?} THEIRS {:x?}",
                    o.events,
                    compare::peer_records(&case.qemu).unwrap()
                );
            }
        }
    }
    for (k, v) in classes {
        println!("{:5} {} {:?}", v.len(), k, &v[..v.len().min(3)]);
    }
}
