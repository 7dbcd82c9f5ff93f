//! What software and devices saw, on one line each: for lists of outcomes. Nobody sees the rule that ended an access.

use super::{ats, words};
use crate::scenario::{End, Observation};

/// One observation as a line.
pub fn observation(observation: &Observation) -> String {
    match observation {
        Observation::Access { device, answer } => {
            let place = match (answer.end, answer.translation) {
                (End::Ok | End::ExternalAbort, Some(translation)) => {
                    format!(" {}, {}", translation.pa, translation.attributes)
                }
                _ => String::new(),
            };
            let data = if answer.data.is_empty() {
                String::new()
            } else {
                format!(": {}", words::little_endian(&answer.data))
            };
            format!("{device} {}{place}{data}", answer.end.name())
        }
        Observation::Translation { device, completion } => {
            format!("{device} gets {}", ats::completion_text(completion))
        }
        Observation::PageRequest(record) => format!("page request {}", ats::record_text(*record)),
        Observation::Response(response) => ats::response_text(response),
        Observation::Record(record) => {
            let (name, table) = words::record(*record);
            words::named(&name, &words::fields(table, &record.0))
        }
        Observation::Interrupt(source, None) => format!("interrupt {} by wire", source.name()),
        Observation::Interrupt(source, Some((address, data))) => {
            format!("interrupt {} by message: {data:#x} to {address}", source.name())
        }
        Observation::CommandError(queue, error) => {
            format!("{}{}", error.name(), words::of_queue(*queue))
        }
        Observation::Value(Some(value)) => format!("software reads {value:#x}"),
        Observation::Value(None) => "software reads, aborted".to_owned(),
    }
}
