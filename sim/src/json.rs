//! JSON as every reader here takes it: no object has a member twice. Which of the two counts would be anybody's guess.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// The value that `text` stands for.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Unambiguous>(text)?;
    serde_json::from_slice(text)
}

/// Any JSON whose objects have each member once.
#[derive(Debug)]
pub(crate) struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Unambiguous;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
        while items.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unambiguous, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                let shown: String = name.chars().take(40).collect();
                return Err(A::Error::custom(format_args!("the member `{shown}` comes twice")));
            }
            names.insert(name);
            members.next_value::<Unambiguous>()?;
        }
        Ok(Unambiguous)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_member_that_comes_twice_is_named_with_its_place() {
        for (text, says) in [
            (r#"{"a":1,"a":1}"#, Some("the member `a` comes twice at line 1 column 10")),
            (r#"[{"b":{"x":null,"y":[],"\u0078":2}}]"#, Some("the member `x` comes twice")),
            (r#"{"a":{"a":1.5},"b":{"a":-1}}"#, None),
            (r#"[1,"a","a",true]"#, None),
            ("{", Some("EOF")),
        ] {
            let error = parse::<Value>(text.as_bytes()).err().map(|error| error.to_string());
            let is_it = error
                .as_deref()
                .zip(says)
                .map_or(error.is_none() && says.is_none(), |(error, says)| error.starts_with(says));
            assert!(is_it, "{text}: {error:?}");
        }
    }
}
