//! One counter group: its state, and what software reads of it (§10.5.2).

use super::map::{Design, PmcgKind, PmcgRegister, design};
use crate::address::low_mask;
use crate::features::{Features, Revision};
use crate::layout::pmcg::{Configuration, EventType};
use crate::layout::register::{IrqCfg0, IrqCfg2};
use crate::registers::IrqConfig;
use crate::registers::fields::address_beyond_oas;
use crate::registers::store::low_word;

/// The registers of a group, each value once.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Group {
    pub(crate) counters: Vec<Counter>,
    /// CR.E.
    pub(super) enabled: bool,
    /// CNTEN, a bit for each counter.
    pub(super) counting: u64,
    /// INTEN.
    pub(super) interrupting: u64,
    /// OVS.
    pub(crate) overflowed: u64,
    /// IRQ_CTRL and IRQ_CTRLACK.
    pub(super) irq_ctrl: u32,
    pub(super) irq_ctrlack: u32,
    /// IRQ_CFG0, IRQ_CFG1 and IRQ_CFG2 (§10.5.2.21–§10.5.2.23).
    pub(super) message: IrqConfig,
    /// IRQ_STATUS.IRQ_ABT.
    pub(crate) message_aborted: bool,
}

/// One counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Counter {
    pub(crate) value: u64,
    /// SVR.
    pub(super) captured: u64,
    pub(crate) event_type: EventType,
    /// SMR.
    pub(crate) stream_match: u32,
}

impl Group {
    pub(super) fn after_reset(f: &Features, group: u8, ones: bool) -> Self {
        let implemented = |kind, counter| if ones { implemented(f, group, kind, counter) } else { 0 };
        let word = |kind, counter| low_word(implemented(kind, counter));
        let counter = |n| Counter {
            value: implemented(PmcgKind::Evcntr, n),
            captured: implemented(PmcgKind::Svr, n),
            event_type: EventType::from_bits(word(PmcgKind::Evtyper, n)),
            stream_match: word(PmcgKind::Smr, n),
        };
        Self {
            counters: (0..design(group).counters).map(counter).collect(),
            enabled: false,
            counting: implemented(PmcgKind::Cntenset0, 0),
            interrupting: implemented(PmcgKind::Intenset0, 0),
            overflowed: implemented(PmcgKind::Ovsset0, 0),
            irq_ctrl: 0,
            irq_ctrlack: 0,
            message: IrqConfig {
                address: IrqCfg0::from_bits(implemented(PmcgKind::IrqCfg0, 0)),
                data: word(PmcgKind::IrqCfg1, 0),
                attributes: IrqCfg2::from_bits(word(PmcgKind::IrqCfg2, 0)),
            },
            message_aborted: word(PmcgKind::IrqStatus, 0) != 0,
        }
    }

    /// Whether any counter can count: CR.E, and CNTEN of one.
    #[inline]
    pub(super) fn is_counting(&self) -> bool {
        self.enabled && self.counting != 0
    }

    /// Whether this counter can count.
    pub(crate) fn counts(&self, counter: u8) -> bool {
        self.enabled && self.counting & (1 << counter) != 0
    }

    /// Whether an overflow of this counter interrupts now: INTEN and IRQEN (§10.2.1).
    pub(crate) fn interrupts(&self, counter: u8) -> bool {
        self.interrupting & (1 << counter) != 0 && self.irq_ctrlack != 0
    }

    /// The filter that this counter uses, and whether it covers a span.
    pub(crate) fn stream_filter(&self, design: &Design, counter: u8) -> (u32, bool) {
        let owner = self.counters[usize::from(if design.has_one_filter { 0 } else { counter })];
        (owner.stream_match, owner.event_type.filter_sid_span())
    }

    /// Copies all counters to their shadows.
    pub(crate) fn capture(&mut self) {
        for counter in &mut self.counters {
            counter.captured = counter.value;
        }
    }

    pub(super) fn irq_is_pending(&self) -> bool {
        self.irq_ctrl != self.irq_ctrlack
    }

    /// IRQ_CTRLACK follows; enabling clears IRQ_ABT (§10.5.2.24).
    pub(super) fn complete_irq(&mut self) -> u32 {
        self.irq_ctrlack = self.irq_ctrl;
        self.message_aborted &= self.irq_ctrlack == 0;
        self.irq_ctrlack
    }

    /// What software reads from a register that exists.
    pub(crate) fn read(&self, f: &Features, register: PmcgRegister) -> u64 {
        let counter = self.counters[usize::from(register.counter)];
        match register.kind {
            PmcgKind::Evcntr => counter.value,
            PmcgKind::Evtyper => counter.event_type.into_bits().into(),
            PmcgKind::Svr => counter.captured,
            PmcgKind::Smr => counter.stream_match.into(),
            PmcgKind::Cntenset0 | PmcgKind::Cntenclr0 => self.counting,
            PmcgKind::Intenset0 | PmcgKind::Intenclr0 => self.interrupting,
            PmcgKind::Ovsclr0 | PmcgKind::Ovsset0 => self.overflowed,
            PmcgKind::Capr => 0,
            PmcgKind::Cfgr => configuration(f, design(register.group)).into_bits().into(),
            PmcgKind::Cr => self.enabled.into(),
            PmcgKind::Iidr => 0, // not implemented, which is permitted
            PmcgKind::Ceid0 => countable(f),
            PmcgKind::Ceid1 => 0,
            PmcgKind::IrqCtrl => self.irq_ctrl.into(),
            PmcgKind::IrqCtrlAck => self.irq_ctrlack.into(),
            PmcgKind::IrqCfg0 => self.message.address.into_bits(),
            PmcgKind::IrqCfg1 => self.message.data.into(),
            PmcgKind::IrqCfg2 => self.message.attributes.into_bits().into(),
            PmcgKind::IrqStatus => self.message_aborted.into(),
            PmcgKind::Aidr => f.ids.aidr.into(),
            PmcgKind::Pmdevarch => 0x4770_2a56,
            PmcgKind::Pmdevtype => 0x56,
            PmcgKind::Cidr0 => 0x0d,
            PmcgKind::Cidr1 => 0x90,
            PmcgKind::Cidr2 => 0x05,
            PmcgKind::Cidr3 => 0xb1,
        }
    }

    #[cfg(feature = "serde")]
    pub(super) fn is_impossible(&self, f: &Features, group: u8) -> bool {
        if self.counters.len() != usize::from(design(group).counters) {
            return true;
        }
        PmcgKind::ALL.iter().any(|&kind| {
            let counters = if kind.is_of_counter() { design(group).counters } else { 1 };
            (0..counters).any(|counter| {
                let value = self.read(f, PmcgRegister { group, kind, counter });
                value & !(implemented(f, group, kind, counter) | beyond_oas(f, kind)) != 0
            })
        })
    }
}

/// Bits of an address above the output size, which may be stored all the same; without MSIs there is none.
pub(super) fn beyond_oas(f: &Features, kind: PmcgKind) -> u64 {
    if kind == PmcgKind::IrqCfg0 && f.msi { address_beyond_oas(f) } else { 0 }
}

/// The bits of a register that can be other than zero.
pub(super) fn implemented(f: &Features, group: u8, kind: PmcgKind, counter: u8) -> u64 {
    let design = design(group);
    let message = |bits: u64| if f.msi { bits } else { 0 };
    match kind {
        PmcgKind::Evcntr => design.counter_mask(),
        PmcgKind::Svr if design.captures => design.counter_mask(),
        PmcgKind::Svr => 0,
        PmcgKind::Evtyper => {
            let has_filter = has_filter(design, counter);
            let fields = EventType::new().with_event(u16::MAX).with_ovfcap(design.captures);
            fields.with_filter_sid_span(has_filter).into_bits().into()
        }
        PmcgKind::Smr if has_filter(design, counter) => low_mask(f.sid_bits),
        PmcgKind::Smr => 0,
        PmcgKind::Cntenset0
        | PmcgKind::Cntenclr0
        | PmcgKind::Intenset0
        | PmcgKind::Intenclr0
        | PmcgKind::Ovsclr0
        | PmcgKind::Ovsset0 => design.counter_set(),
        PmcgKind::Cr | PmcgKind::IrqCtrl | PmcgKind::IrqCtrlAck => 1,
        PmcgKind::IrqStatus if f.revision >= Revision::V3_1 => message(1),
        PmcgKind::IrqStatus => 0,
        PmcgKind::IrqCfg0 => message(low_mask(f.oas_bits) & !0b11),
        PmcgKind::IrqCfg1 => message(u64::from(u32::MAX)),
        PmcgKind::IrqCfg2 => message(IrqCfg2::new().with_mem_attr(0b1111).with_sh(0b11).into_bits().into()),
        PmcgKind::Capr => 0,
        PmcgKind::Cfgr
        | PmcgKind::Iidr
        | PmcgKind::Ceid0
        | PmcgKind::Ceid1
        | PmcgKind::Aidr
        | PmcgKind::Pmdevarch
        | PmcgKind::Pmdevtype
        | PmcgKind::Cidr0
        | PmcgKind::Cidr1
        | PmcgKind::Cidr2
        | PmcgKind::Cidr3 => u64::MAX,
    }
}

/// Whether this counter has a filter of its own.
fn has_filter(design: &Design, counter: u8) -> bool {
    counter == 0 || !design.has_one_filter
}

fn configuration(f: &Features, design: &Design) -> Configuration {
    Configuration::new()
        .with_nctr(design.counters - 1)
        .with_size(design.counter_bits - 1)
        .with_reloc_ctrs(design.is_relocated())
        .with_msi(f.msi)
        .with_capture(design.captures)
        .with_sid_filter_type(design.has_one_filter)
}

/// CEID0: transactions, misses and accesses, and with ATS its requests and transactions. The model has no clock,
/// so that event 0 cannot be counted, though the architecture wants some group to (§10.3).
pub(crate) fn countable(f: &Features) -> u64 {
    if f.ats { 0b1111_1110 } else { 0b0011_1110 }
}
