//! Performance Monitor Counter Groups: what their registers hold, and what software's accesses do (§10.5).
//!
//! Counting itself is `monitor`.

mod group;
mod map;
pub(crate) mod overflow;
mod write;

pub(crate) use group::countable;
pub(crate) use map::{GROUPS, design};
pub use map::{PmcgKind, PmcgRegister};

use crate::features::Features;
use group::Group;

/// All counter groups, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pmcgs(Vec<Group>);

impl Pmcgs {
    /// No groups: what stands until reset makes them.
    pub(crate) const NONE: Self = Self(Vec::new());

    /// Out of reset; `ones` says what a field holds whose reset value is UNKNOWN.
    pub(super) fn after_reset(f: &Features, ones: bool) -> Self {
        Self((0..GROUPS).map(|group| Group::after_reset(f, group, ones)).collect())
    }

    /// Whether any counter can count.
    #[inline]
    pub(crate) fn is_counting(&self) -> bool {
        self.0.iter().any(Group::is_counting)
    }

    /// One group, which exists.
    pub(crate) fn get(&self, group: u8) -> &Group {
        &self.0[usize::from(group)]
    }

    /// One group, which exists.
    pub(crate) fn get_mut(&mut self, group: u8) -> &mut Group {
        &mut self.0[usize::from(group)]
    }

    /// Whether an Update of an IRQ_CTRL is pending.
    pub(super) fn are_pending(&self) -> bool {
        self.0.iter().any(Group::irq_is_pending)
    }

    /// Completes the first pending Update of an IRQ_CTRL; says which, and its new IRQ_CTRLACK.
    pub(super) fn complete_one(&mut self) -> Option<(PmcgRegister, u32)> {
        let group = (0..GROUPS).find(|&group| self.get(group).irq_is_pending())?;
        let acknowledged = self.get_mut(group).complete_irq();
        Some((PmcgRegister { group, kind: PmcgKind::IrqCtrlAck, counter: 0 }, acknowledged))
    }

    /// Whether the state is one that no sequence of accesses leads to; only a state from outside is.
    #[cfg(feature = "serde")]
    pub(super) fn is_impossible(&self, f: &Features) -> bool {
        self.0.len() != usize::from(GROUPS)
            || (0..GROUPS).any(|group| self.get(group).is_impossible(f, group))
    }
}
