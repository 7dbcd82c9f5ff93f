//! What must hold at some point of a scenario.

use smmu_model::attributes::Attributes;
use smmu_model::ids::{CommandQueue, Stag};
use smmu_model::layout::event::EventCode;
use smmu_model::layout::names::Field;
use smmu_model::rule::Rule;
use smmu_model::trace::InterruptSource;

use super::{Data, Operand, Place, ReplyClaim, ResponseClaim, ResultId};
use crate::scenario::span::Span;

/// Something that must hold.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where it stands.
    pub span: Span,
    /// What must hold.
    pub kind: ClaimKind,
}

/// What must hold. All but [`ClaimKind::End`] can stand anywhere; that one stands at a `dma`.
#[derive(Clone, Debug)]
pub enum ClaimKind {
    /// The transaction ends so.
    End(EndClaim),
    /// A named access has ended so by now.
    Result(ResultId, EndClaim),
    /// The SMMU holds exactly these stalled transactions, ascending.
    Stalls(Vec<Stag>),
    /// These rules fired in this step.
    Rules(Vec<Rule>),
    /// These rules did not fire in this step.
    NoRules(Vec<Rule>),
    /// A cache entry was used in this step with which memory no longer agrees.
    Stale,
    /// None was.
    NoStale,
    /// The next unread event record is this one; reading it consumes it.
    Event {
        /// Which event.
        code: EventCode,
        /// Fields of the record.
        fields: Vec<(Field, Operand)>,
    },
    /// There is no unread event record.
    NoEvent,
    /// The reply to the Translation Request is this.
    Reply(ReplyClaim),
    /// The next unread record of the PRI queue is this one; reading it consumes it.
    PageRequest {
        /// Fields of the record.
        fields: Vec<(Field, Operand)>,
    },
    /// There is no unread record in the PRI queue.
    NoPageRequest,
    /// The next PRG Response not yet expected is this one.
    Response(ResponseClaim),
    /// There is no PRG Response that was not expected.
    NoResponse,
    /// A register has this value.
    Register {
        /// Which.
        place: Place,
        /// The value.
        value: Operand,
    },
    /// Fields of a register have these values.
    RegisterFields {
        /// Which.
        place: Place,
        /// The fields.
        fields: Vec<(Field, u64)>,
    },
    /// Memory holds this.
    Memory {
        /// Where.
        at: Operand,
        /// What.
        data: Data,
    },
    /// A queue is in this state.
    Queue(QueueClaim),
    /// The next interrupt not yet expected is this one.
    Interrupt {
        /// About what.
        source: InterruptSource,
        /// The message, or the wire, if stated.
        message: MessageClaim,
    },
    /// There is no interrupt that was not expected.
    NoInterrupt,
    /// Exactly these global errors are active, as bits of GERROR.
    GlobalErrors(u32),
    /// All of these.
    All(Vec<Claim>),
    /// At least one of these: a set of permitted results.
    Either(Vec<Claim>),
}

/// How a transaction must end.
#[derive(Clone, Debug)]
pub struct EndClaim {
    /// The kind of end.
    pub end: End,
    /// The output address of its first byte.
    pub pa: Option<Operand>,
    /// log2 of the bytes for which the translation holds.
    pub size_log2: Option<u8>,
    /// The output attributes.
    pub attributes: Option<Attributes>,
    /// What was read, little-endian.
    pub data: Option<Operand>,
    /// The name of a stall.
    pub stag: Option<Stag>,
}

/// The ways in which a transaction ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum End {
    /// It reached memory.
    Ok,
    /// The SMMU aborted it.
    Abort,
    /// The SMMU completed it: a read as zero, a write without effect.
    RazWi,
    /// Memory aborted it, after translation.
    ExternalAbort,
    /// The SMMU holds it.
    Stall,
    /// The device's ATC was not granted it, so that the device did not make it.
    NotGranted,
}

impl End {
    /// All ends.
    pub const ALL: &'static [Self] =
        &[Self::Ok, Self::Abort, Self::RazWi, Self::ExternalAbort, Self::Stall, Self::NotGranted];

    /// The name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Abort => "abort",
            Self::RazWi => "raz-wi",
            Self::ExternalAbort => "external-abort",
            Self::Stall => "stall",
            Self::NotGranted => "not-granted",
        }
    }
}

/// Whether an interrupt came as a message.
#[derive(Clone, Copy, Debug)]
pub enum MessageClaim {
    /// Not stated.
    Any,
    /// The wire was raised.
    Wire,
    /// This message was written.
    Message {
        /// Where.
        address: u64,
        /// What.
        data: u32,
    },
}

/// Which queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// A Command queue.
    Command(CommandQueue),
    /// The Event queue.
    Event,
    /// The PRI queue.
    Pri,
}

/// The state of a queue; what is `None` is not stated.
#[derive(Clone, Debug)]
pub struct QueueClaim {
    /// Which queue.
    pub queue: Queue,
    /// PROD, index and wrap.
    pub prod: Option<u32>,
    /// CONS, index and wrap.
    pub cons: Option<u32>,
    /// How many entries are between them.
    pub entries: Option<u32>,
    /// CMDQ_CONS.ERR, or ERR_REASON of an Enhanced Command queue while its error is active.
    pub error: Option<u8>,
    /// Whether an overflow is not yet acknowledged.
    pub overflow: Option<bool>,
}
