//! The commands that read other files than scenarios, and the binary around them.

mod captures;
mod command;
mod documents;
mod negotiation;
mod peer_findings;
mod replay;
mod transcript;
mod vectors;
mod walk;
