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
use crate::scenario::step::{Deed, End, KernelClaim, KernelClaimKind, ProcessId, Value, VmClaim};
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
        let mut arguments = self.arguments(node)?;
        // Without a process, it is about virtual machines or the host.
        let has_process = !self.stack.processes.is_empty();
        let process = if has_process { self.process_of(&mut arguments)? } else { ProcessId(0) };
        let claims = self.expected(node, arguments, Subject::Anything)?;
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
                self.arguments(child).and_then(|arguments| self.expected(child, arguments, subject))
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
        &self,
        node: &Node,
        mut arguments: Arguments,
        subject: Subject,
    ) -> Result<Vec<KernelClaim>, Problem> {
        if !node.arguments.is_empty() {
            let name = arguments.required_text("something to expect")?;
            return Ok(vec![self.claim(node, &name, arguments, subject)?]);
        }
        if let Some(errno) = arguments.text("errno")? {
            let kind = self.failure(&errno, &mut arguments, subject)?;
            return Ok(vec![finish(node, kind, arguments)?]);
        }
        if let (Subject::Call(_), Some(bytes)) = (subject, arguments.text("bytes")?) {
            return Ok(vec![finish(node, KernelClaimKind::Bytes(hex_bytes(&bytes)?), arguments)?]);
        }
        let Some(children) = &node.children else {
            return Err(Problem::new(node.span, "`expect` needs something to expect")
                .with_help(format!("there is errno=, {}", KERNEL_CLAIMS.join(", "))));
        };
        arguments.finish()?;
        let claims =
            children.iter().map(|child| self.claim(child, &child.name, self.arguments(child)?, subject));
        claims.collect()
    }

    fn claim(
        &self,
        node: &Node,
        name: &Spanned<String>,
        mut arguments: Arguments,
        subject: Subject,
    ) -> Result<KernelClaim, Problem> {
        if let Subject::Vm(talk) = subject
            && let Some(kind) = self.vm_claim(name, talk, &mut arguments)?
        {
            return finish(node, kind, arguments);
        }
        let kind = match self.claim_about(name, &mut arguments, subject)? {
            Some(kind) => kind,
            None => self.claim_anywhere(name, &mut arguments)?,
        };
        finish(node, kind, arguments)
    }

    /// A claim about what the step does; `None` if it is of none that a step can do.
    fn claim_about(
        &self,
        name: &Spanned<String>,
        arguments: &mut Arguments,
        subject: Subject,
    ) -> Result<Option<KernelClaimKind>, Problem> {
        let misplaced = |about: &str| {
            let message = format!("`{}` is about {about}: it stands in its block", name.value);
            Err(Problem::new(name.span, message))
        };
        Ok(Some(match (name.value.as_str(), subject) {
            ("ok", Subject::Dma) => self.end(End::Ok, arguments)?,
            ("ok", Subject::Call(_) | Subject::Read | Subject::Vm(_)) => self.success(arguments, subject)?,
            ("ok", Subject::Anything) => return misplaced("a system call or an access"),
            ("abort", Subject::Dma) => self.end(End::Abort, arguments)?,
            ("raz-wi", Subject::Dma) => self.end(End::RazWi, arguments)?,
            ("stall", Subject::Dma) => self.end(End::Stall, arguments)?,
            ("abort" | "raz-wi" | "stall", _) => return misplaced("an access"),
            ("ranges" | "info" | "dirty", Subject::Call(Some(ioctl))) => {
                self.given_claim(name, ioctl, arguments)?
            }
            ("ranges" | "info" | "dirty", _) => return misplaced("what an ioctl gives"),
            ("fault", Subject::Read) => {
                let table = ("a fault", iommu_hwpt_pgfault::FIELDS);
                KernelClaimKind::Fault(self.compared(table, |_| None, arguments.fields())?)
            }
            ("event", Subject::Read) => {
                let code = event_code(arguments)?;
                let sequence = arguments.number("sequence")?.map(|sequence| sequence.value);
                KernelClaimKind::Event { code, sequence, fields: self.record_fields(code, arguments)? }
            }
            ("lost", Subject::Read) => {
                KernelClaimKind::Lost(arguments.number("sequence")?.map(|sequence| sequence.value))
            }
            ("fault" | "event" | "lost", _) => return misplaced("what a `read` gives"),
            ("declined" | "note" | "no-event", _) => return misplaced("a virtual machine"),
            _ => return Ok(None),
        }))
    }

    /// A claim about what can be seen at any time.
    fn claim_anywhere(
        &self,
        name: &Spanned<String>,
        arguments: &mut Arguments,
    ) -> Result<KernelClaimKind, Problem> {
        Ok(match name.value.as_str() {
            "memory" => {
                let vm = arguments.text("vm")?.map(|name| self.vm_called(&name)).transpose()?;
                let at = self.argument(arguments, "an address")?;
                let data = self.data(arguments)?;
                match vm {
                    Some(vm) => KernelClaimKind::Vm(VmClaim::Memory { vm, at, data }),
                    None => KernelClaimKind::Memory { at, data },
                }
            }
            "buffer" => {
                let device = self.initiator(&arguments.required_text("a device")?)?;
                KernelClaimKind::Buffer { device, data: self.data(arguments)? }
            }
            "log" => {
                let code = event_code(arguments)?;
                KernelClaimKind::Logged { code, fields: self.record_fields(code, arguments)? }
            }
            "no-log" => KernelClaimKind::NothingLogged,
            "released" => KernelClaimKind::Vm(VmClaim::Released),
            "readable" => KernelClaimKind::Readable(self.argument(arguments, "a descriptor")?, true),
            "not-readable" => KernelClaimKind::Readable(self.argument(arguments, "a descriptor")?, false),
            "stalled" => {
                let count = arguments.required_number("how many")?;
                KernelClaimKind::Stalled(usize::try_from(count.value).unwrap_or(usize::MAX))
            }
            "pinned" => KernelClaimKind::Pinned(arguments.required_number("how many pages")?.value),
            other => {
                let kind = "claim of the kernel level";
                return Err(Problem::unknown(kind, other, name.span, KERNEL_CLAIMS));
            }
        })
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
