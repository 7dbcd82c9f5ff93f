//! JSON-RPC 2.0: what a request and an answer look like.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::method::Reply;

/// The members that a request may have.
const MEMBERS: [&str; 4] = ["jsonrpc", "id", "method", "params"];

/// A well-formed request.
#[derive(Debug)]
pub(super) struct Request {
    /// The method as the client names it.
    pub(super) method: String,
    /// An object or an array.
    pub(super) params: Value,
}

impl Request {
    /// The request with its id, which a notification does not have. On failure, the id to answer to.
    pub(super) fn from_json(value: Value) -> Result<(Option<Value>, Self), (Value, Error)> {
        let refuse = |id, text: &str| Err((id, Error::new(Problem::InvalidRequest, text)));
        let Value::Object(mut members) = value else {
            return refuse(Value::Null, "a request must be an object");
        };
        let id = members.remove("id");
        let named = match &id {
            Some(Value::Number(number)) if number.is_f64() => None,
            Some(Value::Null | Value::String(_) | Value::Number(_)) => id.clone(),
            None => Some(Value::Null),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        let Some(named) = named else {
            return refuse(Value::Null, "id: must be a string, an integer below 2^64 or null");
        };
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return refuse(named, "jsonrpc: must be \"2.0\"");
        }
        if let Some(unknown) = members.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
            let text =
                format!("{}: a request has no such member, only {}", brief(unknown), MEMBERS.join(", "));
            return refuse(named, &text);
        }
        let Some(Value::String(method)) = members.remove("method") else {
            return refuse(named, "method: must be a string");
        };
        match members.remove("params") {
            None | Some(Value::Null) => Ok((id, Self { method, params: Value::Object(Map::new()) })),
            Some(params @ (Value::Object(_) | Value::Array(_))) => Ok((id, Self { method, params })),
            Some(_) => refuse(named, "params: must be an object"),
        }
    }
}

/// The first characters of what a client wrote, for a message.
pub(super) fn brief(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Why a request is refused; each has a number in the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Problem {
    /// The line is not JSON.
    Parse,
    /// Not a request of JSON-RPC 2.0.
    InvalidRequest,
    /// No such method.
    UnknownMethod,
    /// A parameter is missing, unknown or out of range.
    InvalidParams,
    /// A bug of ours.
    Internal,
    /// The session has no SMMU yet.
    NoSmmu,
    /// The interconnect answered a register access with an abort (§6.2).
    RegisterAborted,
    /// The answer, or the session, would grow beyond what the server holds.
    Limit,
}

impl Problem {
    /// The number in the protocol.
    const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::UnknownMethod => -32601,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::NoSmmu => -32000,
            Self::RegisterAborted => -32001,
            Self::Limit => -32003,
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.code())
    }
}

/// A refusal, for a program and for a person.
#[derive(PartialEq, Eq, Serialize, Debug)]
pub(super) struct Error {
    code: Problem,
    message: String,
}

impl Error {
    pub(super) fn new(code: Problem, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The parameter `name` is refused.
    pub(super) fn parameter(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(Problem::InvalidParams, format!("{}: {problem}", brief(name)))
    }

    /// The member `member` of the parameter `name` is refused.
    pub(super) fn member(name: &str, member: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(Problem::InvalidParams, format!("{name}.{}: {problem}", brief(member)))
    }

    pub(super) fn answer(self, id: Value) -> Answer {
        Answer::new(id, Err(self))
    }
}

/// One answer.
#[derive(Serialize, Debug)]
pub(super) struct Answer {
    jsonrpc: &'static str,
    id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Reply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

impl Answer {
    pub(super) fn new(id: Value, result: Result<Reply, Error>) -> Self {
        let (result, error) = match result {
            Ok(reply) => (Some(reply), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: "2.0", id, result, error }
    }

    pub(super) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and maps with string keys")
    }
}
