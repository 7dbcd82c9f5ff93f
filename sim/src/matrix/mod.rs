//! The matrix: a guest works on every combination of hardware, platform, kernel and VMM, and what comes of it is seen.
//!
//! `file` reads what there is, `cell` boots and runs one combination, and `forward` finds what
//! works today and breaks with a later kernel. Text, JSON and a page of HTML are made of the same [`Report`].

mod axes;
mod cell;
mod file;
mod forward;
mod html;
mod json;
mod outcome;
mod report;
mod text;
mod workload;

pub use axes::{Expectation, Hardware, HostKernel, Kind, Matrix, Platform, Vmm};
pub(crate) use cell::seen;
pub use cell::{Cell, run_cell};
pub use file::{Broken, read};
pub use forward::Breaks;
pub use html::write as write_html;
pub use json::write as write_json;
pub use outcome::{By, Outcome, Refusal, Symptom, Use};
pub use report::{Report, Unmet, run};
pub use text::write as write_text;
