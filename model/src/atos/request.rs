//! What *ATOS_SID and *ATOS_ADDR ask for (§9.1.2, §9.1.3), if it can be asked at all.

use crate::address::{Iova, fits, low_mask};
use crate::choice::answer::AtosIdBeyondSize;
use crate::env::Env;
use crate::features::Features;
use crate::ids::{StreamId, SubstreamId, Vmid};
use crate::layout::atos::{AtosAddr, AtosSid};
use crate::rule::Rule;
use crate::transaction::{Access, Direction, Privilege, Purpose};
use crate::translate::lookup::{Lookup, Stages};

/// The lookup, or INV_REQ, which is judged before any structure is read. `vmid`: that of VATOS_SEL, if VATOS asks.
pub(super) fn decode(
    env: &mut impl Env,
    f: &Features,
    sid: AtosSid,
    addr: AtosAddr,
    vmid: Option<Vmid>,
) -> Result<Lookup, Rule> {
    let stages = stages(addr).ok_or(Rule::AtosTypeReserved)?;
    refuse! {
        vmid.is_some() && stages != Stages::One => AtosTypeOfVatos,
        stages.has_one() && !f.s1p || stages.has_two() && !f.s2p => AtosStageUnimplemented,
        stages == Stages::Two && sid.ssid_valid() => AtosSubstreamAtStage2,
    }
    let stream = StreamId(within(env, sid.stream_id(), f.sid_bits));
    let substream = sid.ssid_valid().then(|| SubstreamId(within(env, sid.substream_id(), f.ssid_bits)));
    let address = Iova::new(addr.addr());
    Ok(Lookup { stream, substream, address, access: access(addr), stages, inhibits: addr.httui(), vmid })
}

/// TYPE.
pub(super) fn stages(addr: AtosAddr) -> Option<Stages> {
    match addr.kind() {
        0b01 => Some(Stages::One),
        0b10 => Some(Stages::Two),
        0b11 => Some(Stages::Both),
        _ => None,
    }
}

fn access(addr: AtosAddr) -> Access {
    let direction = if addr.rnw() { Direction::Read } else { Direction::Write };
    let privilege = if addr.pnu() { Privilege::Privileged } else { Privilege::Unprivileged };
    let purpose = if addr.ind() { Purpose::Instruction } else { Purpose::Data };
    Access::new(direction, privilege, purpose)
}

/// An identifier wider than the SMMU has is used as it is, and then found nowhere, or truncated (§9.1.5).
fn within(env: &mut impl Env, id: u32, bits: u8) -> u32 {
    if fits(u64::from(id), bits)
        || env.ask(&[AtosIdBeyondSize::Report, AtosIdBeyondSize::Truncate]) == AtosIdBeyondSize::Report
    {
        return id;
    }
    let mask = u32::try_from(low_mask(bits)).expect("an identifier has at most 32 bits");
    id & mask
}
