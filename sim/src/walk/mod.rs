//! One transaction, explained: every structure and descriptor on its way, and the rule that decided.

mod json;
mod step;
mod text;

use std::io::{self, Write};

use smmu_model::CachePolicy;
use smmu_model::features::Features;
use smmu_model::outcome::Outcome;
use smmu_model::transaction::Transaction;

use crate::image::MemoryImage;
use crate::machine::Machine;
use crate::output::Format;
use step::Step;

/// What happened to one transaction, in order.
#[derive(Clone, Debug)]
pub struct Walk {
    transaction: Transaction,
    steps: Vec<Step>,
    outcome: Outcome,
}

impl Walk {
    /// Puts `transaction` to the machine, which does not change.
    pub fn new(machine: &mut Machine, transaction: Transaction) -> Self {
        let (outcome, events) = machine.explain(&transaction);
        Self { transaction, steps: step::steps(machine, events), outcome }
    }

    /// How the transaction ends.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Writes the walk: as a tree in text; in JSON one object per line, as `docs/trace-json.md` describes them: first
    /// `access`, then the steps, each with its `depth` in the tree, and what was read with `held`, whether the image
    /// has it (if not, it reads as zero). Last `ended`. Nothing was written: an `interrupt` would be raised.
    pub fn write(&self, out: &mut impl Write, format: Format) -> io::Result<()> {
        match format {
            Format::Text => text::write(out, self),
            Format::Json => json::write(out, self),
        }
    }
}

/// A machine whose SMMU is enabled with this stream table, and nothing else set up (§6.3.24, §6.3.25).
pub fn machine_with_stream_table(
    features: Features,
    image: MemoryImage,
    strtab_base: u64,
    strtab_base_cfg: u32,
) -> Machine {
    const CR0: u64 = 0x20;
    const SMMUEN: u64 = 1;
    const STRTAB_BASE: u64 = 0x80;
    const STRTAB_BASE_CFG: u64 = 0x88;
    let mut machine = Machine::new(features, CachePolicy::None, image);
    for (offset, size_bytes, value) in
        [(STRTAB_BASE, 8, strtab_base), (STRTAB_BASE_CFG, 4, u64::from(strtab_base_cfg)), (CR0, 4, SMMUEN)]
    {
        machine.write_register(offset, size_bytes, value).expect("an aligned access does not abort (§6.2)");
    }
    machine
}
