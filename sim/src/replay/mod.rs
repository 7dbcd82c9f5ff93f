//! Recorded traces, replayed against the model: what another implementation did, one line at a time.

mod event;
mod fields;
pub mod trace;
