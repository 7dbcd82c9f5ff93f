//! What tells registers and Command queues with one name from each other: `page=`, `queue=`, `group=`, `counter=`.

use smmu_model::AnyRegister;
use smmu_model::features::Features;
use smmu_model::ids::{CommandQueue, EcmdqId};
use smmu_model::registers::{EcmdqKind, EcmdqRegister};

use crate::scenario::arguments::Arguments;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;

/// The register that `name` and the indexes name, which this SMMU must have if it lies on an optional page. An
/// index that is not given is 0.
pub(super) fn register(
    arguments: &mut Arguments,
    f: &Features,
    name: &Spanned<String>,
) -> Result<AnyRegister, Problem> {
    let found = AnyRegister::from_name(&name.value);
    let mut register = found.ok_or_else(|| {
        let known: Vec<&str> = AnyRegister::names().collect();
        Problem::unknown("register", &name.value, name.span, &known)
    })?;
    for index in AnyRegister::INDEXES {
        if let Some(number) = arguments.number_to(index, u8::MAX.into())? {
            let value = u8::try_from(number.value).expect("checked against the maximum");
            let other = register.with_index(index, value);
            register = other
                .ok_or_else(|| Problem::new(number.span, format!("{} has no `{index}=`", register.name())))?;
        }
    }
    match register {
        AnyRegister::Ecmdq(_) | AnyRegister::Pmcg(_) if !register.exists(f) => {
            Err(Problem::new(name.span, format!("this SMMU has no {register}")))
        }
        AnyRegister::Main(_) | AnyRegister::Ecmdq(_) | AnyRegister::Pmcg(_) => Ok(register),
    }
}
/// The Enhanced Command queue of `page=` and `queue=`, or without both the Command queue.
pub(super) fn command_queue(arguments: &mut Arguments, f: &Features) -> Result<CommandQueue, Problem> {
    let mut part = |name| arguments.number_to(name, u8::MAX.into());
    let (page, queue) = (part("page")?, part("queue")?);
    if page.is_none() && queue.is_none() {
        return Ok(CommandQueue::Main);
    }
    let value = |part: Option<Spanned<u64>>| {
        part.map_or(0, |part| u8::try_from(part.value).expect("checked against the maximum"))
    };
    let id = EcmdqId { page: value(page), queue: value(queue) };
    let base = EcmdqRegister { kind: EcmdqKind::Base, id };
    if base.exists(f) {
        Ok(CommandQueue::Enhanced(id))
    } else {
        Err(Problem::new(arguments.span(), format!("this SMMU has no Enhanced Command queue {id}")))
    }
}
