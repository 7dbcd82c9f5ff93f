//! Commands and the SMMU's pace: `cmd`, `sync`, `ring`, `pace`, `work`, `settle`, `reset`.

use smmu_model::layout::command::Opcode;
use smmu_model::layout::names;
use smmu_model::naming;

use super::{Checker, indexes};
use crate::scenario::arguments::{Arguments, Property, no_block, number};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::Spanned;
use crate::scenario::step::{Action, Pace};
use crate::scenario::syntax::Node;

/// Most units of work that one `work` asks for.
const WORK_MAX: u64 = 1 << 16;

impl Checker<'_> {
    /// `cmd TLBI_NH_VA ASID=1 Address=0x1000 Leaf=1`, or `cmd 0x7f word1=0x…`, and `page=` and `queue=` of an
    /// Enhanced Command queue. With `ring=#false`, PROD stays behind until `ring`.
    pub(super) fn command(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let which = arguments.required("a command")?;
        let ring = arguments.flag("ring")?.unwrap_or(true);
        let queue = indexes::command_queue(&mut arguments, &self.features)?;
        let properties = arguments.fields();
        arguments.finish()?;
        let words = self.command_words(which, properties)?;
        self.step(node.span, Action::Command { queue, words, ring })
    }

    /// A command by its name or opcode, with these fields.
    pub(super) fn command_words(
        &mut self,
        which: Spanned<Resolved>,
        mut properties: Vec<Property>,
    ) -> Result<[u64; 2], Problem> {
        for (name, _) in &mut properties {
            if ["va", "ipa"].contains(&name.value.as_str()) {
                name.value = "Address".to_owned();
            }
        }
        let mut words = [0; 2];
        let (code, fields) = match &which.value {
            Resolved::Text(name) => {
                let (opcode, word1) = called(&Spanned { value: name.clone(), span: which.span })?;
                words[1] = word1;
                (opcode.code(), names::command(opcode))
            }
            Resolved::Number(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
                let code = number(which)?;
                let code = u8::try_from(code.value)
                    .map_err(|_error| Problem::new(code.span, "an opcode has 8 bits"))?;
                (code, Opcode::from_code(code).map_or(&[][..], names::command))
            }
        };
        self.set_fields(&mut words, fields, properties);
        words[0] |= u64::from(code);
        Ok(words)
    }

    /// `sync`: CMD_SYNC without a completion signal; its fields may be given.
    pub(super) fn sync(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let queue = indexes::command_queue(&mut arguments, &self.features)?;
        let properties = arguments.fields();
        arguments.finish()?;
        let mut words = [u64::from(Opcode::Sync.code()), 0];
        self.set_fields(&mut words, names::command(Opcode::Sync), properties);
        self.step(node.span, Action::Command { queue, words, ring: true })
    }

    /// `ring`, or `ring queue=1`.
    pub(super) fn ring(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let queue = indexes::command_queue(&mut arguments, &self.features)?;
        arguments.finish()?;
        self.step(node.span, Action::Ring(queue))
    }

    /// `pace "manual"`: the SMMU works only when `work` or `settle` says so. `pace "automatic"`: after each step.
    pub(super) fn pace(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let pace = arguments.required_text("a pace")?;
        arguments.finish()?;
        let pace = match pace.value.as_str() {
            "automatic" => Pace::Automatic,
            "manual" => Pace::Manual,
            other => return Err(Problem::unknown("pace", other, pace.span, &["automatic", "manual"])),
        };
        self.step(node.span, Action::Pace(pace))
    }

    /// `work 3`: the SMMU does three units of work.
    pub(super) fn work(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let units = match arguments.next() {
            None => 1,
            Some(units) => {
                let units = number(units)?;
                let fits = u32::try_from(units.value).ok().filter(|units| u64::from(*units) <= WORK_MAX);
                fits.ok_or_else(|| Problem::new(units.span, format!("at most {WORK_MAX} units")))?
            }
        };
        arguments.finish()?;
        self.step(node.span, Action::Work(units))
    }

    /// A step that has nothing but its name.
    pub(super) fn bare(&mut self, node: &Node, action: Action) -> Result<(), Problem> {
        no_block(node)?;
        Arguments::new(node, &self.scope)?.finish()?;
        self.step(node.span, action)
    }
}

/// The opcode, and what the name says beside it: CMD_CFGI_ALL is CMD_CFGI_STE_RANGE with Range 31 (§4.3.3).
fn called(name: &Spanned<String>) -> Result<(Opcode, u64), Problem> {
    let written = name.value.strip_prefix("CMD_").unwrap_or(&name.value);
    let all = ("CFGI_ALL", (Opcode::CfgiSteRange, 31));
    let mut known = Opcode::ALL.iter().map(|opcode| (opcode.name(), (*opcode, 0))).chain([all]);
    let found = known.clone().find(|(known, _)| naming::same(known, written));
    found.map(|(_, command)| command).ok_or_else(|| {
        let names: Vec<&str> = known.by_ref().map(|(name, _)| name).collect();
        Problem::unknown("command", written, name.span, &names)
    })
}
