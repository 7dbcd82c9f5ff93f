//! Commands as the driver writes them (IHI 0070 chapter 4): two words each.

/// One command.
pub(super) type Command = [u64; 2];

/// All of the address space of a device (CMD_ATC_INV Size).
pub(super) const ATC_SIZE_ALL: u8 = 52;

pub(super) const fn prefetch_config(sid: u32) -> Command {
    [0x01 | at(sid, 32), 0]
}

pub(super) const fn cfgi_ste(sid: u32) -> Command {
    [0x03 | at(sid, 32), LEAF]
}

pub(super) const fn cfgi_all() -> Command {
    [0x04, 31]
}

pub(super) const fn cfgi_cd(sid: u32, ssid: u32, leaf: bool) -> Command {
    [0x05 | at(ssid, 12) | at(sid, 32), if leaf { LEAF } else { 0 }]
}

pub(super) const fn tlbi_nh_all(vmid: u32) -> Command {
    [0x10 | at(vmid, 32), 0]
}

pub(super) const fn tlbi_asid(e2h: bool, asid: u32) -> Command {
    [if e2h { 0x21 } else { 0x11 } | at(asid, 48), 0]
}

pub(super) const fn tlbi_el2_all() -> Command {
    [0x20, 0]
}

pub(super) const fn tlbi_s12_vmall(vmid: u32) -> Command {
    [0x28 | at(vmid, 32), 0]
}

pub(super) const fn tlbi_nsnh_all() -> Command {
    [0x30, 0]
}

/// The command by address that belongs to a tag, without an address yet.
pub(super) const fn tlbi_va(e2h: bool, asid: u32) -> Command {
    [if e2h { 0x22 } else { 0x12 } | at(asid, 48), 0]
}

/// As [`tlbi_va`], for stage 2.
pub(super) const fn tlbi_s2_ipa(vmid: u32) -> Command {
    [0x2a | at(vmid, 32), 0]
}

/// The span of an invalidation by address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) address: u64,
    pub(super) leaf: bool,
    /// TG, 0 without range commands.
    pub(super) tg: u64,
    /// TTL.
    pub(super) ttl: u64,
    /// NUM.
    pub(super) num: u64,
    /// SCALE; only its low five bits are written.
    pub(super) scale: u64,
}

/// `command` about `span`.
pub(super) const fn with_span(command: Command, span: Span) -> Command {
    let word0 = command[0] | span.num << 12 | (span.scale & 0x1f) << 20;
    let word1 = span.address & !0xfff | span.tg << 10 | span.ttl << 8 | if span.leaf { LEAF } else { 0 };
    [word0, word1]
}

pub(super) const fn atc_inv(sid: u32, ssid: u32, address: u64, size: u8) -> Command {
    let ssv = if ssid != 0 { 1 << 11 } else { 0 };
    [0x40 | ssv | at(ssid, 12) | at(sid, 32), address & !0xfff | at8(size, 0)]
}

/// CMD_PRI_RESP with response 0: deny.
pub(super) const fn pri_deny(sid: u32, ssid: Option<u32>, group: u32) -> Command {
    let substream = match ssid {
        Some(ssid) => 1 << 11 | at(ssid, 12),
        None => 0,
    };
    [0x41 | substream | at(sid, 32), at(group & 0x1ff, 0)]
}

/// What becomes of a stalled access (CMD_RESUME, bits [13:12]).
#[derive(Clone, Copy, Debug)]
pub(super) enum Resume {
    Retry,
    Abort,
}

pub(super) const fn resume(sid: u32, stag: u32, resume: Resume) -> Command {
    let response: u64 = match resume {
        Resume::Retry => 1,
        Resume::Abort => 2,
    };
    [0x44 | response << 12 | at(sid, 32), at(stag & 0xffff, 0)]
}

/// CMD_SYNC that wakes the processor, or that writes a message of zero to `message`.
pub(super) const fn sync(message: Option<u64>) -> Command {
    const MSI_INNER_SHAREABLE_WRITE_BACK: u64 = 0x3 << 22 | 0xf << 24;
    let (signal, address) = match message {
        Some(address) => (1, address & 0x000f_ffff_ffff_fffc),
        None => (2, 0),
    };
    [0x46 | signal << 12 | MSI_INNER_SHAREABLE_WRITE_BACK, address]
}

/// Whether a command belongs to those that an SMMU with the erratum of Tegra264 may lose: CFGI and TLBI.
pub(super) const fn is_cfgi_or_tlbi(command: Command) -> bool {
    let opcode = command[0] & 0xff;
    0x03 <= opcode && opcode < 0x40
}

const LEAF: u64 = 1;

/// `value` at a position of a word. Constant functions cannot use `From`.
#[expect(clippy::as_conversions, reason = "a widening in a constant function")]
const fn at(value: u32, position: u8) -> u64 {
    (value as u64) << position
}

#[expect(clippy::as_conversions, reason = "a widening in a constant function")]
const fn at8(value: u8, position: u8) -> u64 {
    (value as u64) << position
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that a Linux 7.3 driver wrote (`testdata/transcripts/hardware-snapshots.jsonl`), and words put
    /// together by hand from IHI 0070 chapter 4 for those that it did not write.
    #[test]
    fn commands_have_the_words_of_the_specification() {
        let span = Span { address: 0x4000_0000, leaf: true, tg: 1, ttl: 2, num: 0, scale: 10 };
        for (found, expected) in [
            (cfgi_all(), [0x4, 0x1f]),
            (tlbi_nsnh_all(), [0x30, 0]),
            (cfgi_ste(0x80), [0x80_0000_0003, 1]),
            (cfgi_cd(0x88, 0, true), [0x88_0000_0005, 1]),
            (prefetch_config(0x80), [0x80_0000_0001, 0]),
            (sync(None), [0x0fc0_2046, 0]),
            (sync(Some(0x4140_0010)), [0x0fc0_1046, 0x4140_0010]),
            (tlbi_asid(false, 2), [0x0002_0000_0000_0011, 0]),
            (tlbi_asid(true, 2), [0x0002_0000_0000_0021, 0]),
            (with_span(tlbi_s2_ipa(1), span), [0x0000_0001_00a0_002a, 0x4000_0601]),
            (with_span(tlbi_va(false, 4), Span { scale: 9, ..span }), [0x0004_0000_0090_0012, 0x4000_0601]),
            (tlbi_nh_all(1), [0x1_0000_0010, 0]),
            (tlbi_s12_vmall(1), [0x1_0000_0028, 0]),
            (atc_inv(0x80, 0, 0, ATC_SIZE_ALL), [0x80_0000_0040, 52]),
            (atc_inv(0x80, 3, 0x1000, 1), [0x80_0000_3840, 0x1001]),
            (pri_deny(0x80, Some(3), 5), [0x80_0000_3841, 5]),
            (resume(0x80, 7, Resume::Retry), [0x80_0000_1044, 7]),
            (resume(0x80, 7, Resume::Abort), [0x80_0000_2044, 7]),
        ] {
            assert_eq!(found, expected);
        }
    }
}
