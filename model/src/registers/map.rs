//! Where each register lies: name, offset, width, section, access, and when it exists (§6.2.1, §6.2.2).

use super::guard::Guard;
use crate::features::Features;

/// How software may write a register (§6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// Writes have no effect.
    ReadOnly,
    /// Writes store.
    Free,
    /// Writes store while the guard is open.
    Guarded(Guard),
    /// Writes start an Update per field, which an acknowledge register completes (§6.3.9).
    Control,
    /// Writes start an update of the whole register (§6.3.14.1).
    Bypass,
    /// Writes acknowledge errors (§6.3.20).
    Acknowledge,
}

/// When a register exists; otherwise it is RES0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    Always,
    /// IDR0.MSI.
    Msi,
    /// IDR0.PRI.
    Pri,
    /// Both.
    MsiPri,
    /// It belongs to a feature that this model refuses or does not have.
    Unmodelled,
}

/// Which word of a 64-bit register; a 32-bit register has only the low one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Half {
    Low,
    High,
}

macro_rules! registers {
    ($($name:ident = $text:literal $offset:literal $bits:literal $section:literal
       $access:ident $(($guard:ident))? $presence:ident,)*) => {
        /// A register of pages 0 and 1 of the Non-secure programming interface (§6.2.1, §6.2.2).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Register { $(#[doc = concat!("SMMU_", $text, " (", $section, ").")] $name,)* }

        impl Register {
            /// All registers, ascending by offset.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The specification's name, without `SMMU_`: `STRTAB_BASE`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The register with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }

            /// Where it lies, in bytes from the base of page 0; page 1 starts at 0x10000.
            pub const fn offset(self) -> u64 {
                match self { $(Self::$name => $offset,)* }
            }

            /// 4 or 8 bytes.
            pub const fn size_bytes(self) -> u8 {
                match self { $(Self::$name => $bits / 8,)* }
            }

            /// The section that describes it.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            pub(super) const fn access(self) -> Access {
                match self { $(Self::$name => Access::$access $((Guard::$guard))?,)* }
            }

            const fn presence(self) -> Presence {
                match self { $(Self::$name => Presence::$presence,)* }
            }

            pub(super) const fn starting_at(offset: u64) -> Option<Self> {
                match offset { $($offset => Some(Self::$name),)* _ => None }
            }
        }
    };
}

registers! {
    Idr0 = "IDR0" 0x0000 32 "§6.3.1" ReadOnly Always,
    Idr1 = "IDR1" 0x0004 32 "§6.3.2" ReadOnly Always,
    Idr2 = "IDR2" 0x0008 32 "§6.3.3" ReadOnly Always,
    Idr3 = "IDR3" 0x000c 32 "§6.3.4" ReadOnly Always,
    Idr4 = "IDR4" 0x0010 32 "§6.3.5" ReadOnly Always,
    Idr5 = "IDR5" 0x0014 32 "§6.3.6" ReadOnly Always,
    Iidr = "IIDR" 0x0018 32 "§6.3.7" ReadOnly Always,
    Aidr = "AIDR" 0x001c 32 "§6.3.8" ReadOnly Always,
    Cr0 = "CR0" 0x0020 32 "§6.3.9" Control Always,
    Cr0Ack = "CR0ACK" 0x0024 32 "§6.3.10" ReadOnly Always,
    Cr1 = "CR1" 0x0028 32 "§6.3.11" Guarded(Cr1Fields) Always,
    Cr2 = "CR2" 0x002c 32 "§6.3.12" Guarded(Smmuen) Always,
    S2pii = "S2PII" 0x0030 64 "§6.3.17" Free Unmodelled,
    Statusr = "STATUSR" 0x0040 32 "§6.3.13" ReadOnly Always,
    Gbpa = "GBPA" 0x0044 32 "§6.3.14" Bypass Always,
    Agbpa = "AGBPA" 0x0048 32 "§6.3.15" Free Unmodelled,
    IrqCtrl = "IRQ_CTRL" 0x0050 32 "§6.3.16" Control Always,
    IrqCtrlAck = "IRQ_CTRLACK" 0x0054 32 "§6.3.18" ReadOnly Always,
    Gerror = "GERROR" 0x0060 32 "§6.3.19" ReadOnly Always,
    Gerrorn = "GERRORN" 0x0064 32 "§6.3.20" Acknowledge Always,
    GerrorIrqCfg0 = "GERROR_IRQ_CFG0" 0x0068 64 "§6.3.21" Guarded(GerrorIrqen) Msi,
    GerrorIrqCfg1 = "GERROR_IRQ_CFG1" 0x0070 32 "§6.3.22" Guarded(GerrorIrqen) Msi,
    GerrorIrqCfg2 = "GERROR_IRQ_CFG2" 0x0074 32 "§6.3.23" Guarded(GerrorIrqen) Msi,
    StrtabBase = "STRTAB_BASE" 0x0080 64 "§6.3.24" Guarded(Smmuen) Always,
    StrtabBaseCfg = "STRTAB_BASE_CFG" 0x0088 32 "§6.3.25" Guarded(Smmuen) Always,
    CmdqBase = "CMDQ_BASE" 0x0090 64 "§6.3.26" Guarded(Cmdqen) Always,
    CmdqProd = "CMDQ_PROD" 0x0098 32 "§6.3.27" Free Always,
    CmdqCons = "CMDQ_CONS" 0x009c 32 "§6.3.28" Guarded(Cmdqen) Always,
    EventqBase = "EVENTQ_BASE" 0x00a0 64 "§6.3.29" Guarded(Eventqen) Always,
    EventqIrqCfg0 = "EVENTQ_IRQ_CFG0" 0x00b0 64 "§6.3.30" Guarded(EventqIrqen) Msi,
    EventqIrqCfg1 = "EVENTQ_IRQ_CFG1" 0x00b8 32 "§6.3.31" Guarded(EventqIrqen) Msi,
    EventqIrqCfg2 = "EVENTQ_IRQ_CFG2" 0x00bc 32 "§6.3.32" Guarded(EventqIrqen) Msi,
    PriqBase = "PRIQ_BASE" 0x00c0 64 "§6.3.33" Guarded(Priqen) Pri,
    PriqIrqCfg0 = "PRIQ_IRQ_CFG0" 0x00d0 64 "§6.3.34" Guarded(PriqIrqen) MsiPri,
    PriqIrqCfg1 = "PRIQ_IRQ_CFG1" 0x00d8 32 "§6.3.35" Guarded(PriqIrqen) MsiPri,
    PriqIrqCfg2 = "PRIQ_IRQ_CFG2" 0x00dc 32 "§6.3.36" Guarded(PriqIrqen) MsiPri,
    GatosCtrl = "GATOS_CTRL" 0x0100 32 "§6.3.37" Free Unmodelled,
    GatosSid = "GATOS_SID" 0x0108 64 "§6.3.38" Free Unmodelled,
    GatosAddr = "GATOS_ADDR" 0x0110 64 "§6.3.39" Free Unmodelled,
    GatosPar = "GATOS_PAR" 0x0118 64 "§6.3.40" ReadOnly Unmodelled,
    Mpamidr = "MPAMIDR" 0x0130 32 "§6.3.41" ReadOnly Unmodelled,
    Gmpam = "GMPAM" 0x0138 32 "§6.3.42" Free Unmodelled,
    Gbpmpam = "GBPMPAM" 0x013c 32 "§6.3.43" Free Unmodelled,
    VatosSel = "VATOS_SEL" 0x0180 32 "§6.3.44" Free Unmodelled,
    Idr6 = "IDR6" 0x0190 32 "§6.3.45" ReadOnly Always,
    DptBase = "DPT_BASE" 0x0200 64 "§6.3.46" Free Unmodelled,
    DptBaseCfg = "DPT_BASE_CFG" 0x0208 32 "§6.3.47" Free Unmodelled,
    DptCfgFar = "DPT_CFG_FAR" 0x0210 64 "§6.3.48" Free Unmodelled,
    EventqProd = "EVENTQ_PROD" 0x100a8 32 "§6.3.95" Guarded(Eventqen) Always,
    EventqCons = "EVENTQ_CONS" 0x100ac 32 "§6.3.96" Free Always,
    PriqProd = "PRIQ_PROD" 0x100c8 32 "§6.3.97" Guarded(Priqen) Pri,
    PriqCons = "PRIQ_CONS" 0x100cc 32 "§6.3.98" Free Pri,
}

impl Register {
    /// Whether an implementation with these features has it; without, it is RES0.
    pub const fn exists(self, features: &Features) -> bool {
        match self.presence() {
            Presence::Always => true,
            Presence::Msi => features.msi,
            Presence::Pri => features.pri,
            Presence::MsiPri => features.msi && features.pri,
            Presence::Unmodelled => false,
        }
    }
}
