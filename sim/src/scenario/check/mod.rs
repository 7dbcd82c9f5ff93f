//! From the text of a scenario to one that can run, or to everything that is wrong with it.
//!
//! Nodes are taken in order; loops and includes are unrolled on the way. A mistake is noted and the next node
//! is looked at, so that one run of the tool shows all of them.

mod ahead;
mod area;
mod ats;
mod broadcast;
mod claims;
mod control;
mod dma;
mod fields;
mod hardware;
mod hint;
mod include;
mod indexes;
mod kernel;
mod loops;
mod memory;
mod outcomes;
mod registers;
mod structures;
mod table_builder;
mod tables;

pub use self::claims::CLAIMS;
pub use self::kernel::{KERNEL_CLAIMS, KERNEL_NODES, ioctls};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smmu_model::choice::Scripted;
use smmu_model::features::{Features, Preset};
use smmu_model::memory::Ranges;
use smmu_model::{CachePolicy, Register};

use self::area::Area;
use self::hardware::Device;
use self::structures::StreamTable;
use self::table_builder::TableBuilder;
use super::problem::{PROBLEMS_MAX, Problem};
use super::scope::{Scope, Variable};
use super::span::{Source, Sources, Span};
use super::step::{Action, Backing, Level, MemoryMap, Permitted, RegisterScript, ResultId, Scenario, Step};
use super::syntax::{self, Node};

/// Where the text of an included file comes from.
pub trait Files {
    /// The text of the file at `path`, or why there is none.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// A scenario that cannot run.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its text, and the texts that it includes.
    pub sources: Sources,
    /// What is wrong, in the order of the text; never empty.
    pub problems: Vec<Problem>,
}

/// More steps than this are refused: loops multiply quickly.
const STEPS_MAX: usize = 20_000;

/// So many words stored in memory are refused, for the same reason.
const STORED_WORDS_MAX: usize = 1 << 18;

/// Checks the scenario `text`, called `name`; `files` has what it includes.
pub fn check(name: &str, text: &str, files: &dyn Files) -> Result<Scenario, Broken> {
    let mut checker = Checker::new(files);
    let source = Source { name: name.to_owned(), text: Arc::from(text) };
    checker.file(source, None);
    checker.finish()
}

/// What is known so far.
struct Checker<'a> {
    files: &'a dyn Files,
    sources: Sources,
    problems: Vec<Problem>,
    scope: Scope,
    /// The files being read, outermost first.
    including: Vec<String>,
    /// The loop variables in force.
    loops: Vec<(String, String)>,
    /// What there is of a scenario of the kernel level; nothing of what follows is of one.
    kernel: Option<kernel::Stack>,

    features: Features,
    smmu: Option<Span>,
    caches: CachePolicy,
    choices: Scripted,
    memory: MemoryMap,
    memory_at: Option<Span>,
    /// What aborts at this point of the scenario.
    aborts: Ranges,
    area: Area,
    devices: Vec<Device>,

    stream_table: Option<StreamTable>,
    /// The STE words written last, by StreamID.
    stes: BTreeMap<u32, [u64; 8]>,
    tables: Vec<(String, TableBuilder)>,
    /// Registers that the scenario has written by itself.
    written: BTreeSet<Register>,

    steps: Vec<Step>,
    /// How many words the steps store.
    stored_words: usize,
    /// How many turns the loops have made.
    turns: usize,
    /// Whether a limit was met, so that the rest is not looked at.
    full: bool,
    results: Vec<(String, ResultKind)>,
    permitted: Option<Permitted>,
}

/// What a named result is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ResultKind {
    /// How the access of a device ended.
    Access,
    /// How a Translation Request was answered.
    Translation,
    /// A number that software read.
    Value,
}

impl<'a> Checker<'a> {
    fn new(files: &'a dyn Files) -> Self {
        let features = Features::new(Preset::Max.id_registers()).expect("every preset is legal");
        Self {
            files,
            sources: Sources::default(),
            problems: Vec::new(),
            scope: Scope::default(),
            including: Vec::new(),
            loops: Vec::new(),
            kernel: None,
            features,
            smmu: None,
            caches: CachePolicy::default(),
            choices: Scripted::default(),
            memory: MemoryMap::default(),
            memory_at: None,
            aborts: Ranges::default(),
            area: Area::default(),
            devices: Vec::new(),
            stream_table: None,
            stes: BTreeMap::new(),
            tables: Vec::new(),
            written: BTreeSet::new(),
            steps: Vec::new(),
            stored_words: 0,
            turns: 0,
            full: false,
            results: Vec::new(),
            permitted: None,
        }
    }

    /// Reads one file: the scenario, or one that `include` names at its span.
    fn file(&mut self, source: Source, included_at: Option<Span>) {
        let text = Arc::clone(&source.text);
        let name = source.name.clone();
        let file = self.sources.add(source.name, source.text);
        match syntax::parse(file, &text) {
            Ok(nodes) => {
                let has_kernel = nodes.iter().any(|node| node.name.value == "kernel");
                if included_at.is_none() && has_kernel {
                    self.kernel = Some(kernel::Stack::default());
                }
                self.including.push(name);
                self.nodes(&nodes);
                self.including.pop();
            }
            Err(problems) => self.problems.extend(problems),
        }
        let needs_smmu = self.kernel.is_none() && self.smmu.is_none();
        if included_at.is_none() && needs_smmu && self.problems.is_empty() {
            let start = Span { file, offset: 0, length: 0 };
            let help = "begin with, for example, `smmu preset=\"max\"`";
            self.problems.push(Problem::new(start, "the scenario has no `smmu`").with_help(help));
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            if self.full {
                return;
            }
            if let Err(problem) = self.node(node) {
                self.note(problem);
            }
        }
    }

    /// Notes a mistake, once: a loop meets it in every turn. After too many, the rest is not looked at.
    fn note(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        self.full |= self.problems.len() > PROBLEMS_MAX;
    }

    fn node(&mut self, node: &Node) -> Result<(), Problem> {
        match node.name.value.as_str() {
            "include" => self.include(node),
            "let" => self.constants(node),
            "for" => self.repeat(node),
            _ if self.kernel.is_some() => self.kernel_node(node),
            "kernel" => {
                let message =
                    "`kernel` stands in the scenario itself, not in a file that it includes or in a loop";
                Err(Problem::new(node.span, message))
            }
            "smmu" => self.smmu(node),
            "memory" => self.memory(node),
            "device" => self.device(node),
            "stream-table" => self.stream_table(node),
            "ste" => self.ste(node),
            "cd" => self.cd(node),
            "l1std" => self.l1std(node),
            "l1cd" => self.l1cd(node),
            "table" => self.table(node),
            "map" => self.map(node),
            "unmap" => self.unmap(node),
            "desc" => self.descriptor(node),
            "write" => self.write(node),
            "read" => self.read(node),
            "abort" => self.region(node, Backing::Abort),
            "read-only" => self.region(node, Backing::ReadOnly),
            "no-atomics" => self.region(node, Backing::NoAtomics),
            "race" => self.race(node),
            "restore" => self.region(node, Backing::Ram),
            "reg" => self.register_write(node),
            "modify" => self.register_modify(node),
            "reg-read" => self.register_read(node),
            "enable" => self.enable(node),
            "cmd" => self.command(node),
            "sync" => self.sync(node),
            "ring" => self.ring(node),
            "pace" => self.pace(node),
            "work" => self.work(node),
            "settle" => self.bare(node, Action::Settle),
            "reset" => self.bare(node, Action::Reset),
            "dma" => self.dma(node),
            "ats" => self.ats(node),
            "dvm" => self.dvm(node),
            "pri" => self.pri(node),
            "hint" => self.hint(node),
            "endpoint" => self.endpoint(node),
            "speculate" => self.speculate(node),
            "expect" => self.expect(node),
            "permitted" => self.permitted(node),
            name => Err(Problem::unknown("step", name, node.name.span, NODES)),
        }
    }

    /// Adds a step of the scenario.
    fn step(&mut self, span: Span, action: Action) -> Result<(), Problem> {
        if self.smmu.is_none() && self.problems.is_empty() {
            let help = "`smmu`, `memory` and `device` come first";
            return Err(Problem::new(span, "there is no `smmu` yet").with_help(help));
        }
        if self.steps.len() == STEPS_MAX {
            self.full = true;
            return Err(Problem::new(span, format!("the scenario has more than {STEPS_MAX} steps")));
        }
        self.steps.push(Step { span, loops: self.loops_in_force(), action });
        Ok(())
    }

    /// `stream=0x10 leaf=1`, or nothing outside of loops.
    fn loops_in_force(&self) -> String {
        let loops: Vec<String> = self.loops.iter().map(|(name, value)| format!("{name}={value}")).collect();
        loops.join(" ")
    }

    /// Names a result that a later step can use.
    fn name_result(
        &mut self,
        name: &super::span::Spanned<String>,
        kind: ResultKind,
    ) -> Result<ResultId, Problem> {
        if !super::scope::is_name(&name.value) {
            return Err(Problem::new(name.span, "a name consists of letters, digits and `_`"));
        }
        if self.results.iter().any(|(known, _)| *known == name.value) {
            return Err(Problem::new(name.span, format!("a result is called `{}` already", name.value)));
        }
        self.results.push((name.value.clone(), kind));
        let result = ResultId(self.results.len() - 1);
        self.scope.define_global(name.value.clone(), Variable::Result(result));
        Ok(result)
    }

    fn finish(mut self) -> Result<Scenario, Broken> {
        let on_kernel = self.kernel.take().and_then(|stack| stack.finish(&mut self));
        if !self.problems.is_empty() {
            return Err(Broken { sources: self.sources, problems: self.problems });
        }
        let permitted = self.permitted.take();
        let (sources, level) = match on_kernel {
            Some(level) => (self.sources, level),
            None => self.register_level(),
        };
        Ok(Scenario { sources, level, permitted })
    }

    fn register_level(self) -> (Sources, Level) {
        let script = RegisterScript {
            features: self.features,
            caches: self.caches,
            choices: self.choices,
            memory: self.memory,
            atcs: self.devices.iter().filter(|device| device.ats).map(|device| device.stream).collect(),
            stall_safety: self.devices.iter().map(|device| (device.stream, device.stall_safety)).collect(),
            steps: self.steps,
            results: self.results.into_iter().map(|(name, _kind)| name).collect(),
        };
        (self.sources, Level::Registers(Box::new(script)))
    }
}

/// What a scenario can consist of.
pub const NODES: &[&str] = &[
    "smmu",
    "memory",
    "device",
    "include",
    "let",
    "for",
    "stream-table",
    "ste",
    "cd",
    "l1std",
    "l1cd",
    "table",
    "map",
    "unmap",
    "desc",
    "write",
    "read",
    "abort",
    "read-only",
    "no-atomics",
    "restore",
    "race",
    "reg",
    "modify",
    "reg-read",
    "enable",
    "cmd",
    "sync",
    "ring",
    "pace",
    "work",
    "settle",
    "reset",
    "dma",
    "ats",
    "pri",
    "hint",
    "endpoint",
    "dvm",
    "speculate",
    "expect",
    "permitted",
];
