//! Global errors: GERROR and GERRORN (§6.3.19, §7.5).

use super::Registers;
use crate::env::Env;
use crate::features::Features;
use crate::interrupt;
use crate::layout::register::Gerror;
use crate::trace::Event;

/// Makes the errors in `flags` active; those that are already are not logged again.
pub(crate) fn activate(env: &mut impl Env, f: &Features, registers: &mut Registers, flags: Gerror) {
    let activated = Gerror::from_bits(flags.into_bits() & !registers.active_errors().into_bits());
    if activated == Gerror::new() {
        return;
    }
    registers.gerror = Gerror::from_bits(registers.gerror.into_bits() ^ activated.into_bits());
    env.trace(|| Event::GlobalError { activated });
    // An aborted GERROR interrupt is not announced by another one (§7.5.1).
    if activated.with_msi_gerror_abt_err(false) != Gerror::new() {
        interrupt::global_error(env, f, registers);
    }
}
