//! `dvm`: TLB maintenance that a processing element broadcasts.

use smmu_model::naming;

use super::Checker;
use crate::dvm::{self, OPERATIONS, Operands};
use crate::scenario::arguments::{Arguments, no_block};
use crate::scenario::problem::Problem;
use crate::scenario::step::{Action, Tlbi};
use crate::scenario::syntax::Node;

impl Checker<'_> {
    /// `dvm "VAE1" va=0x1000 asid=1 vmid=0`, `dvm "RIPAS2E1" ipa=0x1000 bytes=0x2000`, `dvm "sync"`.
    pub(super) fn dvm(&mut self, node: &Node) -> Result<(), Problem> {
        no_block(node)?;
        let mut arguments = Arguments::new(node, &self.scope)?;
        let name = arguments.required_text("a TLBI, or `sync`")?;
        if name.value == "sync" {
            arguments.finish()?;
            return self.step(node.span, Action::SyncBroadcasts);
        }
        let Some(operation) = OPERATIONS.iter().find(|known| naming::same(known, &name.value)) else {
            return Err(Problem::unknown("TLBI", &name.value, name.span, OPERATIONS));
        };
        let identifier = |arguments: &mut Arguments, name| {
            let number = arguments.number_to(name, u64::from(u16::MAX))?;
            Ok(number.map(|number| u16::try_from(number.value).expect("checked against the maximum")))
        };
        let address = if operation.contains("IPA") { "ipa" } else { "va" };
        let operands = Operands {
            vmid: identifier(&mut arguments, "vmid")?,
            asid: identifier(&mut arguments, "asid")?,
            address: arguments.number(address)?.map(|address| address.value),
            bytes: arguments.number("bytes")?.map(|bytes| bytes.value),
            e2h: arguments.flag("e2h")?.unwrap_or(false),
        };
        arguments.finish()?;
        let broadcast =
            dvm::broadcast(operation, operands).map_err(|unfit| Problem::new(node.span, unfit.why))?;
        self.step(node.span, Action::Broadcast(Tlbi { operation, operands, broadcast }))
    }
}
