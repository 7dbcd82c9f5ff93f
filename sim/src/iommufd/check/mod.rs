//! Every check that a caller of the kernel can fail, by name: its label, and the errno that it answers with.
//!
//! A label is the operation and the number of the step in the order in which the kernel tests.

mod list;

use crate::errno::Errno;

pub use list::Check;

/// Why a system call failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The check.
    pub check: Check,
    /// What the caller gets.
    pub errno: Errno,
}

impl From<Check> for Refusal {
    fn from(check: Check) -> Self {
        Self { check, errno: check.errno() }
    }
}

impl Check {
    /// The check failed with the error of somebody below, such as the driver.
    pub fn with(self, errno: Errno) -> Refusal {
        Refusal { check: self, errno }
    }

    /// The check fails if `failed`.
    pub(crate) fn refuse_if(self, failed: bool) -> Result<(), Refusal> {
        if failed { Err(self.into()) } else { Ok(()) }
    }
}

/// Turns a list of checks into `enum Check` with its accessors.
macro_rules! checks {
    ($($name:ident $label:literal $errno:ident $text:literal;)*) => {
        /// A check of the kernel.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Check {
            $(#[doc = $text] $name,)*
        }

        impl Check {
            /// All checks, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The label: `IOAS_MAP-9c`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// The errno that a caller gets; a check "by the driver" has the driver's instead.
            pub const fn errno(self) -> Errno {
                match self { $(Self::$name => Errno::$errno,)* }
            }

            /// What it says, in our words.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

use checks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique() {
        let mut labels: Vec<_> = Check::ALL.iter().map(|check| check.label()).collect();
        labels.sort_unstable();
        let all = labels.len();
        labels.dedup();
        assert_eq!(labels.len(), all);
    }
}
