//! What devices hint at: `hint` (§3.12.4.1).

use smmu_model::address::Iova;
use smmu_model::hint::{Anticipated, PageHint};

use super::Checker;
use crate::scenario::arguments::{Arguments, no_block, operand};
use crate::scenario::problem::Problem;
use crate::scenario::step::{Action, Hint};
use crate::scenario::syntax::Node;

/// Span has eight bits.
const PAGES_MAX: u64 = 0xff;

impl Checker<'_> {
    /// `hint "nic" 0x1000 pages=4 privileged="RW" unprivileged="RWX" ssid=3`
    pub(super) fn hint(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let name = arguments.required_text("a device")?;
        let device = self.device_called(&name)?.clone();
        let address = operand(arguments.required("an address")?)?;
        let substream = self.substream_of(&mut arguments, &device)?;
        let pages = arguments.number_to("pages", PAGES_MAX)?;
        let privileged = anticipated(&mut arguments, "privileged")?;
        let unprivileged = anticipated(&mut arguments, "unprivileged")?;
        arguments.finish()?;
        let pages = match pages {
            None => 1,
            Some(pages) if pages.value == 0 => {
                return Err(Problem::new(pages.span, "a hint is about one page at least"));
            }
            Some(pages) => u8::try_from(pages.value).expect("checked against the maximum"),
        };
        let (stream, no_address) = (device.stream, Iova::new(0));
        let hint = PageHint { stream, substream, address: no_address, pages, privileged, unprivileged };
        self.step(node.span, Action::Hint(Hint { device: device.name, address, hint }))
    }
}

/// Letters of `RWX`.
fn anticipated(arguments: &mut Arguments, name: &'static str) -> Result<Anticipated, Problem> {
    let Some(text) = arguments.text(name)? else { return Ok(Anticipated::default()) };
    if !text.value.chars().all(|letter| "RWX".contains(letter)) {
        return Err(Problem::new(text.span, "accesses are letters of `RWX`"));
    }
    let has = |letter| text.value.contains(letter);
    Ok(Anticipated { read: has('R'), write: has('W'), execute: has('X') })
}
