//! One type per address space (§3.4): what a device presents, what stage 1 yields, what memory decodes.
//!
//! All three hold 64 bits. Crossing from one space to another is a named method, so that a reader sees
//! which stage was bypassed.

use std::fmt;

macro_rules! address_spaces {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(u64);

        impl $name {
            /// The address with this value.
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// The value, in bytes from zero.
            pub const fn value(self) -> u64 {
                self.0
            }

            /// Whether no bit at or above `bits` is set.
            pub const fn fits(self, bits: u8) -> bool {
                fits(self.0, bits)
            }

            /// The address with all bits at and above `bits` cleared.
            pub const fn truncated(self, bits: u8) -> Self {
                Self(self.0 & low_mask(bits))
            }

            /// The address `bytes` further on, or `None` past the end of the space.
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    )*};
}

address_spaces! {
    /// An address as a client device presents it, all 64 bits, before any stage (§3.4.1).
    Iova;
    /// An intermediate physical address: the input of stage 2 (§3.4).
    Ipa;
    /// A physical address: what the SMMU or a translated transaction puts on the bus.
    Pa;
}

impl Iova {
    /// The address that reaches stage 2 when stage 1 is bypassed (§3.4): the same bits.
    pub const fn as_ipa_with_stage1_bypassed(self) -> Ipa {
        Ipa(self.0)
    }

    /// The output address when every stage is bypassed (§3.4): the same bits.
    pub const fn as_pa_with_both_stages_bypassed(self) -> Pa {
        Pa(self.0)
    }
}

impl Ipa {
    /// The output address when stage 2 is bypassed: silently truncated to the output size (§3.4).
    pub const fn as_pa_with_stage2_bypassed(self, oas_bits: u8) -> Pa {
        Pa(self.0 & low_mask(oas_bits))
    }
}

/// A mask of the lowest `bits` bits; 64 and more give all ones.
#[inline]
pub const fn low_mask(bits: u8) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// Whether no bit of `value` at or above `bits` is set.
pub const fn fits(value: u64, bits: u8) -> bool {
    value & !low_mask(bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_exact_at_both_ends() {
        assert_eq!(low_mask(0), 0);
        assert_eq!(low_mask(12), 0xfff);
        assert_eq!(low_mask(63), 0x7fff_ffff_ffff_ffff);
        assert_eq!(low_mask(64), u64::MAX);
        assert!(fits(0xfff, 12) && !fits(0x1000, 12));
    }

    #[test]
    fn bypassed_stage2_truncates_silently() {
        let ipa = Ipa::new(0x1_0000_0000_1234);
        assert_eq!(ipa.as_pa_with_stage2_bypassed(48), Pa::new(0x1234));
    }
}
