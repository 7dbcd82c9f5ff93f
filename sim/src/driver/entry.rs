//! Changing an STE or a CD that the SMMU may be reading (`arm_smmu_write_entry`).
//!
//! The SMMU reads 64 bits at a time. An entry changes without a gap if all the bits that matter, now or then, lie
//! in one word; else it goes through V = 0. Between the steps the SMMU is told to forget what it has read.

/// The eight words of an STE or CD.
pub(super) type Entry = [u64; 8];

/// What is known of a kind of entry.
pub(super) trait Kind {
    /// The bits that the SMMU looks at in `entry`.
    fn used(entry: &Entry) -> Entry;

    /// Bits that may change at any time while both `from` and `to` use them.
    fn safe(from: &Entry, to: &Entry) -> Entry;
}

/// How an entry is written.
pub(super) trait Writer {
    /// One 64-bit store.
    fn store(&mut self, index: usize, word: u64);

    /// Makes the SMMU read the entry again, and waits until nothing of the old one is in use.
    fn sync(&mut self);
}

/// Turns `entry`, as it is in memory, into `target`.
pub(super) fn update<K: Kind>(writer: &mut impl Writer, entry: &mut Entry, target: &Entry) {
    let used_then = K::used(target);
    for (target, used) in target.iter().zip(used_then) {
        assert!(target & !used == 0, "an entry has bits that the SMMU does not look at");
    }
    let (unused_first, critical) = plan::<K>(entry, target);
    match critical.as_slice() {
        [] => set(writer, entry, target, 0..8),
        [word] => {
            let mut before = unused_first;
            before[*word] = entry[*word];
            set(writer, entry, &before, 0..8);
            set(writer, entry, target, *word..*word + 1);
            set(writer, entry, target, 0..8);
        }
        _several => {
            let mut invalid = unused_first;
            invalid[0] = 0;
            set(writer, entry, &invalid, 0..1);
            set(writer, entry, target, 1..8);
            set(writer, entry, target, 0..1);
        }
    }
}

/// The entry with every bit that is not used now as it will be, and the words that then still differ in a bit
/// that will be used.
fn plan<K: Kind>(entry: &Entry, target: &Entry) -> (Entry, Vec<usize>) {
    let (used_now, used_then, safe) = (K::used(entry), K::used(target), K::safe(entry, target));
    let mut unused_first = *entry;
    let mut critical = Vec::new();
    for index in 0..8 {
        let now = used_now[index] & !safe[index];
        unused_first[index] = entry[index] & now | target[index] & !now;
        if unused_first[index] & used_then[index] != target[index] {
            critical.push(index);
        }
    }
    (unused_first, critical)
}

/// Stores the words of `range` that differ, and syncs if there were any.
fn set(writer: &mut impl Writer, entry: &mut Entry, target: &Entry, range: std::ops::Range<usize>) {
    let mut changed = false;
    for index in range {
        if entry[index] != target[index] {
            entry[index] = target[index];
            writer.store(index, target[index]);
            changed = true;
        }
    }
    if changed {
        writer.sync();
    }
}

#[cfg(test)]
mod tests;
