//! `expect` on the kernel level: alone as a step, or in the block of one.

use smmu_model::layout::event::EventCode;
use smmu_model::layout::names;

use super::stack::Talk;
use super::{Doing, OnKernel};
use crate::errno::Errno;
use crate::iommufd::Check;
use crate::iommufd::uapi::{Field, Layout, iommu_hwpt_pgfault};
use crate::scenario::arguments::{Arguments, Property, number};
use crate::scenario::check::claims::event_code;
use crate::scenario::check::memory::hex_bytes;
use crate::scenario::ioctl::{HW_INFO, Ioctl};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::Spanned;
use crate::scenario::step::{Deed, End, KernelClaim, KernelClaimKind, Value, VmClaim};
use crate::scenario::syntax::Node;

/// What can be expected on the kernel level, beside `errno=` and `bytes=`.
pub const KERNEL_CLAIMS: &[&str] = &[
    "ok",
    "ranges",
    "info",
    "dirty",
    "fault",
    "event",
    "no-event",
    "lost",
    "declined",
    "note",
    "abort",
    "raz-wi",
    "stall",
    "memory",
    "buffer",
    "log",
    "no-log",
    "readable",
    "not-readable",
    "stalled",
    "pinned",
    "released",
];

/// What a claim may speak about beside what can be seen at any time.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    /// A system call; of an ioctl, its structure.
    Call(Option<Ioctl>),
    /// What was read from a queue.
    Read,
    /// The access of a device.
    Dma,
    /// What a virtual machine does.
    Vm(Talk),
    /// Nothing: it stands alone.
    Anything,
}

impl OnKernel<'_, '_> {
    /// `expect CLAIM …` as a step.
    pub(super) fn expect(&mut self, node: &Node) -> Result<(), Problem> {
        let mut process = None;
        let claims = self.expected(node, Subject::Anything, &mut process)?;
        let process = process.unwrap_or(crate::scenario::step::ProcessId(0));
        self.step(node, Doing { process, deed: Deed::Expect, result: None, claims })
    }

    /// The claims in the block of a node that has nothing else there.
    pub(super) fn block(&mut self, node: &Node, subject: Subject) -> Result<Vec<KernelClaim>, Problem> {
        self.claims_of(node, |_| true, subject, &["expect"])
    }

    /// The claims among the children that `are_left`; `known` are all that the block can have.
    pub(super) fn claims_of(
        &mut self,
        node: &Node,
        are_left: impl Fn(&&Node) -> bool,
        subject: Subject,
        known: &[&str],
    ) -> Result<Vec<KernelClaim>, Problem> {
        let mut claims = Vec::new();
        for child in node.children.iter().flatten().filter(are_left) {
            let expected = if child.name.value == "expect" {
                self.expected(child, subject, &mut None)
            } else {
                let kind = format!("part of `{}`", node.name.value);
                Err(Problem::unknown(&kind, &child.name.value, child.name.span, known))
            };
            match expected {
                Ok(expected) => claims.extend(expected),
                Err(problem) => self.base.note(problem),
            }
        }
        Ok(claims)
    }

    /// `expect CLAIM …`, `expect errno=EBUSY …`, `expect bytes="…"`, or `expect { CLAIM …; CLAIM … }`.
    fn expected(
        &mut self,
        node: &Node,
        subject: Subject,
        process: &mut Option<crate::scenario::step::ProcessId>,
    ) -> Result<Vec<KernelClaim>, Problem> {
        let mut arguments = self.arguments(node)?;
        if matches!(subject, Subject::Anything) && !self.stack.processes.is_empty() {
            *process = Some(self.process_of(&mut arguments)?);
        }
        let has_name = !node.arguments.is_empty();
        if !has_name && let Some(errno) = arguments.text("errno")? {
            let kind = self.failure(&errno, &mut arguments, subject)?;
            return finish(node, kind, arguments).map(|claim| vec![claim]);
        }
        if !has_name && let (Subject::Call(_), Some(bytes)) = (subject, arguments.text("bytes")?) {
            let kind = KernelClaimKind::Bytes(hex_bytes(&bytes)?);
            return finish(node, kind, arguments).map(|claim| vec![claim]);
        }
        match (node.arguments.first(), &node.children) {
            (None, Some(children)) => {
                arguments.finish()?;
                let claims = children.iter().map(|child| {
                    let arguments = self.arguments(child)?;
                    self.claim(child, child.name.clone(), arguments, subject)
                });
                claims.collect()
            }
            (None, None) => Err(Problem::new(node.span, "`expect` needs something to expect")
                .with_help(format!("there is errno=, {}", KERNEL_CLAIMS.join(", ")))),
            (Some(_), _) => {
                let name = arguments.required_text("something to expect")?;
                Ok(vec![self.claim(node, name, arguments, subject)?])
            }
        }
    }

    fn claim(
        &mut self,
        node: &Node,
        name: Spanned<String>,
        mut arguments: Arguments,
        subject: Subject,
    ) -> Result<KernelClaim, Problem> {
        let arguments_ref = &mut arguments;
        let misplaced =
            |about: &str| Err(Problem::new(name.span, format!("`{}` is about {about}", name.value)));
        if let Subject::Vm(talk) = subject
            && let Some(kind) = self.vm_claim(&name, talk, arguments_ref)?
        {
            return finish(node, kind, arguments);
        }
        let kind = match (name.value.as_str(), subject) {
            ("ok", Subject::Dma) => self.end(End::Ok, arguments_ref)?,
            ("ok", Subject::Call(_) | Subject::Read | Subject::Vm(_)) => {
                self.success(arguments_ref, subject)?
            }
            ("ok", Subject::Anything) => {
                return misplaced("a system call or an access: it stands in its block");
            }
            ("abort", Subject::Dma) => self.end(End::Abort, arguments_ref)?,
            ("raz-wi", Subject::Dma) => self.end(End::RazWi, arguments_ref)?,
            ("stall", Subject::Dma) => self.end(End::Stall, arguments_ref)?,
            ("abort" | "raz-wi" | "stall", _) => {
                return misplaced("an access: it stands in the block of a `dma`");
            }
            ("ranges" | "info" | "dirty", Subject::Call(Some(ioctl))) => {
                self.given_claim(&name, ioctl, arguments_ref)?
            }
            ("ranges" | "info" | "dirty", _) => {
                return misplaced("what an ioctl gives: it stands in its block");
            }
            ("fault", Subject::Read) => KernelClaimKind::Fault(self.compared(
                ("a fault", iommu_hwpt_pgfault::FIELDS),
                |_| None,
                arguments_ref.fields(),
            )?),
            ("event", Subject::Read) => {
                let code = event_code(arguments_ref)?;
                let sequence = arguments_ref.number("sequence")?.map(|sequence| sequence.value);
                KernelClaimKind::Event { code, sequence, fields: self.record_fields(code, arguments_ref)? }
            }
            ("lost", Subject::Read) => {
                KernelClaimKind::Lost(arguments_ref.number("sequence")?.map(|sequence| sequence.value))
            }
            ("fault" | "event" | "lost", _) => {
                return misplaced("what was read: it stands in the block of a `read`");
            }
            ("memory", _) => {
                let vm = arguments_ref.text("vm")?.map(|name| self.vm_called(&name)).transpose()?;
                let at = self.argument(arguments_ref, "an address")?;
                let data = self.data(arguments_ref)?;
                match vm {
                    Some(vm) => KernelClaimKind::Vm(VmClaim::Memory { vm, at, data }),
                    None => KernelClaimKind::Memory { at, data },
                }
            }
            ("buffer", _) => {
                let device = self.initiator(&arguments_ref.required_text("a device")?)?;
                KernelClaimKind::Buffer { device, data: self.data(arguments_ref)? }
            }
            ("log", _) => {
                let code = event_code(arguments_ref)?;
                KernelClaimKind::Logged { code, fields: self.record_fields(code, arguments_ref)? }
            }
            ("released", _) => KernelClaimKind::Vm(VmClaim::Released),
            ("declined" | "note" | "no-event", _) => {
                return misplaced("a virtual machine: it stands in the block of a `vmm` or `guest`");
            }
            ("no-log", _) => KernelClaimKind::NothingLogged,
            ("readable", _) => KernelClaimKind::Readable(self.argument(arguments_ref, "a descriptor")?, true),
            ("not-readable", _) => {
                KernelClaimKind::Readable(self.argument(arguments_ref, "a descriptor")?, false)
            }
            ("stalled", _) => {
                let count = arguments_ref.required_number("how many")?;
                KernelClaimKind::Stalled(usize::try_from(count.value).unwrap_or(usize::MAX))
            }
            ("pinned", _) => KernelClaimKind::Pinned(arguments_ref.required_number("how many pages")?.value),
            (other, _) => {
                return Err(Problem::unknown("claim of the kernel level", other, name.span, KERNEL_CLAIMS));
            }
        };
        finish(node, kind, arguments)
    }

    pub(super) fn success(
        &self,
        arguments: &mut Arguments,
        subject: Subject,
    ) -> Result<KernelClaimKind, Problem> {
        let ret = self.property(arguments, "ret")?;
        Ok(KernelClaimKind::Succeeds { ret, fields: self.fields_after(arguments, subject)? })
    }

    fn failure(
        &self,
        errno: &Spanned<String>,
        arguments: &mut Arguments,
        subject: Subject,
    ) -> Result<KernelClaimKind, Problem> {
        if !matches!(subject, Subject::Call(_) | Subject::Read | Subject::Vm(_)) {
            let message = "`errno=` is about a system call: it stands in its block";
            return Err(Problem::new(errno.span, message));
        }
        let known = Errno::by_name(&errno.value).ok_or_else(|| {
            let names: Vec<&str> = Errno::ALL.iter().map(|errno| errno.name()).collect();
            Problem::unknown("error", &errno.value, errno.span, &names)
        })?;
        if let Subject::Vm(_) = subject {
            return self.vm_failure(known, arguments);
        }
        let check = arguments.text("check")?.map(|label| {
            Check::ALL.iter().copied().find(|check| check.label() == label.value).ok_or_else(|| {
                let labels: Vec<&str> = Check::ALL.iter().map(|check| check.label()).collect();
                Problem::unknown("check", &label.value, label.span, &labels)
            })
        });
        let (errno, check) = (known, check.transpose()?);
        Ok(KernelClaimKind::Fails { errno, check, fields: self.fields_after(arguments, subject)? })
    }

    /// Fields of the structure after the call.
    fn fields_after(
        &self,
        arguments: &mut Arguments,
        subject: Subject,
    ) -> Result<Vec<(Field, Value)>, Problem> {
        match subject {
            Subject::Call(Some(ioctl)) => self.reply_fields(arguments, ioctl),
            Subject::Call(None) | Subject::Read | Subject::Dma | Subject::Vm(_) | Subject::Anything => {
                Ok(Vec::new())
            }
        }
    }

    fn end(&self, end: End, arguments: &mut Arguments) -> Result<KernelClaimKind, Problem> {
        let data = if end == End::Ok { self.property(arguments, "data")? } else { None };
        Ok(KernelClaimKind::End { end, data })
    }

    /// `ranges FIRST LAST …`, `info FIELD=…`, `dirty PAGE …`: what the kernel wrote where a structure points to.
    fn given_claim(
        &self,
        name: &Spanned<String>,
        ioctl: Ioctl,
        arguments: &mut Arguments,
    ) -> Result<KernelClaimKind, Problem> {
        let of = [
            ("ranges", "IOMMU_IOAS_IOVA_RANGES"),
            ("info", "IOMMU_GET_HW_INFO"),
            ("dirty", "IOMMU_HWPT_GET_DIRTY_BITMAP"),
        ];
        let owner = of.iter().find(|(claim, _)| *claim == name.value).map_or("", |(_, owner)| *owner);
        if ioctl.name() != owner {
            return Err(Problem::new(name.span, format!("`{}` is about {owner}", name.value)));
        }
        Ok(match name.value.as_str() {
            "ranges" => {
                let bounds = numbers(arguments)?;
                let (pairs, rest) = bounds.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(Problem::new(arguments.span(), "a range is its first and its last IOVA"));
                }
                KernelClaimKind::Ranges(pairs.iter().map(|[first, last]| (*first, *last)).collect())
            }
            "info" => {
                KernelClaimKind::HwInfo(self.compared(("the data", HW_INFO), |_| None, arguments.fields())?)
            }
            _dirty => KernelClaimKind::Dirty(numbers(arguments)?),
        })
    }

    pub(super) fn record_fields(
        &self,
        code: EventCode,
        arguments: &mut Arguments,
    ) -> Result<Vec<(names::Field, Value)>, Problem> {
        let table = names::event(code);
        let compared = |property: Property| {
            // A value that is known must fit.
            if let Resolved::Number(_) | Resolved::Flag(_) = property.1.value {
                let (field, value) = crate::scenario::check::fields::known(table, property)?;
                return Ok((field, Value::from(value)));
            }
            let (name, value) = property;
            Ok((*crate::scenario::check::fields::find(table, &name)?, self.value(value)?))
        };
        arguments.fields().into_iter().map(compared).collect()
    }
}

/// All arguments that are left, as numbers.
pub(super) fn numbers(arguments: &mut Arguments) -> Result<Vec<u64>, Problem> {
    let mut numbers = Vec::new();
    while let Some(value) = arguments.next() {
        numbers.push(number(value)?.value);
    }
    Ok(numbers)
}

fn finish(node: &Node, kind: KernelClaimKind, arguments: Arguments) -> Result<KernelClaim, Problem> {
    if node.children.is_some() {
        return Err(Problem::new(node.span, "this claim has no block"));
    }
    let span = arguments.span();
    arguments.finish()?;
    Ok(KernelClaim { span, kind })
}
