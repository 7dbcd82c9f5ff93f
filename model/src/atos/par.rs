//! The result of an operation as *ATOS_PAR holds it (§6.3.40, §9.1.4, §9.1.5).

use super::request::stages;
use crate::address::low_mask;
use crate::attributes::{MemoryType, Shareability, mair};
use crate::choice::answer::{AtosAddrSizeReason, AtosFaultData, AtosHints, AtosSize};
use crate::env::Env;
use crate::features::{Features, Revision};
use crate::layout::atos::{AtosAddr, AtosInterface, AtosParFault, AtosParSuccess};
use crate::layout::event::EventCode;
use crate::outcome::{Class, Site, Stop};
use crate::rule::{Effect, Rule};
use crate::translate::lookup::{Found, Stages};

/// log2 of the size that Size 0 stands for.
const SMALLEST_LOG2: u8 = 12;

/// FAULT 0.
pub(super) fn success(env: &mut impl Env, f: &Features, found: Found) -> u64 {
    let Found { output, size_log2, attributes } = found;
    let size_log2 = if size_log2 == SMALLEST_LOG2 { SMALLEST_LOG2 } else { reported(env, size_log2) };
    let base = output & !low_mask(size_log2);
    // A larger size is the position of the lowest bit set in ADDR, plus one.
    let marker = if size_log2 == SMALLEST_LOG2 { 0 } else { 1 << (size_log2 - 1) };
    AtosParSuccess::new()
        .with_attr(mair::encode(as_held(env, attributes.memory_type)))
        .with_addr((base | marker) & low_mask(f.oas_bits))
        .with_size(size_log2 != SMALLEST_LOG2)
        .with_sh(shareability(attributes.shareability))
        .into_bits()
}

/// FAULT 1: why the operation of `interface` stopped. `addr` is what it asked for.
pub(super) fn fault(
    env: &mut impl Env,
    f: &Features,
    addr: AtosAddr,
    interface: AtosInterface,
    stop: Stop,
) -> u64 {
    let faultcode = faultcode(stop.rule);
    let (reason, faddr) = match (interface, stages(addr)) {
        _ if is_bad_invocation(stop.rule) => (Reason::Stage1, 0),
        (AtosInterface::Gatos, Some(Stages::Both)) if stop.rule == Rule::TlbConflict => (Reason::Stage1, 0),
        (AtosInterface::Vatos, _) | (AtosInterface::Gatos, None | Some(Stages::One)) => (Reason::Stage1, 0),
        (AtosInterface::Gatos, Some(Stages::Two)) => (of_stage2_lookup(env, f, stop), 0),
        (AtosInterface::Gatos, Some(Stages::Both)) => of_full_lookup(stop.site),
    };
    let impdef = match env.ask(&[AtosFaultData::Zeros, AtosFaultData::Ones]) {
        AtosFaultData::Zeros => 0,
        AtosFaultData::Ones => 0b1111,
    };
    AtosParFault::new()
        .with_fault(true)
        .with_reason(reason.code())
        .with_faultcode(faultcode)
        .with_faddr(faddr & low_mask(f.oas_bits))
        .with_impdef(impdef)
        .into_bits()
}

/// REASON.
#[derive(Clone, Copy)]
enum Reason {
    /// Stage 1, or nothing tied to a stage.
    Stage1,
    /// Stage 2, for the fetch of a CD.
    CdFetch,
    /// Stage 2, for a stage 1 table walk.
    TableWalk,
    /// Stage 2, for its input address.
    Input,
}

impl Reason {
    const fn code(self) -> u8 {
        match self {
            Self::Stage1 => 0b00,
            Self::CdFetch => 0b01,
            Self::TableWalk => 0b10,
            Self::Input => 0b11,
        }
    }

    const fn of(class: Class) -> Self {
        match class {
            Class::Cd => Self::CdFetch,
            Class::TableWalk(_) => Self::TableWalk,
            Class::Input => Self::Input,
        }
    }
}

/// INV_REQ and INV_STAGE say nothing else, whatever was asked for.
fn is_bad_invocation(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::AtosTypeReserved
            | Rule::AtosTypeOfVatos
            | Rule::AtosStageUnimplemented
            | Rule::AtosSubstreamAtStage2
            | Rule::AtosStageNotConfigured
    )
}

/// Everything counts as a fault of the input of stage 2, except that the input address does not fit (§9.1.4).
fn of_stage2_lookup(env: &mut impl Env, f: &Features, stop: Stop) -> Reason {
    if stop.site != Site::Stage1 {
        return Reason::Input;
    }
    let permitted: &[_] = if f.revision == Revision::V3_0 {
        &[AtosAddrSizeReason::Stage1, AtosAddrSizeReason::CdFetch]
    } else {
        &[AtosAddrSizeReason::Stage1]
    };
    match env.ask(permitted) {
        AtosAddrSizeReason::Stage1 => Reason::Stage1,
        AtosAddrSizeReason::CdFetch => Reason::CdFetch,
    }
}

/// Only a Translation-related fault of stage 2 tells its IPA (§9.1.4).
fn of_full_lookup(site: Site) -> (Reason, u64) {
    match site {
        Site::Stage2 { class, ipa } => (Reason::of(class), ipa.value()),
        Site::Stage2Descriptor { class, .. } => (Reason::of(class), 0),
        Site::Configuration | Site::Structure(_) | Site::Stage1 | Site::Stage1Descriptor(_) => {
            (Reason::Stage1, 0)
        }
    }
}

/// An event and its FAULTCODE have the same number (§9.1.5).
fn faultcode(rule: Rule) -> u8 {
    match rule.effect() {
        Effect::Event(code) => code.code(),
        Effect::Operation(error) => error.code(),
        // The one rule that ends a lookup without an event: an STE address beyond OAS.
        Effect::Silent => EventCode::FSteFetch.code(),
        Effect::Command(_) | Effect::Ignored | Effect::Decision | Effect::Global => {
            unreachable!("{} does not end a lookup", rule.label())
        }
    }
}

/// The size of the tables, or the smallest that a TLB may have made of it (§6.3.40).
#[cold]
fn reported(env: &mut impl Env, size_log2: u8) -> u8 {
    match env.ask(&[AtosSize::Tables, AtosSize::Smallest]) {
        AtosSize::Tables => size_log2,
        AtosSize::Smallest => SMALLEST_LOG2,
    }
}

/// The type with the hints of the tables, or as a cache without hints holds it (§6.3.40).
fn as_held(env: &mut impl Env, memory_type: MemoryType) -> MemoryType {
    let without_hints = memory_type.allocating();
    if without_hints == memory_type {
        return memory_type;
    }
    match env.ask(&[AtosHints::Tables, AtosHints::Allocate]) {
        AtosHints::Tables => memory_type,
        AtosHints::Allocate => without_hints,
    }
}

/// SH: 00 NSH, 10 OSH, 11 ISH.
const fn shareability(shareability: Shareability) -> u8 {
    match shareability {
        Shareability::NonShareable => 0b00,
        Shareability::OuterShareable => 0b10,
        Shareability::InnerShareable => 0b11,
    }
}
