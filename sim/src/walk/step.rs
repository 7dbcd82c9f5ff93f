//! The steps of a walk, each at its place in the tree.

use smmu_model::outcome::Stage;
use smmu_model::trace::Event;

use crate::machine::Machine;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// How many steps led to it, as levels of the tree.
    pub(super) depth: usize,
    pub(super) event: Event,
    /// Of what was read: whether the image has it; if not, it reads as zero.
    pub(super) held: Option<bool>,
}

/// Puts each event under the one that led to it.
///
/// The chain L1STD, STE, L1CD, CD, stage 1 descriptors grows by a level each. What stage 2 reads hangs below
/// the link that needed it, as a chain of its own. All else belongs to what was read last.
pub(super) fn steps(machine: &Machine, events: Vec<Event>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(events.len());
    let (mut links, mut stage2_links) = (0, 0);
    for event in events {
        let mut depth = links + stage2_links;
        let mut held = None;
        match event {
            Event::Structure { at, .. } | Event::Descriptor { stage: Stage::One, at, .. } => {
                (depth, held) = (links, Some(machine.holds(at)));
                (links, stage2_links) = (links + 1, 0);
            }
            Event::Descriptor { stage: Stage::Two, at, .. } => {
                held = Some(machine.holds(at));
                stage2_links += 1;
            }
            Event::Translated { stage: Stage::Two, .. } => stage2_links = 0,
            Event::Translated { stage: Stage::One, .. }
            | Event::DescriptorUpdate { .. }
            | Event::Rule(_)
            | Event::Choice { .. }
            | Event::Cached { .. }
            | Event::Stale { .. }
            | Event::Record { .. }
            | Event::RegisterUpdate { .. }
            | Event::GlobalError { .. }
            | Event::Interrupt { .. }
            | Event::Command { .. }
            | Event::CommandError { .. }
            | Event::StallEnded { .. }
            | Event::RegisterWrite { .. }
            | Event::AddressTranslation { .. }
            | Event::WakeUp
            | Event::Invalidated { .. }
            | Event::PageRequest { .. }
            | Event::PrgResponse(_) => {}
        }
        steps.push(Step { depth, event, held });
    }
    steps
}
