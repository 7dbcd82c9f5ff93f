//! Attributes in the specification's words: `Normal-iWB(RA,WA)-oNC-ISH`, `Device-nGnRE-OSH` (§13.1.1).

use std::fmt::{Display, Formatter, Result};

use super::{Attributes, Cacheability, Device, Hints, MemoryType, Shareability};

impl Display for Attributes {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}-{}", self.memory_type, self.shareability)
    }
}

impl Display for MemoryType {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Device(device) => write!(f, "Device-{device}"),
            Self::Normal { inner, outer } => write!(f, "Normal-i{inner}-o{outer}"),
        }
    }
}

impl Display for Device {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Gre => "GRE",
            Self::NGre => "nGRE",
            Self::NGnRe => "nGnRE",
            Self::NGnRnE => "nGnRnE",
        })
    }
}

impl Display for Cacheability {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NonCacheable => f.write_str("NC"),
            Self::WriteThrough(hints) => write!(f, "WT({hints})"),
            Self::WriteBack(hints) => write!(f, "WB({hints})"),
        }
    }
}

/// RA or nRA, WA or nWA, and TR if transient.
impl Display for Hints {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.read_allocate { "RA," } else { "nRA," })?;
        f.write_str(if self.write_allocate { "WA" } else { "nWA" })?;
        f.write_str(if self.transient { ",TR" } else { "" })
    }
}

impl Display for Shareability {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::NonShareable => "NSH",
            Self::InnerShareable => "ISH",
            Self::OuterShareable => "OSH",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_specification() {
        let check = |memory_type, shareability, expected: &str| {
            assert_eq!(Attributes { memory_type, shareability }.to_string(), expected);
        };
        let streaming = Hints { read_allocate: false, write_allocate: true, transient: true };
        let mixed = MemoryType::Normal {
            inner: Cacheability::WriteThrough(streaming),
            outer: Cacheability::WriteBack(Hints { write_allocate: false, ..Hints::ALLOCATE }),
        };
        check(MemoryType::Device(Device::Gre), Shareability::OuterShareable, "Device-GRE-OSH");
        check(MemoryType::Device(Device::NGre), Shareability::OuterShareable, "Device-nGRE-OSH");
        check(MemoryType::Device(Device::NGnRe), Shareability::OuterShareable, "Device-nGnRE-OSH");
        check(MemoryType::Device(Device::NGnRnE), Shareability::OuterShareable, "Device-nGnRnE-OSH");
        check(MemoryType::NON_CACHEABLE, Shareability::OuterShareable, "Normal-iNC-oNC-OSH");
        check(MemoryType::WRITE_BACK, Shareability::InnerShareable, "Normal-iWB(RA,WA)-oWB(RA,WA)-ISH");
        check(mixed, Shareability::NonShareable, "Normal-iWT(nRA,WA,TR)-oWB(RA,nWA)-NSH");
    }
}
