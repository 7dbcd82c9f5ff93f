//! `expect`: what must hold, alone as a step or in the block of a `dma`.

use smmu_model::features::Features;
use smmu_model::ids::Stag;
use smmu_model::layout::event::EventCode;
use smmu_model::layout::names;
use smmu_model::naming;
use smmu_model::rule::{CommandError, Rule};
use smmu_model::trace::InterruptSource;

use super::memory::data;
use super::registers::{fields_of, place};
use super::{Checker, ResultKind, ats, indexes};
use crate::scenario::arguments::{Arguments, number, operand};
use crate::scenario::attributes;
use crate::scenario::problem::Problem;
use crate::scenario::span::Spanned;
use crate::scenario::step::{
    Action, Claim, ClaimKind, End, EndClaim, MessageClaim, Queue, QueueClaim, ResultId,
};
use crate::scenario::syntax::Node;

/// What a claim may speak about beside what can be seen at any time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// It stands at a `dma`.
    Transaction,
    /// It stands at an `ats`.
    Translation,
    /// It stands alone.
    Anything,
}

/// What can be expected.
pub const CLAIMS: &[&str] = &[
    "ok",
    "abort",
    "raz-wi",
    "external-abort",
    "stall",
    "result",
    "stalls",
    "no-stalls",
    "not-granted",
    "success",
    "no-access",
    "unsupported-request",
    "completer-abort",
    "rules",
    "no-rules",
    "stale",
    "no-stale",
    "event",
    "no-event",
    "page-request",
    "no-page-request",
    "response",
    "no-response",
    "register",
    "memory",
    "queue",
    "interrupt",
    "no-interrupt",
    "gerror",
    "no-gerror",
    "all",
    "either",
];

impl Checker<'_> {
    /// `expect CLAIM …` as a step.
    pub(super) fn expect(&mut self, node: &Node) -> Result<(), Problem> {
        let claims = self.expected(node, Subject::Anything)?;
        self.step(node.span, Action::Expect(claims))
    }

    /// The `expect` nodes in the block of a `dma` or `ats`.
    pub(super) fn block_claims(&mut self, node: &Node, subject: Subject) -> Vec<Claim> {
        let mut claims = Vec::new();
        for child in node.children.iter().flatten() {
            let expected = if child.name.value == "expect" {
                self.expected(child, subject)
            } else {
                let kind = format!("part of `{}`", node.name.value);
                Err(Problem::unknown(&kind, &child.name.value, child.name.span, &["expect"]))
            };
            match expected {
                Ok(expected) => claims.extend(expected),
                Err(problem) => self.note(problem),
            }
        }
        claims
    }

    /// `expect CLAIM …`, or `expect { CLAIM …; CLAIM … }`.
    fn expected(&mut self, node: &Node, subject: Subject) -> Result<Vec<Claim>, Problem> {
        match (node.arguments.first(), &node.children) {
            (None, Some(children)) => {
                Arguments::new(node, &self.scope)?.finish()?;
                children.iter().map(|child| self.claim(child, None, subject)).collect()
            }
            (None, None) => Err(Problem::new(node.span, "`expect` needs something to expect")
                .with_help(format!("there is {}", CLAIMS.join(", ")))),
            (Some(_), _) => {
                let mut arguments = Arguments::new(node, &self.scope)?;
                let name = arguments.required_text("something to expect")?;
                Ok(vec![self.claim(node, Some((name, arguments)), subject)?])
            }
        }
    }

    /// One claim: `node` itself, or what stands after `expect`.
    fn claim(
        &mut self,
        node: &Node,
        head: Option<(Spanned<String>, Arguments)>,
        subject: Subject,
    ) -> Result<Claim, Problem> {
        let (name, mut arguments) = match head {
            Some(head) => head,
            None => (node.name.clone(), Arguments::new(node, &self.scope)?),
        };
        if let Some(end) = End::ALL.iter().find(|end| end.name() == name.value) {
            if subject != Subject::Transaction {
                let problem = Problem::new(name.span, format!("`{}` is about a transaction", name.value));
                return Err(problem.with_help("put it into the block of a `dma`"));
            }
            let kind = ClaimKind::End(end_claim(*end, &mut arguments)?);
            return finish(node, kind, arguments);
        }
        if let Some((_, status)) = ats::REPLY_CLAIMS.iter().find(|(known, _)| *known == name.value) {
            if subject != Subject::Translation {
                let message = format!("`{}` is about a Translation Request", name.value);
                return Err(Problem::new(name.span, message).with_help("put it into the block of an `ats`"));
            }
            let kind = ats::reply_claim(*status, &mut arguments)?;
            return finish(node, kind, arguments);
        }
        let kind = match name.value.as_str() {
            "result" => self.result_claim(&mut arguments)?,
            "stalls" => ClaimKind::Stalls(stags(&mut arguments)?),
            "no-stalls" => ClaimKind::Stalls(Vec::new()),
            "rules" => ClaimKind::Rules(rules(&mut arguments)?),
            "no-rules" => ClaimKind::NoRules(rules(&mut arguments)?),
            "stale" => ClaimKind::Stale,
            "no-stale" => ClaimKind::NoStale,
            "event" => event(&mut arguments)?,
            "no-event" => ClaimKind::NoEvent,
            "page-request" => ats::page_request_claim(&mut arguments)?,
            "no-page-request" => ClaimKind::NoPageRequest,
            "response" => self.response_claim(&mut arguments)?,
            "no-response" => ClaimKind::NoResponse,
            "register" => register(&mut arguments, &self.features)?,
            "memory" => {
                let at = operand(arguments.required("an address")?)?;
                let data = data(&mut arguments)?;
                let missing =
                    || Problem::new(node.span, "`memory` needs `u64=`, `u32=`, `u16=`, `u8=` or `bytes=`");
                ClaimKind::Memory { at, data: data.ok_or_else(missing)? }
            }
            "queue" => ClaimKind::Queue(queue(&mut arguments, &self.features)?),
            "interrupt" => interrupt(&mut arguments)?,
            "no-interrupt" => ClaimKind::NoInterrupt,
            "gerror" => ClaimKind::GlobalErrors(global_errors(&mut arguments)?),
            "no-gerror" => ClaimKind::GlobalErrors(0),
            "all" => ClaimKind::All(self.several(node, subject)?),
            "either" => ClaimKind::Either(self.several(node, subject)?),
            other => return Err(Problem::unknown("claim", other, name.span, CLAIMS)),
        };
        finish(node, kind, arguments)
    }

    /// `result "read" ok pa=0x1000`: a named access, as `dma` has it in its block.
    fn result_claim(&self, arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
        let name = arguments.required_text("the name of a result")?;
        let is_it =
            |(known, kind): &(String, ResultKind)| *known == name.value && *kind == ResultKind::Access;
        let Some(position) = self.results.iter().position(is_it) else {
            let accesses = self.results.iter().filter(|(_, kind)| *kind == ResultKind::Access);
            let known: Vec<&str> = accesses.map(|(name, _)| name.as_str()).collect();
            return Err(Problem::unknown("result of an access", &name.value, name.span, &known));
        };
        let end = arguments.required_text("how the access has ended")?;
        let Some(known) = End::ALL.iter().find(|known| known.name() == end.value) else {
            let known: Vec<&str> = End::ALL.iter().map(|end| end.name()).collect();
            return Err(Problem::unknown("end of an access", &end.value, end.span, &known));
        };
        Ok(ClaimKind::Result(ResultId(position), end_claim(*known, arguments)?))
    }

    fn several(&mut self, node: &Node, subject: Subject) -> Result<Vec<Claim>, Problem> {
        let children = node.children.as_ref().filter(|children| !children.is_empty());
        let children = children.ok_or_else(|| Problem::new(node.span, "a block with claims is missing"))?;
        children.iter().map(|child| self.claim(child, None, subject)).collect()
    }
}

fn finish(node: &Node, kind: ClaimKind, arguments: Arguments) -> Result<Claim, Problem> {
    let has_block = matches!(kind, ClaimKind::All(_) | ClaimKind::Either(_));
    if node.children.is_some() && !has_block {
        return Err(Problem::new(node.span, "this claim has no block"));
    }
    let span = arguments.span();
    arguments.finish()?;
    Ok(Claim { span, kind })
}

fn end_claim(end: End, arguments: &mut Arguments) -> Result<EndClaim, Problem> {
    let mut claim = EndClaim { end, pa: None, size_log2: None, attributes: None, data: None, stag: None };
    if end == End::Ok {
        claim.pa = arguments.operand("pa")?;
        claim.size_log2 = match arguments.number("size")? {
            None => None,
            Some(size) if size.value.is_power_of_two() => u8::try_from(size.value.trailing_zeros()).ok(),
            Some(size) => return Err(Problem::new(size.span, "a page or block has a power of two of bytes")),
        };
        claim.attributes = arguments.text("attributes")?.map(|text| attributes::parse(&text)).transpose()?;
        claim.data = arguments.operand("data")?;
    }
    if end == End::Stall {
        let stag = arguments.number_to("stag", u64::from(u16::MAX))?;
        claim.stag = stag.map(|stag| stag_of(stag.value));
    }
    Ok(claim)
}

/// Names of stalls, each once; the order does not matter.
fn stags(arguments: &mut Arguments) -> Result<Vec<Stag>, Problem> {
    let mut stags = std::collections::BTreeSet::new();
    let mut next = Some(arguments.required("the STAG of a stalled transaction")?);
    while let Some(value) = next {
        let stag = number(value)?;
        let stag =
            u16::try_from(stag.value).map_err(|_error| Problem::new(stag.span, "a STAG has 16 bits"))?;
        stags.insert(Stag(stag));
        next = arguments.next();
    }
    Ok(stags.into_iter().collect())
}

fn stag_of(number: u64) -> Stag {
    Stag(u16::try_from(number).expect("checked against the maximum"))
}

fn rules(arguments: &mut Arguments) -> Result<Vec<Rule>, Problem> {
    let mut rules = vec![rule(&arguments.required_text("the label of a rule")?)?];
    while let Some(label) = arguments.next() {
        rules.push(rule(&crate::scenario::arguments::text(label)?)?);
    }
    Ok(rules)
}

fn rule(label: &Spanned<String>) -> Result<Rule, Problem> {
    let found = Rule::ALL.iter().find(|rule| rule.label() == label.value).copied();
    found.ok_or_else(|| {
        let known: Vec<&str> = Rule::ALL.iter().map(|rule| rule.label()).collect();
        Problem::unknown("rule", &label.value, label.span, &known)
    })
}

/// The event that is named next.
pub(super) fn event_code(arguments: &mut Arguments) -> Result<EventCode, Problem> {
    let name = arguments.required_text("the name of an event")?;
    let code = EventCode::ALL.iter().find(|code| naming::same(code.name(), &name.value)).copied();
    code.ok_or_else(|| {
        let known: Vec<&str> = EventCode::ALL.iter().map(|code| code.name()).collect();
        Problem::unknown("event", &name.value, name.span, &known)
    })
}

fn event(arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
    let code = event_code(arguments)?;
    let table = names::event(code);
    let fields = arguments.fields().into_iter().map(|property| super::fields::compared(table, property));
    Ok(ClaimKind::Event { code, fields: fields.collect::<Result<_, _>>()? })
}

fn register(arguments: &mut Arguments, f: &Features) -> Result<ClaimKind, Problem> {
    let place = place(arguments, f)?;
    if let Some(value) = arguments.next() {
        return Ok(ClaimKind::Register { place, value: operand(value)? });
    }
    let table = fields_of(place, arguments.span())?;
    let fields = arguments.fields().into_iter().map(|property| super::fields::known(&table, property));
    let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
    if fields.is_empty() {
        return Err(Problem::new(arguments.span(), "a value or a field is missing"));
    }
    Ok(ClaimKind::RegisterFields { place, fields })
}

fn queue(arguments: &mut Arguments, f: &Features) -> Result<QueueClaim, Problem> {
    let which = arguments.required_text("`command`, `event` or `pri`")?;
    let queue = match which.value.as_str() {
        "command" => Queue::Command(indexes::command_queue(arguments, f)?),
        "event" => Queue::Event,
        "pri" => Queue::Pri,
        other => return Err(Problem::unknown("queue", other, which.span, &["command", "event", "pri"])),
    };
    let mut index = |name| {
        let number = arguments.number_to(name, 0xf_ffff)?;
        Ok(number.map(|number| u32::try_from(number.value).expect("checked against the maximum")))
    };
    let (prod, cons, entries) = (index("prod")?, index("cons")?, index("entries")?);
    let (mut error, mut overflow) = (None, None);
    match queue {
        Queue::Command(_) => error = arguments.text("error")?.map(|name| command_error(&name)).transpose()?,
        Queue::Event | Queue::Pri => overflow = arguments.flag("overflow")?,
    }
    Ok(QueueClaim { queue, prod, cons, entries, error, overflow })
}

fn command_error(name: &Spanned<String>) -> Result<u8, Problem> {
    let errors = [CommandError::Illegal, CommandError::Abort, CommandError::AtcInvSync];
    let known = errors.iter().map(|error| (error.name(), error.code())).chain([("CERROR_NONE", 0)]);
    let found = known.clone().find(|(known, _)| *known == name.value);
    found.map(|(_, code)| code).ok_or_else(|| {
        let known: Vec<&str> = known.map(|(known, _)| known).collect();
        Problem::unknown("command error", &name.value, name.span, &known)
    })
}

fn interrupt(arguments: &mut Arguments) -> Result<ClaimKind, Problem> {
    let name = arguments.required_text("the source of an interrupt")?;
    let source = InterruptSource::ALL.iter().find(|source| source.name() == name.value).copied();
    let source = source.ok_or_else(|| {
        let known: Vec<&str> = InterruptSource::ALL.iter().map(|source| source.name()).collect();
        Problem::unknown("interrupt", &name.value, name.span, &known)
    })?;
    let wire = arguments.flag("wire")?.unwrap_or(false);
    let address = arguments.number("address")?;
    let data = arguments.number_to("data", u64::from(u32::MAX))?;
    let message = match (wire, address, data) {
        (false, None, None) => MessageClaim::Any,
        (true, None, None) => MessageClaim::Wire,
        (false, Some(address), Some(data)) => MessageClaim::Message {
            address: address.value,
            data: u32::try_from(data.value).expect("checked against the maximum"),
        },
        _ => {
            let message = "an interrupt comes by `wire=#true`, or as a message with `address=` and `data=`";
            return Err(Problem::new(arguments.span(), message));
        }
    };
    Ok(ClaimKind::Interrupt { source, message })
}

/// Names of GERROR fields, as bits.
fn global_errors(arguments: &mut Arguments) -> Result<u32, Problem> {
    let table = names::register_fields("GERROR");
    let mut bits = [0];
    let mut next = Some(arguments.required_text("the name of a global error")?);
    while let Some(name) = next {
        let field = super::fields::find(table, &name)?;
        field.set(&mut bits, 1).expect("one bit");
        next = arguments.next().map(crate::scenario::arguments::text).transpose()?;
    }
    Ok(u32::try_from(bits[0]).expect("GERROR has 32 bits"))
}
