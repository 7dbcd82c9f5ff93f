//! What a write by software does to a register of a counter group (§10.5.2).

use super::group::{Group, beyond_oas, implemented};
use super::map::{Access, PmcgKind, PmcgRegister, design};
use super::{Pmcgs, overflow};
use crate::choice::answer::PmcgOverflowSet;
use crate::env::Env;
use crate::features::Features;
use crate::layout::pmcg::EventType;
use crate::layout::register::{IrqCfg0, IrqCfg2};
use crate::registers::store::low_word;
use crate::registers::update::Written;
use crate::registers::write::{stored, stores_guarded};
use crate::rule::Rule;

/// The one field of IRQ_CTRL: IRQEN (§10.5.2.19).
const IRQ_CTRL_FIELDS: [u32; 1] = [1 << 0];

impl Pmcgs {
    /// Software writes all bits of a register that exists.
    pub(in crate::registers) fn write(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        register: PmcgRegister,
        written: u64,
    ) {
        let PmcgRegister { group, kind, counter } = register;
        let value = stored(env, (implemented(f, group, kind, counter), beyond_oas(f, kind)), written);
        let group = self.get_mut(register.group);
        match register.kind.access() {
            Access::ReadOnly => env.note(Rule::RegisterReadOnly),
            Access::Free => group.set(register, value),
            Access::Set if register.kind == PmcgKind::Ovsset0 => {
                self.set_overflow(env, f, register.group, value)
            }
            Access::Set => group.set(register, group.read(f, register) | value),
            Access::Clear => group.set(register, group.read(f, register) & !value),
            Access::Capture => {
                if written & 1 != 0 && design(register.group).captures {
                    env.note(Rule::PmcgCapture);
                    group.capture();
                }
            }
            Access::Control => {
                let state = Written { current: group.irq_ctrl, acknowledged: group.irq_ctrlack };
                group.irq_ctrl = state.rewrite(env, f, &IRQ_CTRL_FIELDS, low_word(value));
            }
            Access::Guarded => {
                let is_closed = group.irq_ctrl | group.irq_ctrlack != 0;
                if is_closed && value != group.read(f, register) && !stores_guarded(env, f) {
                    env.note(Rule::RegisterGuarded);
                } else {
                    group.set(register, value);
                }
            }
        }
    }

    /// Software sets OVS: whether that has the side effects of an overflow is IMPLEMENTATION SPECIFIC
    /// (§10.5.2.10).
    fn set_overflow(&mut self, env: &mut impl Env, f: &Features, group: u8, counters: u64) {
        let effects = overflow::effects(self.get(group), counters);
        let has_effects = effects != overflow::Effects::default()
            && env.ask(&[PmcgOverflowSet::NoEffect, PmcgOverflowSet::AsOverflow])
                == PmcgOverflowSet::AsOverflow;
        if has_effects {
            overflow::happen(env, f, self, group, counters);
        } else {
            self.get_mut(group).overflowed |= counters;
        }
    }
}

impl Group {
    /// Replaces the value of a register that stores one; `value` holds implemented bits only.
    fn set(&mut self, register: PmcgRegister, value: u64) {
        let counter = &mut self.counters[usize::from(register.counter)];
        match register.kind {
            PmcgKind::Evcntr => counter.value = value,
            PmcgKind::Evtyper => counter.event_type = EventType::from_bits(low_word(value)),
            PmcgKind::Smr => counter.stream_match = low_word(value),
            PmcgKind::Cntenset0 | PmcgKind::Cntenclr0 => self.counting = value,
            PmcgKind::Intenset0 | PmcgKind::Intenclr0 => self.interrupting = value,
            PmcgKind::Ovsclr0 => self.overflowed = value,
            PmcgKind::Cr => self.enabled = value != 0,
            PmcgKind::IrqCfg0 => self.message.address = IrqCfg0::from_bits(value),
            PmcgKind::IrqCfg1 => self.message.data = low_word(value),
            PmcgKind::IrqCfg2 => self.message.attributes = IrqCfg2::from_bits(low_word(value)),
            PmcgKind::Ovsset0
            | PmcgKind::Svr
            | PmcgKind::Capr
            | PmcgKind::Cfgr
            | PmcgKind::Iidr
            | PmcgKind::Ceid0
            | PmcgKind::Ceid1
            | PmcgKind::IrqCtrl
            | PmcgKind::IrqCtrlAck
            | PmcgKind::IrqStatus
            | PmcgKind::Aidr
            | PmcgKind::Pmdevarch
            | PmcgKind::Pmdevtype
            | PmcgKind::Cidr0
            | PmcgKind::Cidr1
            | PmcgKind::Cidr2
            | PmcgKind::Cidr3 => unreachable!("{} is not written so", register.kind.name()),
        }
    }
}
