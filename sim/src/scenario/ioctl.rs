//! The ioctls by the names of the headers, `linux/iommufd.h` and `linux/vfio.h`: number, structure, and the words that
//! its fields have for their values.

use smmu_model::naming;

use crate::iommufd::uapi::{
    Field, Layout, Request, vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd,
    vfio_device_detach_iommufd_pt, vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_unmap,
    vfio_iommu_type1_info,
};

/// An ioctl.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ioctl {
    prefix: &'static str,
    stem: &'static str,
    /// The request.
    pub(crate) number: u32,
    /// The fields of its structure; none if the argument is a number.
    pub(crate) fields: &'static [Field],
}

/// What VFIO adds to the requests of iommufd.
const VFIO: [Ioctl; 10] = [
    with_number("GET_API_VERSION", 0x3b64),
    with_number("CHECK_EXTENSION", 0x3b65),
    with_number("SET_IOMMU", 0x3b66),
    with_fields("IOMMU_GET_INFO", 0x3b70, vfio_iommu_type1_info::FIELDS),
    with_fields("IOMMU_MAP_DMA", 0x3b71, vfio_iommu_type1_dma_map::FIELDS),
    with_fields("IOMMU_UNMAP_DMA", 0x3b72, vfio_iommu_type1_dma_unmap::FIELDS),
    with_number("IOMMU_DIRTY_PAGES", 0x3b75),
    with_fields("DEVICE_BIND_IOMMUFD", 0x3b76, vfio_device_bind_iommufd::FIELDS),
    with_fields("DEVICE_ATTACH_IOMMUFD_PT", 0x3b77, vfio_device_attach_iommufd_pt::FIELDS),
    with_fields("DEVICE_DETACH_IOMMUFD_PT", 0x3b78, vfio_device_detach_iommufd_pt::FIELDS),
];

const fn with_fields(stem: &'static str, number: u32, fields: &'static [Field]) -> Ioctl {
    Ioctl { prefix: "VFIO_", stem, number, fields }
}

const fn with_number(stem: &'static str, number: u32) -> Ioctl {
    with_fields(stem, number, &[])
}

impl Ioctl {
    /// All of them, by number within each header.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of_iommufd = |request: &Request| Self {
            prefix: "IOMMU_",
            stem: request.name,
            number: request.number,
            fields: request.fields,
        };
        Request::ALL.iter().map(of_iommufd).chain(VFIO)
    }

    /// The ioctl with this name.
    pub(crate) fn called(name: &str) -> Option<Self> {
        Self::all().find(|ioctl| name.strip_prefix(ioctl.prefix) == Some(ioctl.stem))
    }

    /// The ioctl with this number.
    pub(crate) fn numbered(number: u32) -> Option<Self> {
        Self::all().find(|ioctl| ioctl.number == number)
    }

    /// Its name in the header.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", self.prefix, self.stem)
    }

    /// Whether it is one of an opened VFIO device.
    pub(crate) fn is_of_device(&self) -> bool {
        self.prefix == "VFIO_" && self.stem.starts_with("DEVICE_")
    }

    /// Bytes of its structure.
    pub(crate) fn bytes(&self) -> usize {
        self.fields.last().map_or(0, |field| field.offset + field.bytes)
    }

    /// The field with this name of the header.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field_name(field) == name)
    }

    /// What `$name` of a call stands for: its first output.
    pub(crate) fn main_output(&self) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name.starts_with("out_"))
    }

    /// The words for the values of a field.
    pub(crate) fn words(&self, field: &Field) -> Option<&'static Words> {
        let is_it = |(stem, name, _): &&(&str, &str, Words)| *stem == self.stem && *name == field_name(field);
        WORDS.iter().find(is_it).map(|(.., words)| words)
    }
}

/// The fields of `struct iommu_hw_info_arm_smmuv3`, each ID register by itself.
pub(crate) const HW_INFO: &[Field] = &[
    hw_info("flags", 0),
    hw_info("__reserved", 1),
    hw_info("idr0", 2),
    hw_info("idr1", 3),
    hw_info("idr2", 4),
    hw_info("idr3", 5),
    hw_info("idr4", 6),
    hw_info("idr5", 7),
    hw_info("iidr", 8),
    hw_info("aidr", 9),
];

const fn hw_info(name: &'static str, word: usize) -> Field {
    Field { name, offset: 4 * word, bytes: 4 }
}

/// A field's name in the header, where nothing needs to avoid the keywords of Rust.
pub(crate) fn field_name(field: &Field) -> &'static str {
    field
        .name
        .strip_suffix("type_")
        .map_or(field.name, |prefix| if prefix.is_empty() { "type" } else { field.name })
}

/// The number in a field; of a longer one, its first eight bytes.
pub(crate) fn get(bytes: &[u8], field: &Field) -> u64 {
    let mut word = [0; 8];
    let found = bytes.get(field.offset..).unwrap_or_default();
    let known = found.len().min(field.bytes).min(word.len());
    word[..known].copy_from_slice(&found[..known]);
    u64::from_le_bytes(word)
}

/// Puts a number, cut to its length, into a field.
pub(crate) fn set(bytes: &mut [u8], field: &Field, value: u64) {
    let length = field.bytes.min(8);
    bytes[field.offset..field.offset + length].copy_from_slice(&value.to_le_bytes()[..length]);
}

/// The words for a field's values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Words {
    /// Each is a bit: `FIXED_IOVA|READABLE`.
    Bits(&'static [(&'static str, u64)]),
    /// Each is a value: `ARM_SMMUV3`.
    Values(&'static [(&'static str, u64)]),
}

impl Words {
    fn all(&self) -> &'static [(&'static str, u64)] {
        match *self {
            Self::Bits(all) | Self::Values(all) => all,
        }
    }

    /// The words themselves.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.all().iter().map(|(name, _)| *name).collect()
    }

    /// The value that `text` stands for; else the part of it that is no word.
    pub(crate) fn parse<'t>(&self, text: &'t str) -> Result<u64, &'t str> {
        let value = |word: &'t str| {
            let is_whole_name = word.starts_with("IOMMU_") || word.starts_with("VFIO_");
            let is_it = |(name, _): &&(&str, u64)| {
                naming::same(name, word) || is_whole_name && word.ends_with(&format!("_{name}"))
            };
            self.all().iter().find(is_it).map(|(_, value)| *value).ok_or(word)
        };
        match self {
            Self::Bits(_) => text.split('|').try_fold(0, |bits, word| Ok(bits | value(word.trim())?)),
            Self::Values(_) => value(text),
        }
    }

    /// `value` in words; `None` if some of it has none.
    pub(crate) fn text(&self, value: u64) -> Option<String> {
        match self {
            Self::Values(all) => {
                all.iter().find(|(_, known)| *known == value).map(|(name, _)| (*name).to_owned())
            }
            Self::Bits(all) => {
                let set: Vec<_> = all.iter().filter(|(_, bit)| value & bit != 0).collect();
                let covered = set.iter().fold(0, |bits, (_, bit)| bits | bit);
                let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
                (covered == value && value != 0).then(|| names.join("|"))
            }
        }
    }
}

/// `enum iommufd_page_response_code`.
pub(crate) const RESPONSE_CODES: Words = Words::Values(&[("SUCCESS", 0), ("INVALID", 1)]);

const MAP_FLAGS: Words = Words::Bits(&[("FIXED_IOVA", 1), ("WRITEABLE", 2), ("READABLE", 4)]);
const PASID_FLAG: Words = Words::Bits(&[("PASID", 1)]);
const DATA_TYPES: Words = Words::Values(&[("NONE", 0), ("VTD_S1", 1), ("ARM_SMMUV3", 2), ("AMD_GUEST", 3)]);
const VIOMMU_TYPES: Words = Words::Values(&[("DEFAULT", 0), ("ARM_SMMUV3", 1), ("TEGRA241_CMDQV", 2)]);

/// By the name of the ioctl without its prefix, and by the field.
const WORDS: &[(&str, &str, Words)] = &[
    ("IOAS_MAP", "flags", MAP_FLAGS),
    ("IOAS_MAP_FILE", "flags", MAP_FLAGS),
    ("IOAS_COPY", "flags", MAP_FLAGS),
    ("OPTION", "option_id", Words::Values(&[("RLIMIT_MODE", 0), ("HUGE_PAGES", 1)])),
    ("OPTION", "op", Words::Values(&[("SET", 0), ("GET", 1)])),
    ("VFIO_IOAS", "op", Words::Values(&[("GET", 0), ("SET", 1), ("CLEAR", 2)])),
    (
        "HWPT_ALLOC",
        "flags",
        Words::Bits(&[("NEST_PARENT", 1), ("DIRTY_TRACKING", 2), ("FAULT_ID_VALID", 4), ("PASID", 8)]),
    ),
    ("HWPT_ALLOC", "data_type", DATA_TYPES),
    ("GET_HW_INFO", "flags", Words::Bits(&[("INPUT_TYPE", 1)])),
    (
        "GET_HW_INFO",
        "data_type",
        Words::Values(&[("NONE", 0), ("INTEL_VTD", 1), ("ARM_SMMUV3", 2), ("TEGRA241_CMDQV", 3), ("AMD", 4)]),
    ),
    (
        "GET_HW_INFO",
        "out_capabilities",
        Words::Bits(&[
            ("DIRTY_TRACKING", 1),
            ("PCI_PASID_EXEC", 2),
            ("PCI_PASID_PRIV", 4),
            ("PCI_ATS_NOT_SUPPORTED", 8),
        ]),
    ),
    ("HWPT_SET_DIRTY_TRACKING", "flags", Words::Bits(&[("ENABLE", 1)])),
    ("HWPT_GET_DIRTY_BITMAP", "flags", Words::Bits(&[("NO_CLEAR", 1)])),
    ("HWPT_INVALIDATE", "data_type", Words::Values(&[("VTD_S1", 0), ("ARM_SMMUV3", 1)])),
    ("VIOMMU_ALLOC", "type", VIOMMU_TYPES),
    ("VEVENTQ_ALLOC", "type", VIOMMU_TYPES),
    ("HW_QUEUE_ALLOC", "type", Words::Values(&[("DEFAULT", 0), ("TEGRA241_CMDQV", 1)])),
    ("IOMMU_MAP_DMA", "flags", Words::Bits(&[("READ", 1), ("WRITE", 2)])),
    ("IOMMU_UNMAP_DMA", "flags", Words::Bits(&[("GET_DIRTY_BITMAP", 1), ("ALL", 2)])),
    ("DEVICE_BIND_IOMMUFD", "flags", Words::Bits(&[("TOKEN", 1)])),
    ("DEVICE_ATTACH_IOMMUFD_PT", "flags", PASID_FLAG),
    ("DEVICE_DETACH_IOMMUFD_PT", "flags", PASID_FLAG),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_headers() {
        let number = |name| Ioctl::called(name).map(|ioctl| ioctl.number);
        assert_eq!(number("IOMMU_IOAS_MAP"), Some(0x3b85));
        assert_eq!(number("IOMMU_VFIO_IOAS"), Some(0x3b88));
        assert_eq!(number("VFIO_IOMMU_MAP_DMA"), Some(0x3b71));
        assert_eq!(number("VFIO_DEVICE_BIND_IOMMUFD"), Some(0x3b76));
        assert_eq!((number("IOAS_MAP"), number("IOMMU_BIND_IOMMUFD")), (None, None));
        assert_eq!(
            Ioctl::numbered(0x3b94).map(|ioctl| ioctl.name()).as_deref(),
            Some("IOMMU_HW_QUEUE_ALLOC")
        );
        let viommu = Ioctl::called("IOMMU_VIOMMU_ALLOC").expect("it is known");
        assert_eq!(viommu.field("type").map(|field| field.offset), Some(8));
        assert_eq!((viommu.bytes(), viommu.main_output().map(field_name)), (40, Some("out_viommu_id")));
    }

    #[test]
    fn every_word_is_of_a_field() {
        for (stem, field, words) in WORDS {
            let owner = Ioctl::all().find(|ioctl| ioctl.stem == *stem);
            let found = owner.and_then(|owner| owner.field(field));
            assert!(found.is_some(), "{stem} has no {field}");
            for name in words.names() {
                let value = words.parse(name).expect("it is a word");
                let is_zero_bit = matches!(words, Words::Bits(_)) && value == 0;
                assert!(!is_zero_bit && words.text(value).as_deref() == Some(name), "{stem}.{field} {name}");
            }
        }
    }

    #[test]
    fn words_may_have_the_whole_name_of_the_header() {
        assert_eq!(MAP_FLAGS.parse("fixed_iova | IOMMU_IOAS_MAP_READABLE"), Ok(5));
        assert_eq!(MAP_FLAGS.parse("READABLE|FIXD"), Err("FIXD"));
        assert_eq!(DATA_TYPES.parse("IOMMU_HWPT_DATA_ARM_SMMUV3"), Ok(2));
        assert_eq!((MAP_FLAGS.text(6).as_deref(), MAP_FLAGS.text(12)), (Some("WRITEABLE|READABLE"), None));
    }
}
