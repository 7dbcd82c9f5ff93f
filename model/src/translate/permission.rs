//! Permissions of a leaf, Direct scheme (DDI 0487 D8.4; §5.4 WXN, PAN; §13.1.1): pure functions.

use crate::config::cd::Stage1Rules;
use crate::layout::descriptor::{Stage1Leaf, Stage1Table, Stage2Leaf};
use crate::rule::Rule;
use crate::transaction::{Access, Direction, Privilege, Purpose};

/// Whether stage 1 lets the access in. `hierarchy` holds the attributes of the table descriptors, ORed, and
/// is zero where they are disabled. `dirty`: hardware keeps the dirty state of this leaf, so that read-only
/// means clean.
#[inline(always)]
pub(super) fn stage1(
    leaf: Stage1Leaf,
    hierarchy: u64,
    dirty: bool,
    rules: Stage1Rules,
    access: Access,
) -> Result<(), Rule> {
    let page = Stage1Page { leaf, tables: Stage1Table::from_bits(hierarchy), dirty };
    let user = rules.two_levels && access.privilege == Privilege::Unprivileged;
    let privileged = rules.two_levels && !user;
    match (access.direction, access.purpose) {
        (Direction::Write, _) if !page.writes(user) => Err(Rule::Stage1WriteDenied),
        (Direction::Read, Purpose::Data) if !page.reads(user) => Err(Rule::Stage1ReadDenied),
        (Direction::Read, Purpose::Instruction) if !page.executes(privileged) => {
            Err(Rule::Stage1ExecuteDenied)
        }
        (Direction::Read, Purpose::Instruction) if rules.wxn && page.writes(user) => Err(Rule::Stage1Wxn),
        (Direction::Read, Purpose::Instruction) => Ok(()),
        // What PAN takes away is there without it.
        _data if privileged && page.panned(rules) => Err(Rule::Stage1Pan),
        (Direction::Read, Purpose::Data) | (Direction::Write, _) => Ok(()),
    }
}

/// What a leaf and the tables above it say. Each right is worked out when an access needs it.
#[derive(Clone, Copy)]
struct Stage1Page {
    leaf: Stage1Leaf,
    tables: Stage1Table,
    dirty: bool,
}

impl Stage1Page {
    /// `user`: for an unprivileged access, where the world knows such.
    #[inline(always)]
    fn reads(self, user: bool) -> bool {
        !user || (self.leaf.ap() & 0b01 != 0 && self.tables.ap_table() & 0b01 == 0)
    }

    #[inline(always)]
    fn writes(self, user: bool) -> bool {
        let writable = (self.leaf.ap() & 0b10 == 0 || self.dirty) && self.tables.ap_table() & 0b10 == 0;
        writable && self.reads(user)
    }

    /// `privileged`: for a privileged access, where the world knows others. Such code is not writable by users.
    #[inline(always)]
    fn executes(self, privileged: bool) -> bool {
        if privileged {
            !(self.leaf.pxn() || self.tables.pxn_table() || self.writes(true))
        } else {
            !(self.leaf.uxn() || self.tables.uxn_table())
        }
    }

    /// Whether PAN keeps a privileged data access out of what users reach.
    #[inline(always)]
    fn panned(self, rules: Stage1Rules) -> bool {
        rules.pan && (self.reads(true) || (rules.epan && self.executes(false)))
    }
}

/// Whether stage 2 lets the access in. `dirty`: hardware keeps the dirty state of this leaf. `xnx`: IDR3.XNX,
/// without which XN[0] has no meaning and privilege does not count.
#[inline(always)]
pub(super) fn stage2(leaf: Stage2Leaf, dirty: bool, xnx: bool, access: Access) -> Result<(), Rule> {
    match (access.direction, access.purpose) {
        (Direction::Write, _) if !(leaf.s2ap_write() || dirty) => Err(Rule::Stage2WriteDenied),
        (Direction::Read, Purpose::Data) if !leaf.s2ap_read() => Err(Rule::Stage2ReadDenied),
        (Direction::Read, Purpose::Instruction) if !executable(leaf, xnx, access.privilege) => {
            Err(Rule::Stage2ExecuteDenied)
        }
        (Direction::Read, Purpose::Data | Purpose::Instruction) | (Direction::Write, _) => Ok(()),
    }
}

/// XN[1:0] (DDI 0487 D8.4.2): 00 all, 01 unprivileged only, 10 none, 11 privileged only.
#[inline(always)]
fn executable(leaf: Stage2Leaf, xnx: bool, privilege: Privilege) -> bool {
    match (leaf.xn(), xnx) {
        (0b00, _) | (0b01, false) => true,
        (0b01, true) => privilege == Privilege::Unprivileged,
        (0b11, true) => privilege == Privilege::Privileged,
        _ => false,
    }
}
