//! The software stack around the model, and the tools on top of it.

pub mod image;
pub mod oracle;
pub mod replay;
pub mod vectors;
