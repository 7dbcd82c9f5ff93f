//! For the tests of this folder: an environment, attributes written as text, and all memory types.

use super::{Attributes, Cacheability, Device, Hints, MemoryType, Shareability};
use crate::choice::{Choice, Scripted};
use crate::env::World;
use crate::memory::SparseMemory;
use crate::trace::Event;

/// The weakest first.
pub(super) const DEVICES: [Device; 4] = [Device::Gre, Device::NGre, Device::NGnRe, Device::NGnRnE];

/// Every memory type with every combination of hints.
pub(super) fn all_types() -> Vec<MemoryType> {
    let hints = (0..8u8).map(|bits| Hints {
        read_allocate: bits & 0b100 != 0,
        write_allocate: bits & 0b010 != 0,
        transient: bits & 0b001 != 0,
    });
    let cached = hints.flat_map(|hints| [Cacheability::WriteThrough(hints), Cacheability::WriteBack(hints)]);
    let levels: Vec<_> = cached.chain([Cacheability::NonCacheable]).collect();
    let normal =
        levels.iter().flat_map(|&inner| levels.iter().map(move |&outer| MemoryType::Normal { inner, outer }));
    DEVICES.map(MemoryType::Device).into_iter().chain(normal).collect()
}

/// The attributes that are displayed as `text`, consistent or not.
pub(super) fn attributes(text: &str) -> Attributes {
    let shareabilities =
        [Shareability::NonShareable, Shareability::InnerShareable, Shareability::OuterShareable];
    let (memory_type, shareability) = text.rsplit_once('-').expect("a shareability at the end");
    let memory_type = all_types().into_iter().find(|one| one.to_string() == memory_type);
    let shareability = shareabilities.into_iter().find(|one| one.to_string() == shareability);
    Attributes { memory_type: memory_type.expect(text), shareability: shareability.expect(text) }
}

/// What `operation` returns where the choices named in `script` have those answers, and what it asked.
pub(super) fn ask<T, const N: usize>(
    script: [(&str, &str); N],
    operation: impl FnOnce(&mut World<'_, SparseMemory, Scripted, Vec<Event>>) -> T,
) -> (T, Vec<Choice>) {
    let mut chooser = Scripted::default();
    for (choice, answer) in script {
        chooser.fix(choice, answer).expect("a known choice");
    }
    let mut events = Vec::new();
    let mut bus = SparseMemory::default();
    let mut env = World { bus: &mut bus, chooser: &mut chooser, sink: &mut events };
    let result = operation(&mut env);
    let asked = events.iter().map(|event| {
        let Event::Choice { choice, .. } = event else { panic!("attributes only ask: {event:?}") };
        *choice
    });
    (result, asked.collect())
}
