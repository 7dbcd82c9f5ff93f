//! Circular queues in memory (§3.5): the arithmetic, the Command queue's reader and the Event queue's writer.

pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod ring;
