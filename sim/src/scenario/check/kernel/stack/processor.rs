//! `guest`: what a processor does by itself, past the driver: memory, registers, commands, STEs, TLBIs.

use smmu_model::layout::names::STE;

use super::super::claims::Subject;
use super::super::machine::one_of;
use super::super::memory::word_bytes;
use super::super::{Kind, OnKernel};
use super::Talk;
use crate::scenario::arguments::Arguments;
use crate::scenario::check::registers::{fields_of, place};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::Spanned;
use crate::scenario::step::{GuestTlbiName, ProcessorDeed, Value, VmDeed, VmId};
use crate::scenario::syntax::Node;

/// A guest takes at most so many pages at once.
const PAGES_MAX: u64 = 1 << 12;

impl OnKernel<'_, '_> {
    pub(super) fn guest_processor(
        &mut self,
        node: &Node,
        (vm, verb): (VmId, &Spanned<String>),
        mut arguments: Arguments,
    ) -> Result<(), Problem> {
        let a = &mut arguments;
        let deed = match verb.value.as_str() {
            "alloc" => ProcessorDeed::Alloc(pages(a)?),
            "write" => ProcessorDeed::Write { at: self.argument(a, "an address")?, data: self.data(a)? },
            "read" => {
                let at = self.argument(a, "an address")?;
                ProcessorDeed::Read { at, bytes: word_bytes(a)? }
            }
            "reg" => self.guest_register(node, a)?,
            "reg-read" => ProcessorDeed::RegisterRead(place(a, &self.base.features)?),
            "cmd" => {
                let which = a.required("a command")?;
                let properties = a.fields();
                ProcessorDeed::Command(self.base.command_words(which, properties)?)
            }
            "sync" => {
                let sync = Spanned { value: Resolved::Text("SYNC".to_owned()), span: verb.span };
                let properties = a.fields();
                ProcessorDeed::Command(self.base.command_words(sync, properties)?)
            }
            "ste" => {
                let stream = self.vm_device(vm, a)?;
                let mut words = [0; 8];
                self.base.set_fields(&mut words, STE, a.fields());
                ProcessorDeed::Ste { stream, words }
            }
            _tlbi => self.guest_tlbi(a)?,
        };
        let has_result = matches!(
            deed,
            ProcessorDeed::Alloc(_) | ProcessorDeed::Read { .. } | ProcessorDeed::RegisterRead(_)
        );
        let name = if has_result { arguments.text("as")? } else { None };
        arguments.finish()?;
        let result = self.named(name, Kind::Number)?;
        let claims = self.block(node, Subject::Vm(Talk::End))?;
        self.vm_step_with(node, (vm, VmDeed::Processor(deed)), result, claims)
    }

    /// `reg CR0 SMMUEN=1` (fields not named are 0), `reg CR0 0xd`, `reg STRTAB_BASE $table`, `reg 0x20 0xd size=4`.
    fn guest_register(&mut self, node: &Node, arguments: &mut Arguments) -> Result<ProcessorDeed, Problem> {
        let place = place(arguments, &self.base.features)?;
        let value = arguments.next().map(|value| self.value(value)).transpose()?;
        let fields = arguments.fields();
        let mut word = [0];
        if !fields.is_empty() {
            self.base.set_fields(&mut word, &fields_of(place, node.span)?, fields);
        }
        let mut value = value.unwrap_or_else(|| Value::from(0));
        value.constant = value.constant.wrapping_add(word[0]);
        let is_too_large = place.size_bytes < 8 && value.constant >> (8 * place.size_bytes) != 0;
        if value.terms.is_empty() && is_too_large {
            return Err(Problem::new(node.span, format!("this does not fit {} bytes", place.size_bytes)));
        }
        Ok(ProcessorDeed::RegisterWrite { place, value })
    }

    /// `tlbi "VAE1IS" va=0x1000 asid=$asid`
    fn guest_tlbi(&self, arguments: &mut Arguments) -> Result<ProcessorDeed, Problem> {
        let known: Vec<_> = GuestTlbiName::ALL.iter().map(|tlbi| (tlbi.name(), *tlbi)).collect();
        let operation = one_of("TLBI of a guest", &known, &arguments.required_text("a TLBI")?)?;
        let (has_asid, has_address) = match operation {
            GuestTlbiName::All => (false, false),
            GuestTlbiName::Asid => (true, false),
            GuestTlbiName::Va => (true, true),
            GuestTlbiName::Vaa => (false, true),
        };
        let mut operand = |name, is_needed: bool| {
            if !is_needed {
                return Ok(Value::from(0));
            }
            let value = self.property(arguments, name)?;
            value.ok_or_else(|| Problem::new(arguments.span(), format!("`{name}=` is missing")))
        };
        let asid = operand("asid", has_asid)?;
        let address = operand("va", has_address)?;
        Ok(ProcessorDeed::Tlbi { operation, asid, address })
    }
}

fn pages(arguments: &mut Arguments) -> Result<u64, Problem> {
    let pages = arguments.number_to("pages", PAGES_MAX)?;
    match pages {
        None => Ok(1),
        Some(pages) if !pages.value.is_power_of_two() => {
            Err(Problem::new(pages.span, "a guest takes a power of two of pages"))
        }
        Some(pages) => Ok(pages.value),
    }
}
