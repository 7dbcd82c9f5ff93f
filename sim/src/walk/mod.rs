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

    /// Writes the walk: as a tree in text; in JSON one object per line, told apart by `type`.
    ///
    /// JSON: first `transaction` (`sid`, `ssid` or null, `iova`, `access`, `privileged`, `instruction`), then the
    /// steps, each with its `depth` in the tree:
    ///
    /// - `structure`: `name`, `at`, `held` (whether the image has it; if not, it reads as zero), `words`,
    ///   `fields` (those that are not zero, by the specification's names);
    /// - `descriptor`: `stage`, `serves` (what stage 2 translates: `cd`, `walk`, `input`; null at stage 1),
    ///   `level`, `at`, `held`, `raw`, `kind` (`table`, `block`, `page`, `invalid`), `fields`;
    /// - `update`: `stage`, `at`, `raw`: what the SMMU would write into a descriptor;
    /// - `translated`: `stage`, `serves`, `input`, `output`, `size_log2`;
    /// - `rule`: `label`, `section`, `text`;
    /// - `choice`: `key`, `section`, `text`, `answer`;
    /// - `record`: `name`, `words`: the event that would be recorded;
    /// - `global-error`: `activated`, the bits of GERROR that would become active;
    /// - `interrupt`: `msi`, the write that would be made (`at`, `data`), or null.
    ///
    /// Last `result`: `outcome` (`ok`, `abort`, `raz-wi`, `stall`); `pa`, `size_log2`, `attributes` for `ok`; `rule`
    /// and `event` (or null) for the others.
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
