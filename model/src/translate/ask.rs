//! What a translation is asked for: to let one access in, or (ATS) to say what it would let in (§13.7).

use super::permission;
use crate::config::cd::Stage1Rules;
use crate::layout::descriptor::{Stage1Leaf, Stage2Leaf};
use crate::rule::Rule;
use crate::transaction::{Access, Direction, Privilege};

/// A question to the permissions of each stage in turn, and to hardware that keeps their flags.
pub(crate) trait Ask: Copy {
    /// What is left of the question where stage 1 grants part of it; the rule that refuses all of it. The
    /// arguments are those of [`permission::stage1`].
    fn stage1(self, leaf: Stage1Leaf, hierarchy: u64, dirty: bool, rules: Stage1Rules) -> Result<Self, Rule>;

    /// The same at stage 2, of [`permission::stage2`].
    fn stage2(self, leaf: Stage2Leaf, dirty: bool, xnx: bool) -> Result<Self, Rule>;

    /// Whether a writable-clean page becomes dirty for it (§3.13.3).
    fn dirties(self) -> bool;

    /// Whether hardware keeps the flags of the leaf for it; if not, they count as if it did.
    fn updates(self) -> bool;

    /// The privilege that it is asked at.
    fn privilege(self) -> Privilege;
}

impl Ask for Access {
    #[inline(always)]
    fn stage1(self, leaf: Stage1Leaf, hierarchy: u64, dirty: bool, rules: Stage1Rules) -> Result<Self, Rule> {
        permission::stage1(leaf, hierarchy, dirty, rules, self).map(|()| self)
    }

    #[inline(always)]
    fn stage2(self, leaf: Stage2Leaf, dirty: bool, xnx: bool) -> Result<Self, Rule> {
        permission::stage2(leaf, dirty, xnx, self).map(|()| self)
    }

    #[inline(always)]
    fn dirties(self) -> bool {
        self.direction == Direction::Write
    }

    #[inline(always)]
    fn updates(self) -> bool {
        true
    }

    #[inline(always)]
    fn privilege(self) -> Privilege {
        self.privilege
    }
}
