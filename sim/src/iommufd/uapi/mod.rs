//! The structures and requests of the user interface: `linux/iommufd.h` and `linux/vfio.h`, little-endian.
//!
//! Structures are those of `iommufd-bindings`; what that crate lacks stands in [`structs`]. As our code has no
//! `unsafe`, bytes become fields one by one, at the offsets that the compiler has for the structure.

pub mod request;
pub mod structs;

pub use request::{Op, Request};
pub use structs::*;

/// A field of a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in the header.
    pub name: &'static str,
    /// Its first byte.
    pub offset: usize,
    /// How many bytes it has.
    pub bytes: usize,
}

/// A structure of the user interface.
pub trait Layout: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// All fields, in order.
    const FIELDS: &'static [Field];

    /// The structure of these bytes. Bytes that are missing at the end read as zero.
    fn decode(bytes: &[u8]) -> Self;

    /// Its bytes.
    fn encode(&self) -> Vec<u8>;
}

/// What a field can hold.
pub(super) trait Value: Copy + Default {
    /// The value at `offset`; zero where `bytes` has ended.
    fn load(bytes: &[u8], offset: usize) -> Self;

    /// Puts the value at `offset`.
    fn store(self, bytes: &mut [u8], offset: usize);
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Value for $integer {
            fn load(bytes: &[u8], offset: usize) -> Self {
                let mut value = [0; size_of::<Self>()];
                let found = bytes.get(offset..).unwrap_or_default();
                let known = found.len().min(value.len());
                value[..known].copy_from_slice(&found[..known]);
                Self::from_le_bytes(value)
            }

            fn store(self, bytes: &mut [u8], offset: usize) {
                bytes[offset..offset + size_of::<Self>()].copy_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, i32);

impl<V: Value, const N: usize> Value for [V; N]
where
    [V; N]: Default,
{
    fn load(bytes: &[u8], offset: usize) -> Self {
        std::array::from_fn(|index| V::load(bytes, offset + index * size_of::<V>()))
    }

    fn store(self, bytes: &mut [u8], offset: usize) {
        for (index, value) in self.into_iter().enumerate() {
            value.store(bytes, offset + index * size_of::<V>());
        }
    }
}

/// Implements [`Layout`] for a `repr(C)` structure, of which it must list all fields.
macro_rules! layout {
    ($($type:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        impl Layout for $type {
            const NAME: &'static str = stringify!($type);
            const FIELDS: &'static [Field] = &[$(Field {
                name: stringify!($field),
                offset: std::mem::offset_of!($type, $field),
                bytes: size_of::<$kind>(),
            }),*];

            fn decode(bytes: &[u8]) -> Self {
                Self { $($field: Value::load(bytes, std::mem::offset_of!($type, $field)),)* }
            }

            fn encode(&self) -> Vec<u8> {
                let mut bytes = vec![0; size_of::<Self>()];
                $(Value::store(self.$field, &mut bytes, std::mem::offset_of!($type, $field));)*
                bytes
            }
        }
    )*};
}

use layout;
