//! Who pays for pinned memory, and what `RLIMIT_MEMLOCK` has to say.

use crate::iommufd::check::{Check, Refusal};
use crate::kernel::frames::PAGE_SIZE;
use crate::kernel::host::Host;
use crate::kernel::process::Pid;

/// Against what pinned pages are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Accounting {
    /// Nothing limits them.
    None,
    /// All that the user has locked.
    #[default]
    User,
    /// What the process has locked.
    Process,
}

/// A process that pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payer {
    /// The process that mapped.
    pub pid: Pid,
    /// Its user.
    pub user: u32,
    /// Against what its pages are counted.
    pub accounting: Accounting,
}

impl Payer {
    /// Charges pages.
    pub(in crate::iommufd) fn charge(self, host: &mut Host, pages: u64) -> Result<(), Refusal> {
        let process = &mut host.processes[self.pid.0];
        let limit = process.memlock_limit / PAGE_SIZE;
        match self.accounting {
            Accounting::None => {}
            Accounting::User => {
                let locked = host.locked_pages.entry(self.user).or_default();
                let total = locked.saturating_add(pages);
                Check::PinLimit.refuse_if(total > limit)?;
                *locked = total;
            }
            Accounting::Process => {
                if let Some(mm) = &mut process.mm {
                    let total = mm.locked_pages.saturating_add(pages);
                    Check::PinLimit.refuse_if(total > limit)?;
                    mm.locked_pages = total;
                }
            }
        }
        if let Some(mm) = &mut process.mm {
            mm.pinned_pages += pages;
        }
        Ok(())
    }

    /// Gives back what was charged.
    pub(in crate::iommufd) fn refund(self, host: &mut Host, pages: u64) {
        if self.accounting == Accounting::User {
            let locked = host.locked_pages.entry(self.user).or_default();
            *locked = locked.checked_sub(pages).expect("only what was charged is refunded");
        }
        if let Some(mm) = &mut host.processes[self.pid.0].mm {
            mm.pinned_pages = mm.pinned_pages.checked_sub(pages).expect("only what was charged is refunded");
            if self.accounting == Accounting::Process {
                mm.locked_pages =
                    mm.locked_pages.checked_sub(pages).expect("only what was charged is refunded");
            }
        }
    }
}
