//! The use of cache entries with which memory no longer agrees, and how it came to that.

use serde_json::Value;
use smmu_model::trace::{CacheEntry, Difference, Event};

use crate::changes::Changes;
use crate::trace::{StaleUse, stale_line};

/// A use of a stale cache entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Use {
    entry: CacheEntry,
    born: u32,
    difference: Difference,
    invalidated: bool,
}

impl Use {
    /// The use that `event` is.
    pub(super) fn of(event: &Event) -> Option<Self> {
        if let Event::Stale { entry, born, difference, invalidated } = *event {
            return Some(Self { entry, born, difference, invalidated });
        }
        None
    }

    /// The line of a trace that it is; its history counts requests.
    pub(super) fn line(&self, changes: &Changes) -> Value {
        let Self { entry, born, difference, invalidated } = *self;
        let request = |number: u32| usize::try_from(number).expect("32 bits");
        let changed = changes.made_stale(entry, born, difference).map(request);
        stale_line(
            &StaleUse { entry, cached: Some(request(born)), changed, difference, invalidated },
            "request",
        )
    }
}

/// The lines of `uses`.
pub(super) fn lines(uses: &[Use], changes: &Changes) -> Vec<Value> {
    uses.iter().map(|used| used.line(changes)).collect()
}
