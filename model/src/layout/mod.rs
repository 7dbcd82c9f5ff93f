//! Bit positions of every structure, and nothing else: no legality, no defaults, no behaviour.
//!
//! Each structure stands here twice, on purpose. The typed words ([`ste`], [`cd`], …) are what the model
//! reads. The [`names`] tables are what people write and see: every field by the specification's name with
//! its position. A test compares the two, and golden words from the specification check both.

pub mod cd;
pub mod command;
pub mod descriptor;
pub mod ecmdq;
pub mod event;
pub mod idr;
pub mod l1cd;
pub mod l1std;
pub mod names;
pub mod pmcg;
pub mod pri;
pub mod register;
pub mod ste;
