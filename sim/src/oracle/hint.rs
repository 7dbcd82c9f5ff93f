//! `page.hint`: what devices say that they are about to access (§3.12.4.1).

use smmu_model::address::Iova;
use smmu_model::hint::{Anticipated, PageHint};
use smmu_model::ids::StreamId;

use super::access::substream;
use super::machine::Machine;
use super::method;
use super::params::Params;
use super::rpc::Error;

/// The parameters of `page.hint`.
pub(super) const PARAMETERS: &[&str] = &["sid", "ssid", "addr", "pages", "privileged", "unprivileged"];

/// Span has eight bits.
const PAGES_MAX: u64 = 0xff;

/// `page.hint`.
pub(super) fn hint(machine: &mut Machine, params: &Params) -> Result<method::Reply, Error> {
    let pages = params.within("pages", 1..=PAGES_MAX)?;
    let hint = PageHint {
        stream: StreamId(params.required("sid")?),
        substream: params.optional("ssid")?.map(substream).transpose()?,
        address: Iova::new(params.required("addr")?),
        pages: u8::try_from(pages).expect("checked against the maximum"),
        privileged: anticipated(params, "privileged")?,
        unprivileged: anticipated(params, "unprivileged")?,
    };
    let ((), seen) = machine.operate(|smmu, world| smmu.page_hint(world, &hint));
    Ok(method::Reply::Rules(method::Rules::of(&seen.rules)))
}

/// Letters of `RWX`.
fn anticipated(params: &Params, name: &str) -> Result<Anticipated, Error> {
    let accesses = params.word(name, "letters of RWX", |word| {
        let has = |letter| word.contains(letter);
        let is_known = word.chars().all(|letter| "RWX".contains(letter));
        is_known.then(|| Anticipated { read: has('R'), write: has('W'), execute: has('X') })
    })?;
    Ok(accesses.unwrap_or_default())
}
