//! Parameters by name: each refusal names the parameter and says what it should be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use smmu_model::naming;

use super::rpc::{Error, brief};
use crate::hex;

/// The parameters of one request. None of them is unknown to its method.
#[derive(Debug)]
pub(super) struct Params(Map<String, Value>);

impl Params {
    /// Refuses a parameter that is not among `known`. A `null` counts as absent.
    pub(super) fn new(params: Value, method: &str, known: &[&str]) -> Result<Self, Error> {
        let Value::Object(mut params) = params else {
            return Err(Error::parameter("params", "must be an object, as all parameters have names"));
        };
        params.retain(|_, value| !value.is_null());
        let Some(unknown) = params.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(Self(params));
        };
        let nearest = naming::nearest(&brief(unknown), known.iter().map(|name| (*name, *name)));
        let hint = nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let parameters = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Error::parameter(unknown, format!("no parameter of `{method}`, which has {parameters}{hint}")))
    }

    /// The names of those that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The parameter `name`, if it is there.
    pub(super) fn optional<T: Parameter>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let unfit = || match T::unfit_member(value) {
            None => Error::parameter(name, format!("must be {}, not {}", T::WHAT, describe(value))),
            Some((member, what, value)) => {
                Error::member(name, member, format!("must be {what}, not {}", describe(value)))
            }
        };
        T::from_json(value).ok_or_else(unfit).map(Some)
    }

    /// The parameter `name`, which must be there.
    pub(super) fn required<T: Parameter>(&self, name: &str) -> Result<T, Error> {
        self.optional(name)?.ok_or_else(|| Error::parameter(name, format!("is missing; it is {}", T::WHAT)))
    }

    /// The number `name`, which must be in `range`.
    pub(super) fn within(&self, name: &str, range: RangeInclusive<u64>) -> Result<u64, Error> {
        let value = self.required(name)?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(Error::parameter(name, format!("must be from {} to {}, not {value}", range.start(), range.end())))
    }

    /// What `named` makes of the word `name`, if it is there.
    pub(super) fn word<T>(
        &self,
        name: &str,
        expected: &str,
        named: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(word) = self.optional::<String>(name)? else {
            return Ok(None);
        };
        let unknown = || Error::parameter(name, format!("must be {expected}, not \"{}\"", brief(&word)));
        named(&word).ok_or_else(unknown).map(Some)
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => brief(&value.to_string()),
    }
}

/// A type that a parameter can have.
pub(super) trait Parameter: Sized {
    /// What a person should write, after "must be".
    const WHAT: &'static str;

    /// The value, if `value` stands for one.
    fn from_json(value: &Value) -> Option<Self>;

    /// The member that makes `value` stand for none, with what it should be.
    fn unfit_member(_value: &Value) -> Option<(&str, &'static str, &Value)> {
        None
    }
}

impl Parameter for u64 {
    const WHAT: &'static str = "an integer of 64 bits, plain or as \"0x…\"";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_u64().or_else(|| hex::number(value.as_str()?))
    }
}

impl Parameter for u32 {
    const WHAT: &'static str = "an integer of 32 bits, plain or as \"0x…\"";

    fn from_json(value: &Value) -> Option<Self> {
        u64::from_json(value).and_then(|value| value.try_into().ok())
    }
}

impl Parameter for bool {
    const WHAT: &'static str = "true or false";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Parameter for String {
    const WHAT: &'static str = "a string";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Parameter for hex::Bytes {
    const WHAT: &'static str = "bytes as pairs of hex digits, lowest address first";

    fn from_json(value: &Value) -> Option<Self> {
        hex::bytes(value.as_str()?).map(Self)
    }
}

impl Parameter for BTreeMap<String, u64> {
    const WHAT: &'static str = "an object of names and integers, plain or as \"0x…\"";

    fn from_json(value: &Value) -> Option<Self> {
        value.as_object()?.iter().map(|(key, value)| Some((key.clone(), u64::from_json(value)?))).collect()
    }

    fn unfit_member(value: &Value) -> Option<(&str, &'static str, &Value)> {
        unfit_member::<u64>(value)
    }
}

impl Parameter for BTreeMap<String, String> {
    const WHAT: &'static str = "an object of names and strings";

    fn from_json(value: &Value) -> Option<Self> {
        value
            .as_object()?
            .iter()
            .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    fn unfit_member(value: &Value) -> Option<(&str, &'static str, &Value)> {
        unfit_member::<String>(value)
    }
}

fn unfit_member<T: Parameter>(value: &Value) -> Option<(&str, &'static str, &Value)> {
    let (name, value) = value.as_object()?.iter().find(|(_, value)| T::from_json(value).is_none())?;
    Some((name, T::WHAT, value))
}

/// The last of `length_bytes` from `first`, or `first` if there are none; `None` beyond the end of the space.
pub(super) fn last_address(first: u64, length_bytes: u64) -> Option<u64> {
    first.checked_add(length_bytes.saturating_sub(1))
}

/// The range that begins at `addr` does not fit, because of the parameter `name`.
pub(super) fn beyond_end(name: &str) -> Error {
    Error::parameter(name, "reaches beyond the end of the address space")
}
