//! The oracle: other implementations, in any language, ask the model (`docs/oracle.md`).
//!
//! JSON-RPC 2.0, one object or batch array per line. A [`Session`] holds one SMMU and one physical memory, and
//! is a pure function from lines to lines; [`serve_stdio`] and [`Listener`] connect it to the world.
//!
//! # Reading order
//!
//! `rpc` and `params`: what a request is. `method`: the table of methods. `machine`: what a session holds. Then
//! one file per family of methods.

mod access;
mod ahead;
mod answers;
mod ats;
mod broadcast;
mod devices;
mod event_queue;
mod explain;
mod fields;
mod hint;
mod interconnect;
mod machine;
mod memory;
mod method;
mod params;
mod registers;
mod reports;
mod rpc;
mod setup;
mod stale;
mod stalls;
mod state;
#[cfg(test)]
mod tests;
mod transport;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use machine::Machine;
use method::{Method, Reply};
use rpc::{Answer, Error, Problem, Request};

use crate::json;

pub use method::method_names;
pub use transport::{Listener, serve, serve_stdio};

/// A longer line is refused unread, and a batch gets no more answers once they are this long together.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// A batch of more requests is refused as a whole.
const MAX_BATCH: usize = 1 << 16;

/// Most bytes that one request moves to or from memory.
pub const MAX_TRANSFER_BYTES: u64 = 16 << 20;

/// One client's SMMU and memory, from `smmu.new` on. Equal lines in give equal lines out.
#[derive(Debug, Default)]
pub struct Session {
    machine: Option<Machine>,
}

impl Session {
    /// A session without an SMMU.
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer to one line, without its line end. `None` if it is blank or holds notifications only.
    ///
    /// Whatever the line holds, this returns.
    pub fn handle_line(&mut self, line: &str) -> Option<String> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        match json::parse(line.as_bytes()) {
            Err(error) => Some(refuse_line(&error.to_string())),
            Ok(Value::Array(requests)) => self.handle_batch(requests),
            Ok(request) => self.handle_request(request),
        }
    }

    fn handle_batch(&mut self, requests: Vec<Value>) -> Option<String> {
        let refuse = |problem, text| Some(Error::new(problem, text).answer(Value::Null).to_line());
        if requests.is_empty() {
            return refuse(Problem::InvalidRequest, "an empty batch");
        }
        if requests.len() > MAX_BATCH {
            return refuse(Problem::Limit, "a batch of more than 65536 requests");
        }
        let mut answers = String::new();
        for request in requests {
            let answer = if answers.len() < MAX_LINE_BYTES {
                self.handle_request(request)
            } else {
                self.begin();
                let text = "not done: the answers before it in this batch are too long together";
                answer(request, |_| Err(Error::new(Problem::Limit, text)))
            };
            if let Some(answer) = answer {
                answers.push(if answers.is_empty() { '[' } else { ',' });
                answers.push_str(&answer);
            }
        }
        (!answers.is_empty()).then_some(answers + "]")
    }

    /// A request begins; those after `smmu.new` are counted.
    fn begin(&mut self) {
        if let Some(machine) = &mut self.machine {
            machine.begin();
        }
    }

    fn handle_request(&mut self, request: Value) -> Option<String> {
        self.begin();
        answer(request, |request| {
            let (method, params) = Method::find(request)?;
            catch_unwind(AssertUnwindSafe(|| method.call(&mut self.machine, &params))).unwrap_or_else(|_| {
                self.machine = None;
                let text = "the model failed, which is a bug of smmu-sim; the SMMU of this session is gone";
                Err(Error::new(Problem::Internal, text))
            })
        })
    }
}

/// What is said to a line that is not JSON at all.
fn refuse_line(why: &str) -> String {
    Error::new(Problem::Parse, format!("the line is not JSON that can be read: {why}"))
        .answer(Value::Null)
        .to_line()
}

fn answer(request: Value, act: impl FnOnce(Request) -> Result<Reply, Error>) -> Option<String> {
    match Request::from_json(request) {
        Err((id, error)) => Some(error.answer(id).to_line()),
        Ok((id, request)) => {
            let result = act(request);
            id.map(|id| Answer::new(id, result).to_line())
        }
    }
}
