//! What a write by software does to one register (§6.3).

use super::fields::{INDEX, beyond_oas, implemented};
use super::guard::Guard;
use super::map::Access;
use super::read::stores_high_bits;
use super::store::low_word;
use super::{AnyRegister, Register, Registers, update};
use crate::choice::answer::{AddressAboveOas, CmdqConsErrWrite, GerrornInactive, GuardedWrite};
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::layout::atos::{AtosCtrl, AtosInterface};
use crate::layout::register::{CmdqCons, Gerror};
use crate::queue::ring::Ring;
use crate::rule::Rule;
use crate::trace::Event;

impl Registers {
    /// Software writes all bits of a register that an offset reaches.
    pub(super) fn write_any(&mut self, env: &mut impl Env, f: &Features, register: AnyRegister, value: u64) {
        env.trace(|| Event::RegisterWrite { register, value });
        match register {
            AnyRegister::Main(register) => self.write(env, f, register, value),
            AnyRegister::Ecmdq(register) => self.ecmdqs.write(env, f, register, value),
            AnyRegister::Pmcg(register) => self.pmcgs.write(env, f, register, value),
        }
    }

    fn write(&mut self, env: &mut impl Env, f: &Features, register: Register, value: u64) {
        if !register.exists(f) {
            env.note(Rule::RegisterUndefined);
            return;
        }
        let value = stored(env, (implemented(f, register), beyond_oas(f, register)), value);
        match register.access() {
            Access::ReadOnly => env.note(Rule::RegisterReadOnly),
            Access::Free => {
                let value = self.index_in_queue(env, f, register, value);
                self.set(register, value);
            }
            Access::Guarded(guard) => self.write_guarded(env, f, register, guard, value),
            Access::Control => update::write_control(env, f, self, register, low_word(value)),
            Access::Bypass => update::write_gbpa(env, f, self, low_word(value)),
            Access::GatosRun => self.write_run(env, f, AtosInterface::Gatos, atos_ctrl(value)),
            Access::VatosRun => self.write_run(env, f, AtosInterface::Vatos, atos_ctrl(value)),
            Access::Acknowledge => self.acknowledge(env, low_word(value)),
        }
    }

    fn write_guarded(
        &mut self,
        env: &mut impl Env,
        f: &Features,
        register: Register,
        guard: Guard,
        value: u64,
    ) {
        let value = self.within_queue(f, register, self.with_own_error_code(env, f, register, value));
        let old = self.get(f, register);
        // Rewriting what a field holds is no change, and always allowed.
        let refused = (old ^ value) & guard.closed_bits(self);
        if refused == 0 || stores_guarded(env, f) {
            self.set(register, value);
        } else {
            env.note(Rule::RegisterGuarded);
            self.set(register, value ^ refused);
        }
    }

    /// An index that software owns. Bits above the wrap flag of the queue as it is now may be stored.
    fn index_in_queue(&self, env: &mut impl Env, f: &Features, register: Register, value: u64) -> u64 {
        let index = self.within_queue(f, register, value);
        if index != value && stores_high_bits(env) { value } else { index }
    }

    /// Index bits above the wrap flag of the queue as it is now are not stored (§6.3.27, §6.3.96).
    fn within_queue(&self, f: &Features, register: Register, value: u64) -> u64 {
        match self.indexed_ring(f, register) {
            Some(ring) => value & !u64::from(INDEX & !ring.mask()),
            None => value,
        }
    }

    fn indexed_ring(&self, f: &Features, register: Register) -> Option<Ring> {
        if [Register::CmdqProd, Register::CmdqCons].contains(&register) {
            Some(self.command_ring(f))
        } else if [Register::EventqProd, Register::EventqCons].contains(&register) {
            Some(self.event_ring(f))
        } else if [Register::PriqProd, Register::PriqCons].contains(&register) {
            Some(self.pri_ring(f))
        } else {
            None
        }
    }

    /// A permitted write of CMDQ_CONS need not reach ERR (§6.3.28).
    fn with_own_error_code(&self, env: &mut impl Env, f: &Features, register: Register, value: u64) -> u64 {
        let written = CmdqCons::from_bits(low_word(value));
        if register != Register::CmdqCons || written.err() == self.cmdq_cons.err() {
            return value;
        }
        if Guard::Cmdqen.closed_bits(self) != 0 && f.revision > Revision::V3_1 {
            return value;
        }
        match env.ask(&[CmdqConsErrWrite::Take, CmdqConsErrWrite::Keep]) {
            CmdqConsErrWrite::Take => value,
            CmdqConsErrWrite::Keep => u64::from(written.with_err(self.cmdq_cons.err()).into_bits()),
        }
    }

    /// GERRORN (§6.3.20): an error whose two bits are made equal is no longer active.
    fn acknowledge(&mut self, env: &mut impl Env, value: u32) {
        let toggled = self.gerrorn.into_bits() ^ value;
        let inactive = toggled & !self.active_errors().into_bits();
        self.gerrorn = Gerror::from_bits(value);
        if inactive == 0 {
            return;
        }
        env.note(Rule::GerrornInactive);
        match env.ask(&[GerrornInactive::Activate, GerrornInactive::Stay]) {
            GerrornInactive::Activate => {}
            GerrornInactive::Stay => self.gerror = Gerror::from_bits(self.gerror.into_bits() ^ inactive),
        }
    }
}

/// What is kept of `value`: the implemented bits, and of an address perhaps those for which the implementation has no
/// use, as they are beyond OAS (§3.4.3).
pub(super) fn stored(env: &mut impl Env, (implemented, beyond_oas): (u64, u64), value: u64) -> u64 {
    let keeps_all = value & beyond_oas != 0
        && env.ask(&[AddressAboveOas::Drop, AddressAboveOas::Store]) == AddressAboveOas::Store;
    value & (implemented | if keeps_all { beyond_oas } else { 0 })
}

/// Up to v3.1 a guarded write may also store.
pub(super) fn stores_guarded(env: &mut impl Env, f: &Features) -> bool {
    f.revision <= Revision::V3_1
        && match env.ask(&[GuardedWrite::Ignore, GuardedWrite::Store]) {
            GuardedWrite::Ignore => false,
            GuardedWrite::Store => true,
        }
}

fn atos_ctrl(value: u64) -> AtosCtrl {
    AtosCtrl::from_bits(low_word(value))
}
