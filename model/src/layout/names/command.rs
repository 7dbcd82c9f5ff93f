//! Fields of the commands, 16 bytes each (§4.2–§4.7).

use super::{Field, address, number};
use crate::layout::command::Opcode;

/// The fields of the commands with this opcode, without the opcode itself, bits `[7:0]` of word 0. So a caller
/// of [`reserved`](super::reserved) leaves out those.
pub const fn command(opcode: Opcode) -> &'static [Field] {
    match opcode {
        Opcode::PrefetchConfig => &[SSEC, SSV, SUBSTREAM_ID, STREAM_ID],
        Opcode::PrefetchAddr => PREFETCH_ADDR,
        Opcode::CfgiSte => &[SSEC, STREAM_ID, LEAF],
        Opcode::CfgiSteRange => &[SSEC, STREAM_ID, RANGE],
        Opcode::CfgiCd => &[SSEC, SUBSTREAM_ID, STREAM_ID, LEAF],
        Opcode::CfgiCdAll | Opcode::StallTerm => &[SSEC, STREAM_ID],
        Opcode::CfgiVmsPidm => &[SSEC, VMID],
        Opcode::TlbiEl3All
        | Opcode::TlbiEl2All
        | Opcode::TlbiNsnhAll
        | Opcode::TlbiSEl2All
        | Opcode::TlbiSnhAll
        | Opcode::DptiAll => &[],
        Opcode::TlbiNhAll | Opcode::TlbiS12Vmall | Opcode::TlbiSS12Vmall => &[VMID],
        Opcode::TlbiEl2Asid | Opcode::TlbiSEl2Asid => &[ASID],
        Opcode::TlbiNhAsid => &[VMID, ASID],
        Opcode::TlbiEl3Va | Opcode::TlbiEl2Vaa | Opcode::TlbiSEl2Vaa => by_address!([] [] VA),
        Opcode::TlbiNhVaa => by_address!([VMID] [] VA),
        Opcode::TlbiEl2Va | Opcode::TlbiSEl2Va => by_address!([ASID] [] VA),
        Opcode::TlbiNhVa => by_address!([VMID, ASID] [] VA),
        Opcode::TlbiS2Ipa => by_address!([VMID] [] IPA),
        Opcode::TlbiSS2Ipa => by_address!([VMID] [NS] IPA),
        Opcode::AtcInv => ATC_INV,
        Opcode::PriResp => PRI_RESP,
        Opcode::Resume => RESUME,
        Opcode::Sync => SYNC,
        Opcode::DptiPa => &[LEAF, DPTI_SIZE, IPA],
    }
}

const SSEC: Field = number("SSec", 0, 10, 10);
const SSV: Field = number("SSV", 0, 11, 11);
const SUBSTREAM_ID: Field = number("SubstreamID", 0, 31, 12);
const STREAM_ID: Field = number("StreamID", 0, 63, 32);
const VMID: Field = number("VMID", 0, 47, 32);
const ASID: Field = number("ASID", 0, 63, 48);
const NUM: Field = number("NUM", 0, 16, 12);
const SCALE: Field = number("SCALE", 0, 25, 20);
const LEAF: Field = number("Leaf", 1, 0, 0);
const RANGE: Field = number("Range", 1, 4, 0);
/// Of TLBI_S_S2_IPA; PREFETCH_ADDR has another.
const NS: Field = number("NS", 1, 1, 1);
const TTL128: Field = number("TTL128", 1, 7, 7);
const TTL: Field = number("TTL", 1, 9, 8);
const TG: Field = number("TG", 1, 11, 10);
const DPTI_SIZE: Field = number("SIZE", 1, 11, 8);
const VA: Field = address("Address", 1, 63, 12);
/// Of an IPA or PA (§4.1.6).
const IPA: Field = address("Address", 1, 55, 12);

/// The TLBI commands with an address and a range: [tags] [further fields of word 1] the address (§4.4).
macro_rules! by_address {
    ([$($tag:expr),*] [$($other:expr),*] $address:ident) => {
        &[
            NUM,
            SCALE,
            $($tag,)*
            LEAF,
            $($other,)*
            TTL128,
            TTL,
            TG,
            $address,
        ]
    };
}
use by_address;

/// §4.2.2.
const PREFETCH_ADDR: &[Field] = &[
    SSEC,
    SSV,
    SUBSTREAM_ID,
    STREAM_ID,
    number("Size", 1, 4, 0),
    number("Stride", 1, 9, 5),
    number("NS", 1, 11, 11),
    VA,
];

/// §4.5.1.
const ATC_INV: &[Field] = &[number("G", 0, 9, 9), SSV, SUBSTREAM_ID, STREAM_ID, number("Size", 1, 5, 0), VA];

/// §4.5.2.
const PRI_RESP: &[Field] =
    &[SSV, SUBSTREAM_ID, STREAM_ID, number("PRGIndex", 1, 8, 0), number("Resp", 1, 13, 12)];

/// §4.7.1.
const RESUME: &[Field] =
    &[SSEC, number("Ac", 0, 12, 12), number("Ab", 0, 13, 13), STREAM_ID, number("STAG", 1, 15, 0)];

/// §4.7.3.
const SYNC: &[Field] = &[
    number("CS", 0, 13, 12),
    number("MSH", 0, 23, 22),
    number("MSIAttr", 0, 27, 24),
    number("MSIData", 0, 63, 32),
    address("MSIAddress", 1, 55, 2),
    number("MSI_NS", 1, 63, 63),
];
