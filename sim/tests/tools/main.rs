//! `replay` and `walk` over recorded runs, and the binary around them.

mod captures;
mod command;
mod replay;
mod walk;
