//! How many syncs each change takes, and whether it has a gap: the expectations of Linux's own unit tests, and
//! cases that follow from the procedure.

use super::*;
use crate::driver::cd::{self, Cd, Stage1Bits};
use crate::driver::ste::{self, ContextTable, MasterBits, Stage2Bits, Ste, WithoutSubstream};

/// Remembers what the SMMU could see at each sync.
struct Watcher {
    memory: Entry,
    seen: Vec<Entry>,
}

impl Writer for Watcher {
    fn store(&mut self, index: usize, word: u64) {
        self.memory[index] = word;
    }

    fn sync(&mut self) {
        self.seen.push(self.memory);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gap {
    Hitless,
    /// Word 0 was 0 at a sync.
    Break,
}

#[track_caller]
fn check<K: Kind>(what: &str, from: Entry, to: Entry, syncs: usize, gap: Gap) {
    let mut watcher = Watcher { memory: from, seen: Vec::new() };
    let mut entry = from;
    update::<K>(&mut watcher, &mut entry, &to);
    assert_eq!((entry, watcher.memory), (to, to), "{what}: the end");
    assert_eq!(watcher.seen.len(), syncs, "{what}: syncs");
    let broke = watcher.seen.iter().any(|seen| seen[0] == 0);
    assert_eq!(broke, gap == Gap::Break, "{what}: gap");
    if gap == Gap::Hitless {
        for seen in &watcher.seen {
            let safe = K::safe(&from, &to);
            let used = K::used(seen);
            let agrees = |with: &Entry| {
                (0..8).all(|index| (seen[index] ^ with[index]) & used[index] & !safe[index] == 0)
            };
            assert!(agrees(&from) || agrees(&to), "{what}: the SMMU could see a mixture");
        }
    }
}

fn master(ats: bool, stall_enabled: bool) -> MasterBits {
    MasterBits { ats, attr_types_ovr: true, stalls: true, stall_enabled, e2h: false }
}

fn cd_table(master: MasterBits, pointer: u64, without: WithoutSubstream) -> Entry {
    ste::stage1(master, ContextTable { pointer, log2_contexts: 0, two_level: false }, without)
}

fn stage2(master: MasterBits, vmid: u32) -> Entry {
    ste::stage2(master, parent(vmid))
}

fn parent(vmid: u32) -> Stage2Bits {
    Stage2Bits { vmid, vtcr: 0x4_3594, table: 0x4100_0000 + u64::from(vmid) * 0x1000, fwb: false }
}

fn nested(master: MasterBits, word0: u64, word1: u64) -> Entry {
    ste::nested(master, parent(1), [word0, word1])
}

#[test]
fn stream_table_entries() {
    use Gap::{Break, Hitless};
    use WithoutSubstream::{Bypass, ContextZero, Terminate};
    let ats = master(true, false);
    let (plain, stall) = (master(false, false), master(false, true));
    let bypass = ste::bypass(ats);
    let table = cd_table(ats, 0x4000_0000, ContextZero);
    let table_bypass = cd_table(ats, 0x4000_0000, Bypass);
    // Linux's test has VMID 0 here, so that word 2 agrees with that of a CD table.
    let s2 = stage2(ats, 0);
    let on_parent = stage2(ats, 1);
    let guest = nested(ats, 0x4010_000b, 0xd6);
    let cases = [
        ("bypass to abort", bypass, ste::ABORT, 2, Hitless),
        ("abort to bypass", ste::ABORT, bypass, 2, Hitless),
        ("CD table to abort", table, ste::ABORT, 2, Hitless),
        ("abort to CD table", ste::ABORT, table, 2, Hitless),
        ("CD table to bypass", table, bypass, 3, Hitless),
        ("bypass to CD table", bypass, table, 3, Hitless),
        ("S1DSS SSID 0 to bypass", table, table_bypass, 1, Hitless),
        ("S1DSS bypass to SSID 0", table_bypass, table, 1, Hitless),
        ("CD table with S1DSS bypass to bypass", table_bypass, bypass, 2, Hitless),
        ("bypass to CD table with S1DSS bypass", bypass, table_bypass, 2, Hitless),
        ("stage 2 to abort", s2, ste::ABORT, 2, Hitless),
        ("abort to stage 2", ste::ABORT, s2, 2, Hitless),
        ("stage 2 to bypass", s2, bypass, 2, Hitless),
        ("bypass to stage 2", bypass, s2, 2, Hitless),
        ("CD table to stage 2", table, s2, 3, Hitless),
        ("stage 2 to CD table", s2, table, 3, Hitless),
        ("another CD table and S1DSS", table, cd_table(ats, 0x5000_0000, Terminate), 3, Break),
        (
            "CD table to stage 2, stalling",
            cd_table(stall, 0x4000_0000, ContextZero),
            stage2(stall, 0),
            3,
            Hitless,
        ),
        (
            "stage 2 to CD table, stalling",
            stage2(stall, 0),
            cd_table(stall, 0x4000_0000, ContextZero),
            3,
            Hitless,
        ),
        (
            "nested with S1DSS bypass to stage 2 without ATS",
            nested(ats, 0x4010_000b, 0xd5),
            stage2(plain, 1),
            3,
            Hitless,
        ),
        (
            "stage 2 without ATS to nested with S1DSS bypass",
            stage2(plain, 1),
            nested(ats, 0x4010_000b, 0xd5),
            2,
            Hitless,
        ),
        // They follow from the procedure.
        ("another stage 2", on_parent, stage2(ats, 2), 3, Break),
        ("nested, word 0", guest, nested(ats, 0x4020_000b, 0xd6), 1, Hitless),
        ("nested, word 1", guest, nested(ats, 0x4010_000b, 0xd4), 1, Hitless),
        ("nested, words 0 and 1", guest, nested(ats, 0x4020_000b, 0xd4), 3, Break),
        ("parent to nested", on_parent, guest, 2, Hitless),
        ("nested to parent", guest, on_parent, 3, Hitless),
        ("parent to itself", on_parent, on_parent, 0, Hitless),
        ("abort to nested", ste::ABORT, guest, 2, Hitless),
        ("nested to abort", guest, ste::ABORT, 2, Hitless),
        ("host stage 1 to nested", table, guest, 3, Break),
        ("nested to host stage 1", guest, table, 3, Break),
        ("ATS on", stage2(plain, 1), on_parent, 1, Hitless),
    ];
    for (what, from, to, syncs, gap) in cases {
        check::<Ste>(what, from, to, syncs, gap);
    }
}

#[test]
fn context_descriptors() {
    use Gap::{Break, Hitless};
    /// The CD of a process that is gone: EPD0, and neither S nor R.
    fn released(cd: &Entry) -> Entry {
        let word0 = cd[0] & !0x3fff & !(1 << 44 | 1 << 45) | 1 << 14;
        [word0, 0, cd[2], cd[3], cd[4], cd[5], cd[6], cd[7]]
    }
    let domain = |asid, table| {
        cd::stage1(Stage1Bits {
            asid,
            tcr: 0x3510,
            ips: 4,
            table,
            dirty: false,
            stall_enabled: false,
            shared: false,
        })
    };
    let one = domain(1, 0x4000_0000);
    let cases = [
        ("invalid to stage 1", cd::INVALID, one, 2, Break),
        ("stage 1 to invalid", one, cd::INVALID, 2, Break),
        ("another ASID", one, domain(2, 0x4000_0000), 1, Hitless),
        ("another domain", one, domain(2, 0x5000_0000), 3, Break),
        ("a process ends", one, released(&one), 2, Hitless),
        ("a process ends, backwards", released(&one), one, 2, Hitless),
    ];
    for (what, from, to, syncs, gap) in cases {
        check::<Cd>(what, from, to, syncs, gap);
    }
}
