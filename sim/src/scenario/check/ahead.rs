//! `speculate`: a moment at which the SMMU may fetch ahead.

use super::Checker;
use crate::scenario::arguments::{Arguments, no_block, operand};
use crate::scenario::problem::Problem;
use crate::scenario::step::{Action, Speculation};
use crate::scenario::syntax::Node;

impl Checker<'_> {
    /// `speculate "nic" 0x1000 ssid=3`, or without an address: configuration alone.
    pub(super) fn speculate(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let device = self.client(&mut arguments)?;
        let address = arguments.next().map(operand).transpose()?;
        let substream = self.substream_of(&mut arguments, &device)?;
        arguments.finish()?;
        self.step(node.span, Action::Speculate(Speculation { stream: device.stream, substream, address }))
    }
}
