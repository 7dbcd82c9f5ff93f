//! Compares what our driver wrote with a snapshot of what the real one did.
//!
//! Addresses of memory that the kernel allocated are those of one run. So each address field is compared by which
//! other fields hold the same address: within a snapshot, ours and theirs must map one to one. All other bits must
//! be equal.

use std::collections::BTreeMap;

use super::compare::Difference;
use super::snapshot::Snapshot;

/// Bits [51:n] of a word.
const fn address_from(bit: u32) -> u64 {
    (1 << 52) - (1 << bit)
}

/// STE.Config (§5.2) with stage 1, and with stage 2: then the table of stage 1 is a guest's.
const CONFIG_STAGE1: u64 = 1 << 1;
const CONFIG_STAGE2: u64 = 2 << 1;

/// Registers that hold an address of the kernel's memory: STRTAB_BASE, CMDQ_BASE, EVENTQ_BASE, PRIQ_BASE.
const BASES: [u64; 4] = [0x80, 0x90, 0xa0, 0xc0];

/// CMD_SYNC, which has an address if it asks for an interrupt (CS is 1).
const CMD_SYNC: u64 = 0x46;

/// What our side has at the point of a snapshot.
pub(super) type Found = Snapshot;

/// All that differs.
pub(super) fn differences(expected: &Snapshot, found: &Found) -> Vec<Difference> {
    let mut compared = Compared::default();
    for (word, pair) in expected.ste.iter().zip(&found.ste).enumerate() {
        compared.word(format!("STE word {word}"), pair, ste_address(word, expected.ste[0]));
    }
    if let Some(cd) = &expected.cd {
        let ours = found.cd.unwrap_or_default();
        for (word, pair) in cd.iter().zip(&ours).enumerate() {
            let address = if word == 1 { address_from(4) } else { 0 };
            compared.word(format!("CD word {word}"), pair, address);
        }
    }
    let (theirs, ours) = (&expected.commands, &found.commands);
    compared.count("commands", theirs.len(), ours.len());
    for index in 0..theirs.len().max(ours.len()) {
        compared.command(index, theirs.get(index), ours.get(index));
    }
    let (theirs, ours) = (&expected.writes, &found.writes);
    compared.count("register writes", theirs.len(), ours.len());
    for index in 0..theirs.len().max(ours.len()) {
        compared.write(index, theirs.get(index), ours.get(index));
    }
    compared.differences
}

/// Which bits of a word of an STE are an address of the kernel's memory.
fn ste_address(word: usize, word0: u64) -> u64 {
    match word {
        0 if word0 & (CONFIG_STAGE1 | CONFIG_STAGE2) == CONFIG_STAGE1 => address_from(6),
        3 => address_from(4),
        _other => 0,
    }
}

#[derive(Default)]
struct Compared {
    differences: Vec<Difference>,
    ours_of: BTreeMap<u64, u64>,
    theirs_of: BTreeMap<u64, u64>,
}

impl Compared {
    fn note(&mut self, field: String, expected: String, found: String) {
        self.differences.push(Difference { field, expected, found });
    }

    fn count(&mut self, what: &str, expected: usize, found: usize) {
        if expected != found {
            self.note(format!("number of {what}"), expected.to_string(), found.to_string());
        }
    }

    fn word(&mut self, field: String, (expected, found): (&u64, &u64), address: u64) {
        if !self.agrees(*expected, *found, address) {
            self.note(field, format!("{expected:#018x}"), format!("{found:#018x}"));
        }
    }

    /// Whether two words agree, of which the bits `address` are an address.
    fn agrees(&mut self, expected: u64, found: u64, address: u64) -> bool {
        let (theirs, ours) = (expected & address, found & address);
        let one_to_one = *self.ours_of.entry(theirs).or_insert(ours) == ours
            && *self.theirs_of.entry(ours).or_insert(theirs) == theirs;
        let no_address = theirs == 0 && ours == 0;
        expected & !address == found & !address && (no_address || one_to_one)
    }

    fn command(&mut self, index: usize, expected: Option<&[u64; 2]>, found: Option<&[u64; 2]>) {
        let text = |words: Option<&[u64; 2]>| {
            words.map_or_else(|| "none".to_owned(), |[low, high]| format!("{low:#018x} {high:#018x}"))
        };
        let agrees = match (expected, found) {
            (Some(theirs), Some(ours)) => {
                let has_address = theirs[0] & 0xff == CMD_SYNC;
                let address = if has_address { address_from(2) } else { 0 };
                // The slot of a CMD_SYNC is anywhere in the queue: no other field holds its address.
                theirs[0] == ours[0] && theirs[1] & !address == ours[1] & !address
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => false,
        };
        if !agrees {
            self.note(format!("command {index}"), text(expected), text(found));
        }
    }

    fn write(&mut self, index: usize, expected: Option<&(u64, u64)>, found: Option<&(u64, u64)>) {
        let text = |write: Option<&(u64, u64)>| {
            write.map_or_else(|| "none".to_owned(), |(offset, value)| format!("{offset:#x} = {value:#x}"))
        };
        let agrees = match (expected, found) {
            (Some(&(theirs, expected)), Some(&(ours, found))) => {
                let address = if BASES.contains(&theirs) { address_from(5) } else { 0 };
                theirs == ours && self.agrees(expected, found, address)
            }
            (Some(_), None) | (None, Some(_)) | (None, None) => false,
        };
        if !agrees {
            self.note(format!("register write {index}"), text(expected), text(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_map_one_to_one() {
        let stage1 =
            |context: u64| Snapshot { ste: [0xb | context, 0xd6, 0, 0, 0, 0, 0, 0], ..Default::default() };
        let check = |expected: &Snapshot, found: &Snapshot, fields: &[&str]| {
            let differences = differences(expected, found);
            let named: Vec<_> = differences.iter().map(|difference| difference.field.as_str()).collect();
            assert_eq!(named, fields);
        };
        check(&stage1(0x4000), &stage1(0x8000), &[]);
        let with_cd = |context, table| Snapshot { cd: Some([1, table, 0, 0, 0, 0, 0, 0]), ..stage1(context) };
        check(&with_cd(0x4000, 0x5000), &with_cd(0x8000, 0x9000), &[]);
        check(&with_cd(0x4000, 0x5000), &with_cd(0x8000, 0x8000), &["CD word 1"]);
        check(&with_cd(0x4000, 0x4000), &with_cd(0x8000, 0x9000), &["CD word 1"]);
        let nested =
            |context: u64| Snapshot { ste: [0xf | context, 0, 0, 0, 0, 0, 0, 0], ..Default::default() };
        check(&nested(0x4000), &nested(0x8000), &["STE word 0"]);
    }

    #[test]
    fn commands_and_writes_are_compared_in_order() {
        let expected = Snapshot {
            commands: vec![[3, 1], [0x46, 0]],
            writes: vec![(0x20, 0), (0x80, 0x4000_0000_4000_0000)],
            ..Default::default()
        };
        let found = Snapshot {
            commands: vec![[3, 0]],
            writes: vec![(0x20, 0), (0x80, 0x4000_0000_8000_0000)],
            ..Default::default()
        };
        let differences = differences(&expected, &found);
        let named: Vec<_> = differences.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(named, ["number of commands", "command 0", "command 1"]);
    }
}
