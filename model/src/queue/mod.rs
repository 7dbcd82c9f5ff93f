//! Circular queues in memory (§3.5): the arithmetic, the reader of the Command queue, and the writers of the
//! Event and PRI queues.

pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod pri;
pub(crate) mod ring;
