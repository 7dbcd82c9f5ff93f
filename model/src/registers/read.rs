//! What software reads of one register, where that is more than a question of its value (§6.3).

use super::fields::{INDEX, gbpa_without_effect};
use super::{AnyRegister, Register, Registers};
use crate::choice::answer::{GbpaOverrideRead, QueueIndexHighBits};
use crate::env::Env;
use crate::features::Features;

impl Registers {
    /// Software reads all bits of `register`.
    pub(super) fn read(&self, env: &mut impl Env, f: &Features, register: AnyRegister) -> u64 {
        match register {
            AnyRegister::Main(register) => self.read_main(env, f, register),
            AnyRegister::Ecmdq(ecmdq) if register.exists(f) => {
                let index = self.ecmdqs.software_index(f, ecmdq);
                with_high_bits(env, self.get_any(f, register), index)
            }
            AnyRegister::Ecmdq(_) | AnyRegister::Pmcg(_) => self.get_any(f, register),
        }
    }

    fn read_main(&self, env: &mut impl Env, f: &Features, register: Register) -> u64 {
        let value = self.get(f, register);
        if register == Register::Gbpa {
            return read_gbpa(env, f, value);
        }
        with_high_bits(env, value, self.software_index(register))
    }

    /// An index that software owns, as it was written.
    fn software_index(&self, register: Register) -> Option<u32> {
        if register == Register::CmdqProd {
            Some(self.cmdq_prod)
        } else if register == Register::EventqCons {
            Some(self.eventq_cons.index())
        } else if register == Register::PriqCons {
            Some(self.priq_cons.index())
        } else {
            None
        }
    }
}

/// What is read of a register that holds `index`, of which `value` has the bits up to the wrap flag of its queue.
fn with_high_bits(env: &mut impl Env, value: u64, index: Option<u32>) -> u64 {
    match index {
        Some(index) if value & u64::from(INDEX) != u64::from(index) && stores_high_bits(env) => {
            value & !u64::from(INDEX) | u64::from(index)
        }
        _ => value,
    }
}

/// Bits above the wrap flag may be stored, without any other effect (§6.3.27, §6.3.96, §6.3.98).
#[cold]
pub(super) fn stores_high_bits(env: &mut impl Env) -> bool {
    env.ask(&[QueueIndexHighBits::Zero, QueueIndexHighBits::Written]) == QueueIndexHighBits::Written
}

/// Fields without effect may read as zero (§6.3.14).
fn read_gbpa(env: &mut impl Env, f: &Features, value: u64) -> u64 {
    let without_effect = u64::from(gbpa_without_effect(f).into_bits());
    if value & without_effect == 0 {
        return value;
    }
    match env.ask(&[GbpaOverrideRead::Written, GbpaOverrideRead::Zero]) {
        GbpaOverrideRead::Written => value,
        GbpaOverrideRead::Zero => value & !without_effect,
    }
}
