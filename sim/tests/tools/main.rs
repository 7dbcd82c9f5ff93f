//! `replay`, `walk` and `vectors` over recorded data, and the binary around them.

mod captures;
mod command;
mod documents;
mod peer_findings;
mod replay;
mod transcript;
mod vectors;
mod walk;
