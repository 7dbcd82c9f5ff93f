//! What can be expected of virtual machines.

use super::super::OnKernel;
use super::super::claims::{Subject, numbers};
use super::Talk;
use crate::errno::Errno;
use crate::iommufd::uapi::{Layout, iommu_hwpt_pgfault};
use crate::scenario::arguments::Arguments;
use crate::scenario::check::claims::event_code;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{KernelClaimKind, VmClaim};
use crate::vmm::Call;

impl OnKernel<'_, '_> {
    /// A claim in the block of a `vmm` or `guest`; `None` if it is one that can stand anywhere.
    pub(in super::super) fn vm_claim(
        &self,
        name: &Spanned<String>,
        talk: Talk,
        arguments: &mut Arguments,
    ) -> Result<Option<KernelClaimKind>, Problem> {
        let misplaced = |verb: &str| {
            Err(Problem::new(
                name.span,
                format!("`{}` stands in the block of a `guest … {verb}`", name.value),
            ))
        };
        Ok(Some(match (name.value.as_str(), talk) {
            ("ok", _) => self.success(arguments, Subject::Vm(talk))?,
            ("abort", _) => KernelClaimKind::Vm(VmClaim::Aborted),
            ("declined", _) => {
                KernelClaimKind::Vm(VmClaim::Declined(arguments.required_text("a text")?.value))
            }
            ("note", _) => KernelClaimKind::Vm(VmClaim::Note(arguments.required_text("a text")?.value)),
            ("dirty", Talk::Dirty) => KernelClaimKind::Dirty(numbers(arguments)?),
            ("dirty", _) => return misplaced("dirty"),
            ("event", Talk::Events) => {
                let code = event_code(arguments)?;
                KernelClaimKind::Event { code, sequence: None, fields: self.record_fields(code, arguments)? }
            }
            ("fault", Talk::Events) => KernelClaimKind::Fault(self.compared(
                ("a fault", iommu_hwpt_pgfault::FIELDS),
                |_| None,
                arguments.fields(),
            )?),
            ("no-event", Talk::Events) => KernelClaimKind::Vm(VmClaim::NoEvent),
            ("event" | "fault" | "no-event", _) => return misplaced("events"),
            _ => return Ok(None),
        }))
    }

    /// `errno=EOPNOTSUPP at="IOMMU_VIOMMU_ALLOC"`
    pub(in super::super) fn vm_failure(
        &self,
        errno: Errno,
        arguments: &mut Arguments,
    ) -> Result<KernelClaimKind, Problem> {
        let at = arguments.text("at")?.map(|name| {
            Call::ALL.iter().copied().find(|call| call.name() == name.value).ok_or_else(|| {
                let known: Vec<&str> = Call::ALL.iter().map(|call| call.name()).collect();
                Problem::unknown("system call of a `vmm`", &name.value, name.span, &known)
            })
        });
        Ok(KernelClaimKind::Vm(VmClaim::Fails { errno, at: at.transpose()? }))
    }
}
