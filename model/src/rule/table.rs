//! What a rule leads to, and the macro that makes the list of rules.

use crate::layout::event::EventCode;

/// What follows when a rule fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The transaction ends, and this event is recorded if the queue is writable (§7.2). The four
    /// Translation-related faults obey CD.{A,R,S} or STE.{S2R,S2S} besides (§5.5).
    Event(EventCode),
    /// The transaction is aborted and nothing is recorded.
    Silent,
    /// The command stops its queue with this error code (§7.1).
    Command(CommandError),
    /// A command, a register write or a record has no effect, or another one than it seems to ask for.
    Ignored,
    /// One of several legal ways was taken; nothing went wrong.
    Decision,
    /// A global error becomes active (§7.5).
    Global,
    /// An address translation operation ends with this FAULTCODE (§9.1.5).
    Operation(OperationError),
}

/// A FAULTCODE that is no event (§9.1.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperationError {
    /// INV_REQ: the request is malformed.
    InvReq,
    /// INV_STAGE: the stream is not configured for the stages that were asked for.
    InvStage,
    /// INTERNAL_ERR: the operation was not finished.
    InternalErr,
}

impl OperationError {
    /// The value of FAULTCODE.
    pub const fn code(self) -> u8 {
        match self {
            Self::InvReq => 0xff,
            Self::InvStage => 0xfe,
            Self::InternalErr => 0xfd,
        }
    }

    /// The specification's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvReq => "INV_REQ",
            Self::InvStage => "INV_STAGE",
            Self::InternalErr => "INTERNAL_ERR",
        }
    }
}

/// The reason of a command error, as CMDQ_CONS.ERR holds it (§7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CommandError {
    /// CERROR_ILL.
    Illegal,
    /// CERROR_ABT.
    Abort,
    /// CERROR_ATC_INV_SYNC.
    AtcInvSync,
}

impl CommandError {
    /// The value of CMDQ_CONS.ERR (§6.3.28).
    pub const fn code(self) -> u8 {
        match self {
            Self::Illegal => 1,
            Self::Abort => 2,
            Self::AtcInvSync => 3,
        }
    }

    /// The specification's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Illegal => "CERROR_ILL",
            Self::Abort => "CERROR_ABT",
            Self::AtcInvSync => "CERROR_ATC_INV_SYNC",
        }
    }
}

/// Turns a table of rules into `enum Rule` with its accessors; no accessor has a wildcard arm.
macro_rules! rules {
    ($($(#[doc = $text:literal])+ $name:ident = $label:literal $section:literal => $effect:ident $(($arg:ident))?,)*) => {
        /// An architectural check or decision.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Rule {
            $($(#[doc = $text])+ $name,)*
        }

        impl Rule {
            /// All rules, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The label, for example `STE-20`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// The section that decides, for example `§5.2.2`.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// What the rule says, in our words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => concat!($($text,)+).trim_start(),)* }
            }

            /// What follows when the rule fires.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => rules!(@effect $effect $($arg)?),)* }
            }
        }
    };
    (@effect Event $code:ident) => { Effect::Event(EventCode::$code) };
    (@effect Command $error:ident) => { Effect::Command(CommandError::$error) };
    (@effect Operation $error:ident) => { Effect::Operation(OperationError::$error) };
    (@effect $plain:ident) => { Effect::$plain };
}
