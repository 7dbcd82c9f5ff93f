//! What hardware there is: `smmu`, `memory`, `device`.

use smmu_model::CachePolicy;
use smmu_model::attributes::Attributes;
use smmu_model::bus::StallSafety;
use smmu_model::choice::Choice;
use smmu_model::features::{Features, Preset};
use smmu_model::ids::{StreamId, SubstreamId};

use super::Checker;
use super::area::Area;
use crate::scenario::arguments::{Arguments, no_block, number};
use crate::scenario::attributes;
use crate::scenario::problem::Problem;
use crate::scenario::scope::{Variable, is_name};
use crate::scenario::span::{Span, Spanned};
use crate::scenario::syntax::{Node, Value};

/// A client device, or one function of it.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) stream: StreamId,
    pub(super) substreams: Vec<(String, SubstreamId)>,
    pub(super) attributes: Attributes,
    /// It has an ATC.
    pub(super) ats: bool,
    /// It makes page requests.
    pub(super) pri: bool,
    /// Whether it may be stalled.
    pub(super) stall_safety: StallSafety,
}

impl Checker<'_> {
    /// `smmu preset="grace" { idr IDR1.SSIDSIZE=4; choices { ste-reserved-bits "invalid" } }`
    pub(super) fn smmu(&mut self, node: &Node) -> Result<(), Problem> {
        self.once(node, self.smmu, "smmu")?;
        self.smmu = Some(node.span);
        let arguments = Arguments::new(node, &self.scope)?;
        (self.features, self.caches) = self.described_smmu(node, arguments)?;
        Ok(())
    }

    /// What the properties and the block of an `smmu` describe.
    pub(super) fn described_smmu(
        &mut self,
        node: &Node,
        mut arguments: Arguments,
    ) -> Result<(Features, CachePolicy), Problem> {
        let name = arguments.text("preset")?;
        let caches = caches(&mut arguments)?;
        arguments.finish()?;
        let preset = match &name {
            None => Preset::Max,
            Some(name) => Preset::from_name(&name.value).ok_or_else(|| {
                let known: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
                Problem::unknown("preset", &name.value, name.span, &known)
            })?,
        };
        let mut ids = preset.id_registers();
        for child in node.children.iter().flatten() {
            match child.name.value.as_str() {
                "idr" => {
                    no_block(child)?;
                    let mut arguments = Arguments::new(child, &self.scope)?;
                    for (name, value) in arguments.fields() {
                        let value = number(value)?;
                        let set = ids.set_field(&name.value, value.value);
                        set.map_err(|error| Problem::new(name.span.to(value.span), error.to_string()))?;
                    }
                    arguments.finish()?;
                }
                "choices" => self.choices(child),
                other => {
                    return Err(Problem::unknown(
                        "part of `smmu`",
                        other,
                        child.name.span,
                        &["idr", "choices"],
                    ));
                }
            }
        }
        let features = Features::new(ids).map_err(|refusals| {
            let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            Problem::new(node.span, "these ID registers are refused")
                .labelled("together with its `idr`")
                .with_help(reasons.join("\n"))
        })?;
        Ok((features, caches))
    }

    /// `choices { ste-reserved-bits "invalid" }`
    fn choices(&mut self, node: &Node) {
        for child in node.children.iter().flatten() {
            if let Err(problem) = self.choice(child) {
                self.note(problem);
            }
        }
    }

    fn choice(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let name = &node.name;
        let choice = Choice::from_key(&name.value).ok_or_else(|| {
            let known: Vec<&str> = Choice::ALL.iter().map(|choice| choice.key()).collect();
            Problem::unknown("choice", &name.value, name.span, &known)
        })?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let answer = arguments.required_text("an answer")?;
        arguments.finish()?;
        self.choices.fix(choice.key(), &answer.value).map_err(|_error| {
            let kind = format!("answer to `{}`", choice.key());
            Problem::unknown(&kind, &answer.value, answer.span, choice.answers())
        })
    }

    /// `memory { ram 0x40000000 size=0x10000000; abort 0x50000000 size=0x1000; area 0x4f000000 }`
    pub(super) fn memory(&mut self, node: &Node) -> Result<(), Problem> {
        self.once(node, self.memory_at, "memory")?;
        self.memory_at = Some(node.span);
        Arguments::new(node, &self.scope)?.finish()?;
        for child in node.children.iter().flatten() {
            no_block(child)?;
            let mut arguments = Arguments::new(child, &self.scope)?;
            match child.name.value.as_str() {
                "ram" => {
                    let (first, last) = range(&mut arguments)?;
                    if self.memory.ram.iter().any(|&(other, end)| first <= end && other <= last) {
                        return Err(Problem::new(child.span, "this overlaps another `ram`"));
                    }
                    self.memory.ram.push((first, last));
                }
                "abort" => self.memory.aborts.push(range(&mut arguments)?),
                "area" => self.area = Area::starting_at(arguments.required_number("an address")?.value),
                other => {
                    let known = ["ram", "abort", "area"];
                    return Err(Problem::unknown("part of `memory`", other, child.name.span, &known));
                }
            }
            arguments.finish()?;
        }
        if !self.memory.ram.is_empty() {
            self.aborts.insert(0, u64::MAX);
        }
        for &(first, last) in &self.memory.ram {
            self.aborts.remove(first, last);
        }
        for &(first, last) in &self.memory.aborts {
            self.aborts.insert(first, last);
        }
        Ok(())
    }

    /// `device "nic" stream=0x10 attributes="Device-nGnRE-OSH" { substream "process" 3; ats; pri; stall "safe"; }`
    pub(super) fn device(&mut self, node: &Node) -> Result<(), Problem> {
        let mut arguments = Arguments::new(node, &self.scope)?;
        let name = arguments.required_name()?;
        let stream = arguments.number_to("stream", u64::from(u32::MAX))?;
        let presented = arguments.text("attributes")?;
        arguments.finish()?;
        let stream = stream.ok_or_else(|| Problem::new(node.span, "a device needs `stream=`"))?;
        let stream = StreamId(u32::try_from(stream.value).expect("checked against the maximum"));
        if self.devices.iter().any(|device| device.name == name.value) {
            return Err(Problem::new(name.span, format!("a device is called `{}` already", name.value)));
        }
        let attributes = match presented {
            None => Attributes::INCOMING_DEFAULT,
            Some(text) => attributes::parse(&text)?,
        };
        let (mut substreams, mut ats, mut pri, mut stall_safety) = (Vec::new(), false, false, None);
        for child in node.children.iter().flatten() {
            no_block(child)?;
            let mut arguments = Arguments::new(child, &self.scope)?;
            match child.name.value.as_str() {
                "substream" => {
                    let name = arguments.required_name()?;
                    let number = arguments.required_number("a SubstreamID")?;
                    substreams.push((name.value, substream(&number)?));
                }
                "ats" => ats = true,
                "pri" => pri = true,
                "stall" => stall_safety = Some(safety(&mut arguments)?),
                other => {
                    let known = ["substream", "ats", "pri", "stall"];
                    return Err(Problem::unknown("part of `device`", other, child.name.span, &known));
                }
            }
            arguments.finish()?;
        }
        self.variable(&name, i128::from(stream.0));
        // ATS and PRI are of PCIe (§3.12.1).
        let by_default = if ats || pri { StallSafety::Unsafe } else { StallSafety::Unknown };
        let stall_safety = stall_safety.unwrap_or(by_default);
        let name = name.value;
        self.devices.push(Device { name, stream, substreams, attributes, ats, pri, stall_safety });
        Ok(())
    }

    /// Lets `$name` stand for a number in all that follows, if the name can be written so.
    pub(super) fn variable(&mut self, name: &Spanned<String>, number: i128) {
        if is_name(&name.value) {
            self.scope.define_global(name.value.clone(), Variable::Value(Value::Number(number)));
        }
    }

    fn once(&self, node: &Node, before: Option<Span>, name: &str) -> Result<(), Problem> {
        if !self.steps.is_empty() {
            return Err(Problem::new(node.span, format!("`{name}` comes before the first step")));
        }
        match before {
            None => Ok(()),
            Some(before) => {
                let line = self.sources.line(before);
                let file = &self.sources.get(before.file).name;
                Err(Problem::new(node.span, format!("there is a second `{name}`"))
                    .with_help(format!("the first is on line {line} of {file}")))
            }
        }
    }
}

/// `stall "unsafe"`
fn safety(arguments: &mut Arguments) -> Result<StallSafety, Problem> {
    let answer = arguments.required_text("`safe` or `unsafe`")?;
    match answer.value.as_str() {
        "safe" => Ok(StallSafety::Safe),
        "unsafe" => Ok(StallSafety::Unsafe),
        other => Err(Problem::unknown("stall", other, answer.span, &["safe", "unsafe"])),
    }
}

/// `caches="none"`
fn caches(arguments: &mut Arguments) -> Result<CachePolicy, Problem> {
    let Some(name) = arguments.text("caches")? else { return Ok(CachePolicy::default()) };
    CachePolicy::from_name(&name.value).ok_or_else(|| {
        let known = CachePolicy::ALL.map(CachePolicy::name);
        Problem::unknown("caches policy", &name.value, name.span, &known)
    })
}

/// A SubstreamID has 20 bits (§3.2).
pub(super) fn substream(number: &Spanned<u64>) -> Result<SubstreamId, Problem> {
    let id = u32::try_from(number.value).ok().filter(|id| *id < 1 << 20);
    id.map(SubstreamId).ok_or_else(|| Problem::new(number.span, "a SubstreamID has 20 bits"))
}

/// `ADDRESS size=BYTES` as first and last address.
pub(super) fn range(arguments: &mut Arguments) -> Result<(u64, u64), Problem> {
    let first = arguments.required_number("an address")?;
    let size = arguments.number("size")?;
    let size = size.ok_or_else(|| Problem::new(arguments.span(), "`size=` is missing"))?;
    let last = size.value.checked_sub(1).and_then(|size| first.value.checked_add(size));
    let last =
        last.ok_or_else(|| Problem::new(size.span, "the range is empty or passes the end of memory"))?;
    Ok((first.value, last))
}
