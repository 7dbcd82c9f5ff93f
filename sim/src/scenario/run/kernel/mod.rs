//! Executes a scenario of the kernel level: processes make system calls, devices access memory.

mod calls;
mod claims;
mod dma;
mod ioctl;
mod memory;
mod queues;
mod stack;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use smmu_model::layout::event::EventRecord;
use smmu_model::rule::Rule;

use self::calls::Actor;
use super::{Run, in_turn, not_held};
use crate::errno::Errno;
use crate::iommufd::uapi::Field;
use crate::iommufd::{ContextId, ObjectId};
use crate::kernel::Kernel;
use crate::scenario::ioctl::get;
use crate::scenario::problem::Problem;
use crate::scenario::span::Sources;
use crate::scenario::step::{
    CallData, Deed, KernelClaimKind, KernelScript, KernelStep, Term, Value, VirtualEvent,
};
use crate::trace::{CallEnd, DeviceEnd, Happening, KernelHappening, Listener, QueueKind};

/// Runs `script`.
pub(super) fn execute(script: &KernelScript, sources: &Sources, listener: &mut impl Listener) -> Run {
    match Kernel::boot(&script.setup) {
        Ok(kernel) => {
            let mut machine = Machine::new(script, sources, kernel, listener);
            let mut before = None;
            for step in &script.steps {
                machine.step(before, step);
                before = Some(step);
            }
            machine.finish()
        }
        Err(errno) => {
            let problem = Problem::new(script.span, "the machine does not boot")
                .labelled(format!("a driver ends with {errno}"));
            listener.hear(Happening::Failed { problem: &problem, sources });
            Run { failures: vec![problem], ..Run::default() }
        }
    }
}

struct Machine<'a, L> {
    script: &'a KernelScript,
    sources: &'a Sources,
    kernel: Kernel,
    listener: &'a mut L,
    /// The processes that have started.
    actors: Vec<Actor>,
    vms: Vec<stack::Vm>,
    results: Vec<Option<Found>>,
    /// What came of this step.
    end: End,
    /// What this step has read from a queue and no claim has taken.
    read: Unclaimed,
    /// What monitors had to say in this step.
    notes: Vec<String>,
    /// How many records of the kernel's log were said.
    logs_said: usize,
    /// How many of them claims have taken.
    logs_claimed: usize,
    /// Queues that had something to read after the step before.
    readable: BTreeSet<(ContextId, ObjectId)>,
    stalled: usize,
    rules: BTreeSet<Rule>,
    failures: Vec<Problem>,
    /// The step being executed.
    loops: &'a str,
}

/// What came of a step.
#[derive(Debug)]
enum End {
    /// It was no call and no access.
    Nothing,
    /// The system call ended so; with the bytes of its structure.
    Call(CallEnd, Vec<u8>),
    /// The access of a device ended so.
    Access(DeviceEnd),
    /// A virtual machine did not get through with it.
    Vm(stack::Stop),
}

/// Records that were read and are not expected yet.
#[derive(Debug, Default)]
struct Unclaimed {
    faults: VecDeque<Vec<u8>>,
    events: VecDeque<VirtualEvent>,
}

/// What is known of a result.
#[derive(Clone, Debug, Default)]
struct Found {
    /// What its name stands for.
    number: Option<u64>,
    /// The structure that its parts are fields of.
    structure: Vec<u8>,
    failed: Option<Errno>,
}

impl<'a, L: Listener> Machine<'a, L> {
    fn new(script: &'a KernelScript, sources: &'a Sources, kernel: Kernel, listener: &'a mut L) -> Self {
        let at_boot = kernel.logged_events().len();
        Self {
            script,
            sources,
            kernel,
            listener,
            actors: Vec::new(),
            vms: script.vms.iter().map(|_| stack::Vm::default()).collect(),
            results: vec![None; script.results.len()],
            end: End::Nothing,
            read: Unclaimed::default(),
            notes: Vec::new(),
            logs_said: at_boot,
            logs_claimed: at_boot,
            readable: BTreeSet::new(),
            stalled: 0,
            rules: BTreeSet::new(),
            failures: Vec::new(),
            loops: "",
        }
    }

    fn step(&mut self, before: Option<&KernelStep>, step: &'a KernelStep) {
        let goes_on = before.is_some_and(|before| before.span == step.span && before.loops == step.loops);
        if !goes_on {
            self.loops = &step.loops;
            let text = self.sources.text(step.span).lines().next().unwrap_or_default();
            let line = self.sources.line(step.span);
            self.listener.hear(Happening::Step { line, text, loops: &step.loops });
        }
        if !matches!(step.deed, Deed::Expect) {
            self.end = End::Nothing;
            self.read = Unclaimed::default();
            self.notes.clear();
        }
        match self.act(step) {
            Err(message) => self.fail(Problem::new(step.span, message)),
            Ok(()) => {
                self.notice();
                self.remember(step);
                self.judge_all(step);
            }
        }
    }

    /// An error says why the step could not be attempted.
    fn act(&mut self, step: &'a KernelStep) -> Result<(), String> {
        let process = step.process;
        match &step.deed {
            Deed::Start { user, rights, memlock } => self.start(process, *user, *rights, *memlock),
            Deed::Exit => self.exit(process),
            Deed::Limit { memlock, descriptors } => self.limit(process, *memlock, *descriptors),
            Deed::Call(call) => self.call(process, call),
            Deed::Poke { at, data } => self.poke(process, at, data),
            Deed::Peek { at, bytes } => self.peek(process, at, *bytes),
            Deed::Dma(access) => self.dma(access),
            Deed::Vm(vm, deed) => self.vm(*vm, deed),
            Deed::Expect => Ok(()),
        }
    }

    fn say(&mut self, happening: KernelHappening<'_>) {
        self.listener.hear(Happening::Kernel(&happening));
    }

    /// What has changed in places that nobody asks about: the log, the queues, the accesses that stall.
    fn notice(&mut self) {
        let records: Vec<[u64; 4]> = self.kernel.logged_events()[self.logs_said..].to_vec();
        self.logs_said += records.len();
        for record in records {
            self.say(KernelHappening::Logged { record: EventRecord(record) });
        }
        let readable = self.readable_queues();
        for ((context, id), queue) in &readable {
            if !self.readable.contains(&(*context, *id)) {
                self.say(KernelHappening::Readable { queue: *queue, id: id.0 });
            }
        }
        self.readable = readable.into_keys().collect();
        let stalled = self.kernel.stalled();
        if stalled < self.stalled {
            self.say(KernelHappening::StallsEnded { count: self.stalled - stalled });
        }
        self.stalled = stalled;
    }

    fn readable_queues(&self) -> BTreeMap<(ContextId, ObjectId), QueueKind> {
        let mut readable = BTreeMap::new();
        for context in self.kernel.contexts() {
            let objects = &context.objects;
            for id in objects.ids() {
                if objects.fault_queue(id).is_some_and(|queue| queue.is_readable()) {
                    readable.insert((context.id, id), QueueKind::Faults);
                }
                if objects.event_queue(id).is_some_and(|queue| queue.is_readable()) {
                    readable.insert((context.id, id), QueueKind::Events);
                }
            }
        }
        readable
    }

    /// Keeps what came of the step under its name.
    fn remember(&mut self, step: &KernelStep) {
        let Some(result) = step.result else { return };
        let found = match &self.end {
            End::Nothing => return,
            End::Call(end, structure) => {
                let failed = end.result.err().map(|(errno, _)| errno);
                Found {
                    number: calls::main_value(&step.deed, end, structure),
                    structure: structure.clone(),
                    failed,
                }
            }
            End::Vm(stop) => Found { failed: stop.errno(), ..Found::default() },
            End::Access(end) => {
                Found { number: super::little_endian(&end.data), structure: Vec::new(), failed: None }
            }
        };
        self.results[result.0] = Some(found);
    }

    /// The number that `value` stands for by now.
    fn value(&self, value: &Value) -> Result<u64, String> {
        value.terms.iter().try_fold(value.constant, |sum, term| {
            sum.checked_add(self.part(*term)?).ok_or_else(|| "the sum does not fit 64 bits".to_owned())
        })
    }

    fn part(&self, term: Term) -> Result<u64, String> {
        let found = self.results[term.result.0].as_ref();
        let value = found.and_then(|found| match &term.field {
            None => found.number,
            Some(field) => found.field(field),
        });
        value.ok_or_else(|| {
            let why = match found {
                None => "it has not come yet".to_owned(),
                Some(Found { failed: Some(errno), .. }) => format!("it has ended with {errno}"),
                Some(_) => "there is none".to_owned(),
            };
            format!("`{}` has no value: {why}", self.name_of(term))
        })
    }

    fn name_of(&self, term: Term) -> String {
        let name = &self.script.results[term.result.0];
        let name = if name.is_empty() { "the descriptor" } else { name };
        term.field.map_or_else(|| name.to_owned(), |field| format!("{name}.{}", field.name))
    }

    fn fail(&mut self, problem: Problem) {
        let problem = in_turn(problem, self.loops);
        self.listener.hear(Happening::Failed { problem: &problem, sources: self.sources });
        self.failures.push(problem);
    }

    /// A system call that fails is a failure, unless the step says what it expects of it.
    fn judge_all(&mut self, step: &KernelStep) {
        let speaks_of_end = step.claims.iter().any(|claim| {
            let of_vm =
                if let KernelClaimKind::Vm(claim) = &claim.kind { claim.is_about_end() } else { false };
            let of_call =
                matches!(claim.kind, KernelClaimKind::Succeeds { .. } | KernelClaimKind::Fails { .. });
            of_vm || of_call
        });
        if let (End::Vm(stop), false) = (&self.end, speaks_of_end)
            && !matches!(step.deed, Deed::Expect)
        {
            let found = stop.to_string();
            self.fail(not_held(step.span, "the step to succeed", found));
        }
        if let (End::Call(end, _), false) = (&self.end, speaks_of_end)
            && !matches!(step.deed, Deed::Expect)
            && let Err((errno, check)) = end.result
        {
            let found = calls::shown_failure(errno, check);
            self.fail(not_held(step.span, "the system call to succeed", found));
        }
        for claim in &step.claims {
            if let Err(mismatch) = self.judge(step, &claim.kind) {
                self.fail(not_held(claim.span, &mismatch.expected, mismatch.found));
            }
        }
    }

    fn finish(self) -> Run {
        let names = self.script.results.iter().zip(&self.results);
        let found = names.filter_map(|(name, found)| Some((name, found.as_ref()?)));
        let outcome = found.filter(|(name, _)| !name.is_empty()).map(|(name, found)| {
            let number = found.number.map_or_else(|| "none".to_owned(), |number| format!("{number:#x}"));
            (name.clone(), found.failed.map_or(number, |errno| errno.name().to_owned()))
        });
        Run {
            outcome: outcome.collect(),
            failures: self.failures,
            rules: self.rules,
            checks: self.kernel.failed_checks().clone(),
            ..Run::default()
        }
    }
}

impl Found {
    fn field(&self, field: &Field) -> Option<u64> {
        let is_there = self.failed.is_none() && self.structure.len() >= field.offset + field.bytes;
        is_there.then(|| get(&self.structure, field))
    }
}

impl Unclaimed {
    fn of(data: &CallData) -> Self {
        match data {
            CallData::Faults(faults) => Self { faults: faults.iter().cloned().collect(), ..Self::default() },
            CallData::Events(events) => Self { events: events.iter().copied().collect(), ..Self::default() },
            CallData::Bytes(_)
            | CallData::Ste(_)
            | CallData::Commands(_)
            | CallData::Ranges(_)
            | CallData::HwInfo(_)
            | CallData::Dirty(_)
            | CallData::Responses(_) => Self::default(),
        }
    }
}
