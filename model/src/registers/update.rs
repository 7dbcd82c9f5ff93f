//! Updates: what software asks for now and the SMMU completes later (§6.3.9, §6.3.14.1, §6.3.16, §3.5.6.2,
//! §10.5.2.19).
//!
//! Until an Update completes, the old value is in effect; the acknowledge register shows which one is.

use super::pmcg::GROUPS;
use super::{AnyRegister, Register, Registers};
use crate::choice::answer::{ControlRewrite, GbpaBusy, GbpaNoUpdate};
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::layout::atos::AtosCtrl;
use crate::layout::register::{Cr0, Gbpa, IrqCtrl};
use crate::rule::Rule;
use crate::trace::Event;

/// The fields of CR0, each Updated alone: SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK, VMW (§6.3.9).
const CR0_FIELDS: [u32; 6] = [1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 0b111 << 6];

/// The fields of IRQ_CTRL: GERROR_IRQEN, PRIQ_IRQEN, EVENTQ_IRQEN (§6.3.16).
const IRQ_CTRL_FIELDS: [u32; 3] = [1 << 0, 1 << 1, 1 << 2];

/// The most Updates that can be pending at once: every field of CR0 and IRQ_CTRL, GBPA, IRQ_CTRL of each counter
/// group, and EN of each Enhanced Command queue.
pub(crate) fn pending_max(f: &Features) -> usize {
    let ecmdqs = usize::from(f.ecmdq_pages) * usize::from(f.ecmdq_per_page);
    CR0_FIELDS.len() + IRQ_CTRL_FIELDS.len() + 1 + usize::from(GROUPS) + ecmdqs
}

/// Whether an Update is pending.
pub(crate) fn is_pending(registers: &Registers) -> bool {
    registers.cr0 != registers.cr0ack
        || registers.irq_ctrl != registers.irq_ctrlack
        || registers.gbpa.update()
        || registers.ecmdqs.are_in_transition()
        || registers.pmcgs.are_pending()
}

/// Completes one pending Update, if there is one.
pub(crate) fn complete_one(env: &mut impl Env, f: &Features, registers: &mut Registers) -> bool {
    let cr0 = (registers.cr0.into_bits(), registers.cr0ack.into_bits());
    let irq = (registers.irq_ctrl.into_bits(), registers.irq_ctrlack.into_bits());
    let (register, value) = if let Some(acknowledged) = next_acknowledge(cr0, &CR0_FIELDS) {
        let was_enabled = registers.cr0ack.smmuen();
        registers.cr0ack = Cr0::from_bits(acknowledged);
        if registers.cr0ack.smmuen() && !was_enabled {
            // What v3.1 stored while SMMUEN was 0 is no operation (§6.3.37).
            registers.gatos.ctrl = AtosCtrl::new();
            registers.vatos.ctrl = AtosCtrl::new();
        }
        (Register::Cr0Ack.into(), acknowledged)
    } else if let Some(acknowledged) = next_acknowledge(irq, &IRQ_CTRL_FIELDS) {
        registers.irq_ctrlack = IrqCtrl::from_bits(acknowledged);
        (Register::IrqCtrlAck.into(), acknowledged)
    } else if registers.gbpa.update() {
        registers.gbpa = registers.gbpa.with_update(false);
        registers.gbpa_in_use = registers.gbpa;
        (Register::Gbpa.into(), registers.gbpa.into_bits())
    } else if let Some((register, cons)) = registers.ecmdqs.complete_one(f) {
        (AnyRegister::Ecmdq(register), cons)
    } else if let Some((register, acknowledged)) = registers.pmcgs.complete_one() {
        (AnyRegister::Pmcg(register), acknowledged)
    } else {
        return false;
    };
    env.trace(|| Event::RegisterUpdate { register, value: u64::from(value) });
    true
}

/// The acknowledge register once the lowest field that differs has followed.
fn next_acknowledge((written, acknowledged): (u32, u32), fields: &[u32]) -> Option<u32> {
    let pending = written ^ acknowledged;
    if pending == 0 {
        return None; // as on nearly every step
    }
    let field = fields.iter().find(|&&field| pending & field != 0)?;
    Some(acknowledged ^ (pending & field))
}

/// A write of CR0 or IRQ_CTRL; `value` holds implemented bits only.
pub(super) fn write_control(
    env: &mut impl Env,
    f: &Features,
    registers: &mut Registers,
    register: Register,
    value: u32,
) {
    if register == Register::Cr0 {
        let state =
            Written { current: registers.cr0.into_bits(), acknowledged: registers.cr0ack.into_bits() };
        registers.cr0 = Cr0::from_bits(state.rewrite(env, f, &CR0_FIELDS, value));
    } else {
        assert_eq!(register, Register::IrqCtrl, "only two registers have fields with an Update");
        let (current, acknowledged) = (registers.irq_ctrl.into_bits(), registers.irq_ctrlack.into_bits());
        let state = Written { current, acknowledged };
        registers.irq_ctrl = IrqCtrl::from_bits(state.rewrite(env, f, &IRQ_CTRL_FIELDS, value));
    }
}

/// A control register and what the SMMU has acknowledged of it.
pub(super) struct Written {
    pub(super) current: u32,
    pub(super) acknowledged: u32,
}

impl Written {
    /// The register after software wrote `value`, field by field.
    pub(super) fn rewrite(&self, env: &mut impl Env, f: &Features, fields: &[u32], value: u32) -> u32 {
        let stored = fields.iter().map(|&field| {
            let (old, new) = (self.current & field, value & field);
            let is_pending = old != self.acknowledged & field;
            if is_pending && old != new { self.rewrite_pending(env, f, field, new) } else { new }
        });
        stored.fold(0, |word, field| word | field)
    }

    /// Changing a field again before its Update has finished is CONSTRAINED UNPREDICTABLE (§6.3.9).
    fn rewrite_pending(&self, env: &mut impl Env, f: &Features, field: u32, new: u32) -> u32 {
        env.note(Rule::ControlRewritten);
        let first = self.current & field;
        let answer = if f.revision <= Revision::V3_1 {
            env.ask(&[ControlRewrite::FirstWins, ControlRewrite::Cease, ControlRewrite::LastWins])
        } else {
            env.ask(&[ControlRewrite::FirstWins, ControlRewrite::Cease])
        };
        match answer {
            ControlRewrite::FirstWins => first,
            ControlRewrite::Cease if new == self.acknowledged & field => new,
            ControlRewrite::Cease => first,
            ControlRewrite::LastWins => new,
        }
    }
}

/// A write of GBPA (§6.3.14.1); `value` holds implemented bits only.
pub(super) fn write_gbpa(env: &mut impl Env, f: &Features, registers: &mut Registers, value: u32) {
    let value = Gbpa::from_bits(value);
    if registers.gbpa.update() {
        if f.revision <= Revision::V3_1 && env.ask(&[GbpaBusy::Ignore, GbpaBusy::Store]) == GbpaBusy::Store {
            registers.gbpa = value.with_update(true);
            return;
        }
    } else if value.update() {
        registers.gbpa = value;
        return;
    } else if f.revision <= Revision::V3_1 {
        match env.ask(&[GbpaNoUpdate::Ignore, GbpaNoUpdate::Apply, GbpaNoUpdate::Store]) {
            GbpaNoUpdate::Ignore => {}
            GbpaNoUpdate::Apply => {
                registers.gbpa = value;
                registers.gbpa_in_use = value;
                return;
            }
            GbpaNoUpdate::Store => {
                registers.gbpa = value;
                return;
            }
        }
    }
    env.note(Rule::GbpaWithoutUpdate);
}
