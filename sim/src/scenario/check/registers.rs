//! Registers by name or offset: `reg`, `modify`, `reg-read`, and `enable`, which programs what a driver would.

use smmu_model::features::{FIELDS, Features, Field as IdField};
use smmu_model::layout::names::{self, Field, Kind};
use smmu_model::naming;
use smmu_model::{AnyRegister, Register};

use super::{Checker, ResultKind, indexes};
use crate::scenario::arguments::{Arguments, no_block, operand};
use crate::scenario::problem::Problem;
use crate::scenario::scope::Resolved;
use crate::scenario::span::{Span, Spanned};
use crate::scenario::step::{Action, Operand, Place};
use crate::scenario::syntax::Node;

/// log2 of the entries of the queues that `enable` makes.
const COMMAND_QUEUE_LOG2: u64 = 8;
const EVENT_QUEUE_LOG2: u64 = 7;
const PRI_QUEUE_LOG2: u64 = 5;

/// CR0.PRIQEN, and IRQ_CTRL.PRIQ_IRQEN.
const PRIQEN: u64 = 1 << 1;

impl Checker<'_> {
    /// `reg CR0 SMMUEN=1 CMDQEN=1` (fields not named are 0), `reg CR0 0xd`, or `reg 0x20 0xd size=4`.
    pub(super) fn register_write(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let place = place(&mut arguments, &self.features)?;
        let value = arguments.next();
        let value_span = value.as_ref().map_or(node.span, |value| value.span);
        let value = value.map(operand).transpose()?;
        let fields = arguments.fields();
        arguments.finish()?;
        let mut word = [0];
        if !fields.is_empty() {
            self.set_fields(&mut word, &fields_of(place, node.span)?, fields);
        }
        let value = match value {
            Some(Operand::Known(value)) => Operand::Known(value | word[0]),
            Some(value) => value,
            None => Operand::Known(word[0]),
        };
        if let Operand::Known(value) = value
            && place.size_bytes < 8
            && value >> (8 * place.size_bytes) != 0
        {
            return Err(Problem::new(value_span, format!("this does not fit {} bytes", place.size_bytes)));
        }
        if let Some(AnyRegister::Main(register)) = place.register {
            self.written.insert(register);
        }
        self.step(node.span, Action::RegisterWrite { place, value })
    }

    /// `modify CR0 SMMUEN=0`: the other fields stay.
    pub(super) fn register_modify(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let place = place(&mut arguments, &self.features)?;
        let table = fields_of(place, node.span)?;
        let properties = arguments.fields();
        arguments.finish()?;
        let fields = properties.into_iter().map(|property| super::fields::known(&table, property));
        let fields = fields.collect::<Result<_, _>>()?;
        self.step(node.span, Action::RegisterModify { place, fields })
    }

    /// `reg-read CR0ACK as="ack"`
    pub(super) fn register_read(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let place = place(&mut arguments, &self.features)?;
        let name = arguments.text("as")?;
        arguments.finish()?;
        let result = name.map(|name| self.name_result(&name, ResultKind::Value)).transpose()?;
        self.step(node.span, Action::RegisterRead { place, result })
    }

    /// `enable`: queues in the area, interrupts, and CR0 with SMMUEN, CMDQEN and EVENTQEN; fields of CR0 may be
    /// given. Registers that the scenario has written already stay.
    pub(super) fn enable(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let properties = arguments.fields();
        arguments.finish()?;
        let cr0 = names::register_fields("CR0");
        let mut enabled = [0];
        for (name, value) in [("SMMUEN", 1), ("CMDQEN", 1), ("EVENTQEN", 1)] {
            let field = names::find(cr0, name).expect("a field of CR0");
            field.set(&mut enabled, value).expect("one bit");
        }
        for property in properties {
            let (field, value) = super::fields::known(cr0, property)?;
            field.set(&mut enabled, value).expect("checked to fit");
        }
        let span = node.span;
        self.default_register(span, Register::Cr1, 0xd75)?;
        self.default_register(span, Register::Cr2, 0b110)?;
        if !self.written.contains(&Register::CmdqBase) {
            let base = self.queue(span, COMMAND_QUEUE_LOG2.min(self.features.cmdq_log2_max.into()), 16)?;
            self.default_register(span, Register::CmdqBase, base)?;
        }
        self.default_register(span, Register::CmdqProd, 0)?;
        self.default_register(span, Register::CmdqCons, 0)?;
        if !self.written.contains(&Register::EventqBase) {
            let base = self.queue(span, EVENT_QUEUE_LOG2.min(self.features.eventq_log2_max.into()), 32)?;
            self.default_register(span, Register::EventqBase, base)?;
        }
        self.default_register(span, Register::EventqProd, 0)?;
        self.default_register(span, Register::EventqCons, 0)?;
        if enabled[0] & PRIQEN != 0 {
            self.default_pri_queue(span)?;
        }
        if self.features.msi {
            // Reset leaves them UNKNOWN; an address of 0 means the wire (§6.3.21).
            self.default_register(span, Register::GerrorIrqCfg0, 0)?;
            self.default_register(span, Register::EventqIrqCfg0, 0)?;
        }
        self.default_register(span, Register::IrqCtrl, 0b101 | enabled[0] & PRIQEN)?;
        self.set_register(span, Register::Cr0, Operand::Known(enabled[0]))
    }

    /// The PRI queue, with PRIQEN alone: most scenarios have none.
    fn default_pri_queue(&mut self, span: Span) -> Result<(), Problem> {
        if !self.written.contains(&Register::PriqBase) {
            let base = self.queue(span, PRI_QUEUE_LOG2.min(self.features.priq_log2_max.into()), 16)?;
            self.default_register(span, Register::PriqBase, base)?;
        }
        self.default_register(span, Register::PriqProd, 0)?;
        self.default_register(span, Register::PriqCons, 0)?;
        if self.features.msi {
            self.default_register(span, Register::PriqIrqCfg0, 0)?;
            self.default_register(span, Register::PriqIrqCfg2, 0)?;
        }
        Ok(())
    }

    /// Takes memory for a queue; the value of its BASE register.
    fn queue(&mut self, span: Span, log2_entries: u64, entry_bytes: u64) -> Result<u64, Problem> {
        let at = self.area.take(entry_bytes << log2_entries);
        let at = at.ok_or_else(|| Problem::new(span, "there is no room for a queue"))?;
        Ok(at | log2_entries)
    }

    fn default_register(&mut self, span: Span, register: Register, value: u64) -> Result<(), Problem> {
        if self.written.contains(&register) {
            return Ok(());
        }
        self.set_register(span, register, Operand::Known(value))
    }

    /// Adds a write of the whole register.
    pub(super) fn set_register(
        &mut self,
        span: Span,
        register: Register,
        value: Operand,
    ) -> Result<(), Problem> {
        self.written.insert(register);
        self.step(span, Action::RegisterWrite { place: Place::whole(register), value })
    }
}

/// A register by name or offset, and `size=` for an access of another size.
pub(super) fn place(arguments: &mut Arguments, f: &Features) -> Result<Place, Problem> {
    let which = arguments.required("a register")?;
    let mut place = match &which.value {
        Resolved::Text(name) => {
            let name = Spanned { value: name.clone(), span: which.span };
            Place::of(indexes::register(arguments, f, &name)?, f)
        }
        Resolved::Number(_) | Resolved::Flag(_) | Resolved::Result { .. } | Resolved::Sum { .. } => {
            let span = which.span;
            let offset = crate::scenario::arguments::number(which)?.value;
            let end = AnyRegister::pages_end(f);
            if offset >= end {
                return Err(Problem::new(span, format!("the register pages end at {end:#x}")));
            }
            let register = AnyRegister::starting_at(f, offset);
            register
                .map_or(Place { offset, size_bytes: 4, register: None }, |register| Place::of(register, f))
        }
    };
    if let Some(size) = arguments.number_to("size", 8)? {
        if ![1, 2, 4, 8].contains(&size.value) {
            return Err(Problem::new(size.span, "an access has 1, 2, 4 or 8 bytes"));
        }
        place.size_bytes = u8::try_from(size.value).expect("checked against the maximum");
    }
    Ok(place)
}

/// The fields of the register at `place`.
pub(super) fn fields_of(place: Place, span: Span) -> Result<Vec<Field>, Problem> {
    let register = place.register.ok_or_else(|| Problem::new(span, "no register with fields lies there"))?;
    let fields = names::register_fields(register.name());
    if !fields.is_empty() {
        return Ok(fields.to_vec());
    }
    Ok(FIELDS.iter().filter_map(|field| id_field(field, register)).collect())
}

/// A field of an ID register in the form of the others.
fn id_field(field: &IdField, register: AnyRegister) -> Option<Field> {
    let (owner, name) = field.name.split_once('.')?;
    let (high_bit, low_bit) = (field.high_bit, field.low_bit);
    naming::same(owner, register.name()).then_some(Field {
        name,
        word: 0,
        high_bit,
        low_bit,
        kind: Kind::Number,
    })
}
