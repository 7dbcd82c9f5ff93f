//! Legal configurations that this model refuses because it lacks the behaviour.

use std::fmt;

use super::constraints::{Decoded, write_values};
use super::id_registers::IdRegisters;

struct Row {
    section: &'static str,
    why: &'static str,
    shown: &'static [&'static str],
    announced: fn(&Decoded) -> bool,
}

/// `Variant = §, why it is refused, [fields to show], when announced`.
macro_rules! unmodelled {
    ($($name:ident = $section:literal $why:literal [$($field:literal)*] announced $announced:expr;)*) => {
        /// A feature of the architecture that this model does not have yet.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Unmodelled {
            $(#[doc = concat!($why, " (", $section, ").")] $name,)*
        }

        impl Unmodelled {
            /// Every such feature.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        section: $section,
                        why: $why,
                        shown: &[$($field),*],
                        announced: $announced,
                    },)*
                }
            }
        }
    };
}

impl Unmodelled {
    /// Where the specification describes it: `§6.3.4`.
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// What the model lacks, in one line.
    pub fn why(self) -> &'static str {
        self.row().why
    }

    /// Whether `ids` announce it.
    pub(super) fn announced_by(self, ids: &IdRegisters) -> bool {
        (self.row().announced)(&Decoded::new(*ids))
    }

    /// Writes the refusal of `ids`.
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, ids: &IdRegisters) -> fmt::Result {
        let row = self.row();
        write!(f, "not modelled ({}): {}; here ", row.section, row.why)?;
        write_values(f, ids, row.shown)
    }
}

unmodelled! {
    LaterRevision = "§6.3.8" "architecture revisions after v3.4 are unknown here"
        ["AIDR.ArchMajorRev" "AIDR.ArchMinorRev"]
        announced |i| i.aidr.arch_major_rev() != 0 || i.aidr.arch_minor_rev() > 4;
    Lpae = "§6.3.1" "VMSAv8-32 LPAE tables are not walked, TTF must be 2"
        ["IDR0.TTF"] announced |i| i.idr0.ttf() & 0b01 != 0;
    Rme = "§2.6, §3.25" "granule protection faults are not reported"
        ["IDR0.RME_IMPL"] announced |i| i.idr0.rme_impl();
    Presets = "§3.16, §6.3.2" "tables and queues lie in memory, never at preset places"
        ["IDR1.TABLES_PRESET" "IDR1.QUEUES_PRESET" "IDR1.REL"]
        announced |i| i.idr1.tables_preset() || i.idr1.queues_preset();
    Mpam = "§17" "transactions carry no MPAM values"
        ["IDR3.MPAM"] announced |i| i.idr3.mpam();
    Dpt = "§3.24" "translated transactions are not checked against a Device Permission Table"
        ["IDR3.DPT"] announced |i| i.idr3.dpt();
    S1pi = "§3.26.1" "stage 1 permissions are direct only"
        ["IDR3.S1PI"] announced |i| i.idr3.s1pi();
    S2pi = "§3.26.2" "stage 2 permissions are direct only"
        ["IDR3.S2PI"] announced |i| i.idr3.s2pi();
    S2po = "§3.26.2" "stage 2 permissions have no overlay"
        ["IDR3.S2PO"] announced |i| i.idr3.s2po();
    The = "§3.27" "stage 2 does not distinguish protected and checked tables"
        ["IDR3.THE"] announced |i| i.idr3.the();
    D128 = "§6.3.6" "VMSAv9-128 tables are not walked"
        ["IDR5.D128"] announced |i| i.idr5.d128();
}
