//! What following a prefetch does (§4.2): the structures are read and the walks are made as for a speculative read, and
//! nobody hears how it ended.

use super::memo::Memo;
use super::{Seen, locate_cd, read_structure, translate};
use crate::address::Iova;
use crate::attributes::Attributes;
use crate::config::Globals;
use crate::config::ste;
use crate::config::substream::{self, Selected};
use crate::env::Env;
use crate::ids::{StreamId, SubstreamId};
use crate::layout::ste::Ste;
use crate::outcome::Stop;
use crate::rule::Rule;
use crate::trace::Structure;
use crate::transaction::{Access, AddressType, Direction, Transaction};

/// The configuration of a stream: stage 2 marks the page of its CD accessed (§4.2.1).
#[cold]
pub(crate) fn configuration<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    substream: Option<SubstreamId>,
) {
    let _silent = configured(env, g, stream, substream);
}

fn configured<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    substream: Option<SubstreamId>,
) -> Result<(), Stop> {
    let at = g.stream_table().locate(env, g.features, stream)?;
    let Ok(words) = read_structure(env, Structure::Ste, at) else {
        return Err(Stop::at_structure(Rule::SteFetchAborted, at));
    };
    let stream = ste::parse(env, g, &Ste(words)).map_err(Stop::configuration)?;
    let selected = substream::select(env, g.features, stream.stage1.as_ref(), substream);
    if let Selected::Cd(index) = selected.map_err(Stop::configuration)? {
        let at = locate_cd(env, g.features, &stream, index)?;
        let _unused = read_structure(env, Structure::Cd, at);
    }
    Ok(())
}

/// The translation of an address, as for a read: Access flags are set, and no page of the client's is made dirty
/// (§3.13.4, §3.14).
#[cold]
pub(crate) fn address<E: Env>(
    env: &mut E,
    g: &Globals<'_>,
    stream: StreamId,
    substream: Option<SubstreamId>,
    address: Iova,
) {
    let tx = Transaction {
        stream,
        substream,
        address,
        access: Access::data(Direction::Read),
        address_type: AddressType::Untranslated,
        attributes: Attributes::INCOMING_DEFAULT,
    };
    let _silent = translate(env, g, &mut Memo::default(), &tx, &mut Seen::nothing(&tx));
}
