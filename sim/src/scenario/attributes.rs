//! Memory attributes as people write them, which is as the model shows them: `Normal-iWB(RA,WA)-oNC-ISH`.

use smmu_model::attributes::{Attributes, Cacheability, Device, Hints, MemoryType, Shareability};

use super::problem::Problem;
use super::span::Spanned;

/// The attributes that `text` stands for. Hints may be left out: `WB` is `WB(RA,WA)`.
pub(super) fn parse(text: &Spanned<String>) -> Result<Attributes, Problem> {
    attributes(&text.value).ok_or_else(|| {
        Problem::new(text.span, "these are no memory attributes").with_help(
            "for example Normal-iWB(RA,WA)-oWB(RA,WA)-ISH, Normal-iNC-oNC-OSH or Device-nGnRE-OSH; \
             hints are RA or nRA, WA or nWA, and TR",
        )
    })
}

fn attributes(text: &str) -> Option<Attributes> {
    let (memory_type, shareability) = text.rsplit_once('-')?;
    let shareability = match shareability {
        "NSH" => Shareability::NonShareable,
        "ISH" => Shareability::InnerShareable,
        "OSH" => Shareability::OuterShareable,
        _ => return None,
    };
    let memory_type = match memory_type.split_once('-')? {
        ("Device", device) => MemoryType::Device(match device {
            "GRE" => Device::Gre,
            "nGRE" => Device::NGre,
            "nGnRE" => Device::NGnRe,
            "nGnRnE" => Device::NGnRnE,
            _ => return None,
        }),
        ("Normal", levels) => {
            let (inner, outer) = levels.split_once('-')?;
            MemoryType::Normal {
                inner: cacheability(inner.strip_prefix('i')?)?,
                outer: cacheability(outer.strip_prefix('o')?)?,
            }
        }
        _ => return None,
    };
    Some(Attributes { memory_type, shareability })
}

fn cacheability(text: &str) -> Option<Cacheability> {
    if text == "NC" {
        return Some(Cacheability::NonCacheable);
    }
    let (kind, hints) = match text.split_once('(') {
        None => (text, Hints::ALLOCATE),
        Some((kind, hints)) => (kind, parse_hints(hints.strip_suffix(')')?)?),
    };
    match kind {
        "WT" => Some(Cacheability::WriteThrough(hints)),
        "WB" => Some(Cacheability::WriteBack(hints)),
        _ => None,
    }
}

fn parse_hints(text: &str) -> Option<Hints> {
    let mut hints = Hints { read_allocate: false, write_allocate: false, transient: false };
    for hint in text.split(',') {
        match hint {
            "RA" => hints.read_allocate = true,
            "WA" => hints.write_allocate = true,
            "TR" => hints.transient = true,
            "nRA" | "nWA" => {}
            _ => return None,
        }
    }
    Some(hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_shows_is_read_back() {
        for text in [
            "Device-GRE-OSH",
            "Device-nGnRnE-NSH",
            "Normal-iNC-oNC-OSH",
            "Normal-iWB(RA,WA)-oWT(nRA,WA,TR)-ISH",
            "Normal-iNC-oWB(nRA,nWA)-NSH",
        ] {
            assert_eq!(attributes(text).expect(text).to_string(), text);
        }
        assert_eq!(attributes("Normal-iWB-oNC-ISH"), attributes("Normal-iWB(RA,WA)-oNC-ISH"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "-",
            "Normal",
            "Normal-ISH",
            "Device-XYZ-OSH",
            "Normal-iWB(-oNC-ISH",
            "Normal-iWB(QA)-oNC-ISH",
        ] {
            assert_eq!(attributes(text), None, "{text}");
        }
    }
}
