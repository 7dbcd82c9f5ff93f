//! What a monitor has to say: one note for each thing that happened.

use std::fmt;

use smmu_model::features::Violation;
use smmu_model::layout::command::Command;
use smmu_model::layout::event::EventRecord;
use smmu_model::rule::{CommandError, Rule};

use super::calls::Call;
use super::forward::Unable;
use super::stream_table::NoSte;
use crate::errno::Errno;

/// One thing that happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// The monitor made a system call.
    Call {
        /// Which.
        call: Call,
        /// The id of the object that it was about, or a descriptor; 0 for none.
        on: u32,
        /// The id or descriptor that it gave, the number of entries that were handled, or 0.
        result: Result<u32, Errno>,
    },
    /// What the guest is shown is against the architecture.
    Unlawful(Violation),
    /// The guest's SMMU met a command.
    Command {
        /// Its words.
        words: [u64; 2],
        /// What became of it.
        fate: Fate,
    },
    /// The guest's Command queue stopped.
    Stopped(CommandError),
    /// What the guest's devices go by has changed.
    Regime(Regime),
    /// A device goes by something else.
    Ste {
        /// The guest's StreamID.
        stream: u32,
        /// What it goes by from now on.
        installed: Installed,
    },
    /// An STE of the guest was looked at, and is the same as before: only what was cached on the way through it goes.
    SteUnchanged {
        /// The guest's StreamID.
        stream: u32,
    },
    /// Bits of an STE of the guest that the kernel does not take were left out.
    SteBits {
        /// The guest's StreamID.
        stream: u32,
        /// The bits of the first two words.
        dropped: [u64; 2],
    },
    /// An event for the guest.
    Event {
        /// The record.
        record: EventRecord,
        /// Who made it.
        source: EventSource,
    },
    /// Events for the guest were lost, because nobody read them.
    EventsLost {
        /// The number that the last one had.
        sequence: u32,
    },
}

/// What became of a command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fate {
    /// It is passed on at the next CMD_SYNC.
    Gathered,
    /// The monitor does it.
    Served,
    /// It is about a device that the guest does not have.
    NoDevice,
    /// It is a hint, or there is nothing that it could be about.
    Ignored,
    /// The guest's SMMU does not accept it.
    Illegal(Rule),
    /// It cannot be carried out.
    Refused(Unable),
    /// Commands before this CMD_SYNC could not be carried out.
    Failed(Errno),
}

/// What all devices of a guest go by (IHI 0070 §6.3.9, §6.3.14).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Regime {
    /// SMMUEN is 0, and GBPA.ABORT 1.
    Abort,
    /// SMMUEN is 0, and GBPA.ABORT 0.
    Bypass,
    /// SMMUEN is 1: the stream table.
    Tables,
}

/// What one device goes by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Installed {
    /// Every access ends, by the guest's will.
    Abort,
    /// Every access ends, as the guest has no STE for the device.
    NoSte(NoSte),
    /// Every access ends, as the kernel did not take the guest's STE.
    Refused(Errno),
    /// Stage 2 only.
    Bypass,
    /// The guest's stage 1.
    Nested {
        /// The HWPT.
        hwpt: u32,
        /// The words that the kernel has.
        words: [u64; 2],
    },
}

/// Who made an event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EventSource {
    /// The hardware.
    Hardware,
    /// The monitor.
    Monitor,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { call, on, result: Ok(made) } => write!(f, "{call}({on}) = {made}"),
            Self::Call { call, on, result: Err(errno) } => write!(f, "{call}({on}) fails: {errno}"),
            Self::Unlawful(violation) => write!(f, "unlawful: {violation}"),
            Self::Command { words, fate } => {
                let name = Command(*words).opcode().map_or("of no known kind", |opcode| opcode.name());
                write!(f, "command {name} {:#x} {:#x}: {fate}", words[0], words[1])
            }
            Self::Stopped(error) => write!(f, "the command queue stops: {}", error.name()),
            Self::Regime(regime) => write!(f, "devices go by {regime}"),
            Self::Ste { stream, installed } => write!(f, "device {stream:#x} goes by {installed}"),
            Self::SteUnchanged { stream } => write!(f, "device {stream:#x} goes by what it went by"),
            Self::SteBits { stream, dropped: [word0, word1] } => {
                write!(f, "bits of the STE of {stream:#x} are left out: {word0:#x} {word1:#x}")
            }
            Self::Event { record, source } => {
                let name = record.event_code().map_or("of no known kind", |code| code.name());
                let [word0, word1, word2, word3] = record.0;
                write!(f, "event {name} {word0:#x} {word1:#x} {word2:#x} {word3:#x} {source}")
            }
            Self::EventsLost { sequence } => write!(f, "events are lost up to number {sequence}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gathered => f.write_str("gathered"),
            Self::Served => f.write_str("served"),
            Self::NoDevice => f.write_str("no such device"),
            Self::Ignored => f.write_str("ignored"),
            Self::Illegal(rule) => write!(f, "illegal by {} ({})", rule.label(), rule.section()),
            Self::Refused(unable) => write!(f, "refused, {unable}"),
            Self::Failed(errno) => write!(f, "what came before it failed, {errno}"),
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Abort => "GBPA, abort",
            Self::Bypass => "GBPA, bypass",
            Self::Tables => "the stream table",
        })
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort => f.write_str("abort"),
            Self::NoSte(NoSte::Beyond) => f.write_str("abort, as there is no STE"),
            Self::NoSte(NoSte::Aborted) => f.write_str("abort, as the STE is not in memory"),
            Self::Refused(errno) => write!(f, "abort, as the kernel refuses the STE with {errno}"),
            Self::Bypass => f.write_str("bypass"),
            Self::Nested { hwpt, words: [word0, word1] } => {
                write!(f, "nested HWPT {hwpt}, STE {word0:#x} {word1:#x}")
            }
        }
    }
}

impl fmt::Display for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hardware => "by the hardware",
            Self::Monitor => "by the monitor",
        })
    }
}
