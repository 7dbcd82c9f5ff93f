//! Permissions of a leaf, Direct scheme (DDI 0487 D8.4; §5.4 WXN, PAN; §13.1.1): pure functions.

use crate::config::cd::Stage1Rules;
use crate::layout::descriptor::{Stage1Leaf, Stage1Table, Stage2Leaf};
use crate::rule::Rule;
use crate::transaction::{Access, Direction, Privilege, Purpose};

/// Rights of one privilege level.
#[derive(Clone, Copy)]
struct Rights {
    read: bool,
    write: bool,
    execute: bool,
}

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
    let tables = Stage1Table::from_bits(hierarchy);
    let writable = (leaf.ap() & 0b10 == 0 || dirty) && tables.ap_table() & 0b10 == 0;
    let (rights, panned) = if rules.two_levels {
        two_levels(leaf, tables, writable, rules, access)
    } else {
        let execute = !(leaf.uxn() || tables.uxn_table());
        (Rights { read: true, write: writable, execute }, false)
    };
    match (access.direction, access.purpose) {
        (Direction::Write, _) if panned => Err(Rule::Stage1Pan),
        (Direction::Write, _) if !rights.write => Err(Rule::Stage1WriteDenied),
        (Direction::Read, Purpose::Data) if panned => Err(Rule::Stage1Pan),
        (Direction::Read, Purpose::Data) if !rights.read => Err(Rule::Stage1ReadDenied),
        (Direction::Read, Purpose::Instruction) if !rights.execute => Err(Rule::Stage1ExecuteDenied),
        (Direction::Read, Purpose::Instruction) if rules.wxn && rights.write => Err(Rule::Stage1Wxn),
        (Direction::Read, Purpose::Data | Purpose::Instruction) | (Direction::Write, _) => Ok(()),
    }
}

/// The rights at the privilege of the access, and whether PAN alone takes the data access away.
#[inline(always)]
fn two_levels(
    leaf: Stage1Leaf,
    tables: Stage1Table,
    writable: bool,
    rules: Stage1Rules,
    access: Access,
) -> (Rights, bool) {
    let reachable = leaf.ap() & 0b01 != 0 && tables.ap_table() & 0b01 == 0;
    let user = Rights {
        read: reachable,
        write: reachable && writable,
        execute: !(leaf.uxn() || tables.uxn_table()),
    };
    let privileged =
        Rights { read: true, write: writable, execute: !(leaf.pxn() || tables.pxn_table() || user.write) };
    match access.privilege {
        Privilege::Unprivileged => (user, false),
        Privilege::Privileged => {
            let closed = rules.pan && (user.read || user.write || (rules.epan && user.execute));
            let allowed = match access.direction {
                Direction::Read => privileged.read,
                Direction::Write => privileged.write,
            };
            (privileged, closed && allowed)
        }
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
