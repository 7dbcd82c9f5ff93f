//! What software and devices do at random.

use proptest::prelude::*;

use crate::system::STREAMS;

/// What software or a device does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// A descriptor of stage 1 tables: set, region of 2 MiB, page (none: the root), what it becomes.
    Stage1 { set: u64, region: u64, page: Option<u64>, becomes: Becomes },
    /// A descriptor of stage 2 tables, above the first 2 MiB.
    Stage2 { set: u64, region: u64, page: Option<u64>, becomes: Becomes },
    /// MAIR, WXN, ASID or the tables of a CD.
    Cd { stream: usize, change: u64 },
    /// S2R, MEV, or valid or not, of an STE.
    Ste { stream: usize, change: u64 },
    /// A device reads or writes.
    Access { stream: usize, region: u64, page: u64, write: bool, user: bool },
    /// The SMMU may fetch ahead.
    Speculate { stream: usize, region: u64, page: u64 },
    /// Software invalidates all and waits.
    InvalidateAll,
    /// Software invalidates something, or waits.
    Command([u64; 2]),
}

/// What a descriptor becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Becomes {
    Invalid,
    /// A table of pages, in the root.
    Table(u64),
    /// A Block or Page with these bits, over a region or page of memory.
    Leaf {
        output: u64,
        attributes: u64,
    },
}

pub(crate) fn becomes() -> impl Strategy<Value = Becomes> {
    prop_oneof![
        2 => Just(Becomes::Invalid),
        2 => (0u64..4).prop_map(Becomes::Table),
        6 => (1u64..4, any::<u64>()).prop_map(|(output, attributes)| Becomes::Leaf { output, attributes }),
    ]
}

pub(crate) fn acts() -> impl Strategy<Value = Act> {
    let page = || prop_oneof![1 => Just(None), 4 => (0u64..4).prop_map(Some)];
    let stream = || 0..STREAMS.len();
    prop_oneof![
        4 => (0u64..4, 0u64..3, page(), becomes())
            .prop_map(|(set, region, page, becomes)| Act::Stage1 { set, region, page, becomes }),
        2 => (1u64..3, 1u64..4, page(), becomes())
            .prop_map(|(set, region, page, becomes)| Act::Stage2 { set, region, page, becomes }),
        1 => (stream(), any::<u64>()).prop_map(|(stream, change)| Act::Cd { stream, change }),
        1 => (stream(), any::<u64>()).prop_map(|(stream, change)| Act::Ste { stream, change }),
        16 => (stream(), 0u64..4, 0u64..4, any::<bool>(), any::<bool>())
            .prop_map(|(stream, region, page, write, user)| Act::Access { stream, region, page, write, user }),
        3 => (stream(), 0u64..4, 0u64..4)
            .prop_map(|(stream, region, page)| Act::Speculate { stream, region, page }),
        2 => Just(Act::InvalidateAll),
        6 => command().prop_map(Act::Command),
    ]
}

/// Any invalidation of what the streams use, or CMD_SYNC.
pub(crate) fn command() -> impl Strategy<Value = [u64; 2]> {
    let tagged = (0u64..3, 0u64..6);
    let address = (0u64..4, 0u64..4, any::<bool>())
        .prop_map(|(region, page, leaf)| region << 21 | page << 12 | u64::from(leaf));
    let range = prop_oneof![3 => Just((0, 0)), 1 => (0u64..4, 0u64..4).prop_map(|(num, ttl)| {
        (num << 12 | 9 << 20, 1 << 10 | ttl << 8) // 4 KiB granule, SCALE 9
    })];
    prop_oneof![
        4 => Just([0x46, 0]),
        4 => (prop::sample::select(vec![0x10u64, 0x11, 0x12, 0x13, 0x28, 0x2a]), tagged, address, range)
            .prop_map(|(opcode, (vmid, asid), address, (range0, range1))| {
                let by_address = matches!(opcode, 0x12 | 0x13 | 0x2a);
                let (range0, word1) = if by_address { (range0, address | range1) } else { (0, 0) };
                let asid = if matches!(opcode, 0x11 | 0x12) { asid } else { 0 };
                [opcode | vmid << 32 | asid << 48 | range0, word1]
            }),
        1 => (0u64..5, any::<bool>()).prop_map(|(stream, leaf)| [0x03 | stream << 32, u64::from(leaf)]),
        1 => (0u64..5, any::<bool>()).prop_map(|(stream, leaf)| [0x05 | stream << 32, u64::from(leaf)]),
        1 => (0u64..5, 0u64..4).prop_map(|(stream, page)| [0x02 | stream << 32, page << 12]),
    ]
}
