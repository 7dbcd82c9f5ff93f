//! The ATC of a device (§3.9.1): what it keeps of Translation Completions, and what Invalidate Requests take away.

use serde::{Deserialize, Serialize};
use smmu_model::ats::{AtsEntry, Completion, InvalidateRequest, Invalidated};
use smmu_model::ids::SubstreamId;

/// An entry, and the PASID for which the device asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) substream: Option<SubstreamId>,
    pub(crate) entry: AtsEntry,
}

/// A device's cache of translations.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Atc {
    /// How the device answers Invalidate Requests.
    pub(crate) invalidated: Invalidated,
    /// Oldest first.
    kept: Vec<Kept>,
}

impl Default for Atc {
    fn default() -> Self {
        Self { invalidated: Invalidated::Completed, kept: Vec::new() }
    }
}

impl Atc {
    /// It holds no more than this: the oldest entry goes.
    const MAX: usize = 1024;

    /// Keeps what a completion grants, in the place of what it overlaps.
    pub(crate) fn keep(&mut self, substream: Option<SubstreamId>, completion: &Completion) {
        let Completion::Success(entries) = completion else { return };
        for entry in entries.iter().filter(|entry| entry.read || entry.write || entry.execute) {
            let (first, last) = (entry.input.value(), last_of(entry));
            self.kept.retain(|Kept { substream: owner, entry: old }| {
                *owner != substream || old.privilege != entry.privilege || !overlaps(old, first, last)
            });
            if self.kept.len() == Self::MAX {
                self.kept.remove(0);
            }
            self.kept.push(Kept { substream, entry: *entry });
        }
    }

    /// The entries for an address.
    pub(crate) fn find(
        &self,
        substream: Option<SubstreamId>,
        address: u64,
    ) -> impl Iterator<Item = &AtsEntry> {
        let kept = self.kept.iter().filter(move |kept| kept.substream == substream);
        kept.map(|kept| &kept.entry).filter(move |entry| overlaps(entry, address, address))
    }

    /// The answer to an Invalidate Request, and the entries that went.
    pub(crate) fn invalidate(&mut self, request: &InvalidateRequest) -> (Invalidated, Vec<Kept>) {
        if self.invalidated != Invalidated::Completed {
            return (self.invalidated, Vec::new());
        }
        (self.invalidated, self.kept.extract_if(.., |kept| is_meant(request, kept)).collect())
    }

    /// Whether completions can have left it so.
    pub(crate) fn is_possible(&self) -> bool {
        self.kept.len() <= Self::MAX && self.kept.iter().all(Kept::is_possible)
    }
}

impl Kept {
    /// Whether it is a region of the address space.
    pub(crate) fn is_possible(&self) -> bool {
        self.entry.size_log2 < 64
    }
}

/// Whether the request asks for this entry to go.
fn is_meant(request: &InvalidateRequest, kept: &Kept) -> bool {
    let last = match request.log2_span_bytes {
        64.. => u64::MAX,
        bits => request.address | ((1 << bits) - 1),
    };
    let is_owner = kept.substream == request.substream || request.global && kept.substream.is_some();
    is_owner && overlaps(&kept.entry, request.address, last)
}

fn overlaps(entry: &AtsEntry, first: u64, last: u64) -> bool {
    entry.input.value() <= last && first <= last_of(entry)
}

fn last_of(entry: &AtsEntry) -> u64 {
    entry.input.value() | ((1 << entry.size_log2) - 1)
}
