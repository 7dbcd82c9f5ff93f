//! Scenarios of the kernel level: a file in which `kernel` stands. Its nodes have their own meanings here.

mod claims;
mod dma;
mod files;
mod ioctl;
mod machine;
mod memory;
mod pointee;
mod stack;
mod value;

pub use self::claims::KERNEL_CLAIMS;

use super::{Checker, STEPS_MAX};
use crate::iommufd::uapi::{Field, Layout, iommu_hwpt_pgfault};
use crate::kernel::SmmuSetup;
use crate::kernel::device::DeviceSetup;
use crate::scenario::arguments::Arguments;
use crate::scenario::ioctl::Ioctl;
use crate::scenario::problem::Problem;
use crate::scenario::scope::{Variable, is_name};
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::{
    Deed, KernelClaim, KernelScript, KernelStep, Level, ProcessId, ResultId, Term, Value,
};
use crate::scenario::syntax::Node;

/// What a scenario of the kernel level can consist of, beside an ioctl by its name, and `include`, `let` and `for`.
pub const KERNEL_NODES: &[&str] = &[
    "smmu", "firmware", "kernel", "device", "process", "exit", "limit", "open", "close", "mmap", "munmap",
    "memfd", "poke", "peek", "ioctl", "read", "write", "dma", "vmm", "guest", "expect",
];

/// The names of all ioctls, each of which is a node.
pub fn ioctls() -> impl Iterator<Item = String> {
    Ioctl::all().map(|ioctl| ioctl.name())
}

/// What is known so far of a scenario of the kernel level.
#[derive(Debug, Default)]
pub(super) struct Stack {
    kernel: Option<Span>,
    processors: crate::driver::Host,
    platform: machine::Platform,
    smmus: Vec<(String, SmmuSetup)>,
    devices: Vec<(String, DeviceSetup)>,
    processes: Vec<String>,
    vms: Vec<stack::Vm>,
    steps: Vec<KernelStep>,
    results: Vec<(String, Kind)>,
    opened: Vec<Opened>,
}

/// What a result is, and so which parts it has.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A number: a descriptor, an address, or what was read.
    Number,
    /// The structure of an ioctl.
    Structure(Ioctl),
    /// The first fault that was read.
    Fault,
}

/// A device file that the scenario opens.
#[derive(Clone, Copy, Debug)]
struct Opened {
    process: ProcessId,
    is_iommufd: bool,
    result: ResultId,
}

/// A node of the scenario in the course of being checked.
struct OnKernel<'c, 'f> {
    base: &'c mut Checker<'f>,
    stack: &'c mut Stack,
}

/// What is done in a step, with whose memory and descriptors.
struct Doing {
    process: ProcessId,
    deed: Deed,
    result: Option<ResultId>,
    claims: Vec<KernelClaim>,
}

impl Checker<'_> {
    /// A node of the kernel level.
    pub(super) fn kernel_node(&mut self, node: &Node) -> Result<(), Problem> {
        let mut stack = self.kernel.take().expect("the scenario is of the kernel level");
        let result = OnKernel { base: self, stack: &mut stack }.node(node);
        self.kernel = Some(stack);
        result
    }
}

impl OnKernel<'_, '_> {
    fn node(&mut self, node: &Node) -> Result<(), Problem> {
        match node.name.value.as_str() {
            "smmu" => self.smmu(node),
            "firmware" => self.firmware(node),
            "kernel" => self.kernel(node),
            "device" => self.device(node),
            "process" => self.process(node),
            "exit" => self.exit(node),
            "limit" => self.limit(node),
            "open" => self.open(node),
            "close" => self.close(node),
            "mmap" => self.mmap(node),
            "munmap" => self.munmap(node),
            "memfd" => self.memfd(node),
            "poke" => self.poke(node),
            "peek" => self.peek(node),
            "ioctl" => self.raw_ioctl(node),
            "read" => self.read(node),
            "write" => self.write(node),
            "dma" => self.dma(node),
            "vmm" => self.vmm(node),
            "guest" => self.guest(node),
            "expect" => self.expect(node),
            name => match Ioctl::called(name) {
                Some(ioctl) => self.ioctl(node, ioctl),
                None => {
                    let ioctls: Vec<String> = ioctls().collect();
                    let known: Vec<&str> =
                        KERNEL_NODES.iter().copied().chain(ioctls.iter().map(String::as_str)).collect();
                    Err(Problem::unknown("step of the kernel level", name, node.name.span, &known))
                }
            },
        }
    }

    fn arguments(&self, node: &Node) -> Result<Arguments, Problem> {
        Arguments::new(node, &self.base.scope)
    }

    /// Adds a step.
    fn step(&mut self, node: &Node, doing: Doing) -> Result<(), Problem> {
        if self.stack.steps.len() == STEPS_MAX {
            self.base.full = true;
            return Err(Problem::new(node.span, format!("the scenario has more than {STEPS_MAX} steps")));
        }
        let Doing { process, deed, result, claims } = doing;
        let loops = self.base.loops_in_force();
        self.stack.steps.push(KernelStep { span: node.span, loops, process, deed, result, claims });
        Ok(())
    }

    /// Whose step it is: `by="other"`, or of the process that started first.
    fn process_of(&self, arguments: &mut Arguments) -> Result<ProcessId, Problem> {
        let processes = &self.stack.processes;
        match arguments.text("by")? {
            Some(name) => self.process_called(&name),
            None if processes.is_empty() => {
                let help = "start one, for example `process \"vmm\"`";
                Err(Problem::new(arguments.span(), "there is no `process` yet").with_help(help))
            }
            None => Ok(ProcessId(0)),
        }
    }

    fn process_called(&self, name: &Spanned<String>) -> Result<ProcessId, Problem> {
        let position = self.stack.processes.iter().position(|known| *known == name.value);
        position.map(ProcessId).ok_or_else(|| {
            let known: Vec<&str> = self.stack.processes.iter().map(String::as_str).collect();
            Problem::unknown("process", &name.value, name.span, &known)
        })
    }

    /// Names what comes of a step: `as="ioas"`.
    fn named(&mut self, name: Option<Spanned<String>>, kind: Kind) -> Result<Option<ResultId>, Problem> {
        let Some(name) = name else { return Ok(None) };
        if !is_name(&name.value) {
            return Err(Problem::new(name.span, "a name consists of letters, digits and `_`"));
        }
        if self.stack.results.iter().any(|(known, _)| *known == name.value) {
            return Err(Problem::new(name.span, format!("a result is called `{}` already", name.value)));
        }
        let result = self.unnamed(kind);
        self.stack.results[result.0].0.clone_from(&name.value);
        self.base.scope.define_global(name.value, Variable::Result(result));
        Ok(Some(result))
    }

    /// What comes of a step that a later one may use without a name.
    fn unnamed(&mut self, kind: Kind) -> ResultId {
        self.stack.results.push((String::new(), kind));
        ResultId(self.stack.results.len() - 1)
    }

    /// The only device file of this kind that the process has open.
    fn only_descriptor(&self, process: ProcessId, is_iommufd: bool, span: Span) -> Result<Value, Problem> {
        let opened = self.stack.opened.iter();
        let mut open = opened.filter(|open| (open.process, open.is_iommufd) == (process, is_iommufd));
        match (open.next(), open.next()) {
            (Some(only), None) => {
                Ok(Value { constant: 0, terms: vec![Term { result: only.result, field: None }] })
            }
            (first, _) => {
                let how_many = if first.is_none() { "no" } else { "more than one" };
                let what = if is_iommufd { "iommufd" } else { "VFIO device" };
                let message = format!("the process has {how_many} {what} open");
                Err(Problem::new(span, message).with_help("say which descriptor: `on=$name`"))
            }
        }
    }
}

impl Kind {
    fn fields(&self) -> &'static [Field] {
        match self {
            Self::Number => &[],
            Self::Structure(ioctl) => ioctl.fields,
            Self::Fault => iommu_hwpt_pgfault::FIELDS,
        }
    }
}

impl Stack {
    /// The scenario, if it has what it needs.
    pub(super) fn finish(self, base: &mut Checker<'_>) -> Option<Level> {
        let span = self.kernel?;
        if self.smmus.is_empty() && base.problems.is_empty() {
            let help = "begin with, for example, `smmu preset=\"qemu-11.1\"`";
            base.note(Problem::new(span, "the scenario has no `smmu`").with_help(help));
        }
        let (devices, setups) = self.devices.into_iter().unzip();
        let machine::Platform { generation, first_kvm_vmid, has_atomics } = self.platform;
        let setup = crate::kernel::Setup {
            smmus: self.smmus.into_iter().map(|(_, setup)| setup).collect(),
            devices: setups,
            processors: self.processors,
            keeps_journal: false,
            generation,
            first_kvm_vmid,
            has_atomics,
        };
        Some(Level::Kernel(Box::new(KernelScript {
            span,
            setup,
            devices,
            processes: self.processes,
            vms: self.vms.into_iter().map(|vm| vm.names).collect(),
            steps: self.steps,
            results: self.results.into_iter().map(|(name, _)| name).collect(),
        })))
    }
}
