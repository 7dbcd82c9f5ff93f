//! The doors of the interconnect: physical memory, and messages to devices. An external abort is a normal
//! answer, not an error of ours.

use crate::address::Pa;
use crate::ats::{InvalidateRequest, Invalidated, PrgResponse};
use crate::ids::StreamId;

/// The interconnect answered an access with an abort.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExternalAbort;

/// What a system says of a device whose transactions may be stalled, an IMPLEMENTATION DEFINED property (§3.12).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StallSafety {
    /// Nothing.
    #[default]
    Unknown,
    /// Its transactions can be stalled: the SMMU stalls them where software asks for it.
    Safe,
    /// They must not be: a function of PCIe, for example (§3.12.1, §16.4).
    Unsafe,
}

/// Physical memory as the SMMU, or a device behind it, sees it. All values are little-endian.
///
/// An access is naturally aligned unless it goes through [`Bus::read`] or [`Bus::write`].
pub trait Bus {
    /// Fills `bytes` from memory at `pa`. On an abort the contents of `bytes` are unspecified.
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort>;

    /// Stores `bytes` at `pa`. On an abort nothing is stored.
    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort>;

    /// One naturally aligned 64-bit read, single-copy atomic.
    #[inline]
    fn read_u64(&mut self, pa: Pa) -> Result<u64, ExternalAbort> {
        let mut bytes = [0; 8];
        self.read(pa, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A 16-byte command at a 16-byte aligned address.
    #[inline]
    fn read_pair(&mut self, pa: Pa) -> Result<[u64; 2], ExternalAbort> {
        let mut bytes = [0; 16];
        self.read(pa, &mut bytes)?;
        Ok(words(&bytes))
    }

    /// A 64-byte structure at a 64-byte aligned address: an STE or a CD.
    #[inline]
    fn read_line(&mut self, pa: Pa) -> Result<[u64; 8], ExternalAbort> {
        let mut bytes = [0; 64];
        self.read(pa, &mut bytes)?;
        Ok(words(&bytes))
    }

    /// Atomically replaces the 64-bit value at `pa` by `new` if it equals `expected`; returns what was
    /// there before (§3.13: hardware update of translation tables).
    fn compare_exchange_u64(&mut self, pa: Pa, expected: u64, new: u64) -> Result<u64, ExternalAbort> {
        let found = self.read_u64(pa)?;
        if found == expected {
            self.write(pa, &new.to_le_bytes())?;
        }
        Ok(found)
    }

    /// Sends an ATS Invalidate Request to a device, and waits for what comes of it. Without devices nothing
    /// holds translations.
    fn invalidate(&mut self, request: &InvalidateRequest) -> Invalidated {
        let _ = request;
        Invalidated::Completed
    }

    /// What the system says of stalling the transactions of a stream (§3.12). Without devices it says nothing.
    fn stall_safety(&mut self, stream: StreamId) -> StallSafety {
        let _ = stream;
        StallSafety::Unknown
    }

    /// Sends a PRG Response to a device.
    fn respond(&mut self, response: &PrgResponse) {
        let _ = response;
    }
}

/// A bus that reads through to another and keeps writes away from it: for explaining without effect.
///
/// What is written is forgotten, so a later read sees the old contents.
#[derive(Debug)]
pub struct ReadOnly<'a, B>(pub &'a mut B);

impl<B: Bus> Bus for ReadOnly<'_, B> {
    fn read(&mut self, pa: Pa, bytes: &mut [u8]) -> Result<(), ExternalAbort> {
        self.0.read(pa, bytes)
    }

    fn write(&mut self, pa: Pa, bytes: &[u8]) -> Result<(), ExternalAbort> {
        let mut present = [0; 64];
        for (index, chunk) in (0..).zip(bytes.chunks(64)) {
            let at = pa.checked_add(index * 64).ok_or(ExternalAbort)?;
            self.0.read(at, &mut present[..chunk.len()])?;
        }
        Ok(())
    }

    fn stall_safety(&mut self, stream: StreamId) -> StallSafety {
        self.0.stall_safety(stream)
    }
}

/// The little-endian words that `bytes` are; `BYTES` is 8 times `WORDS`.
#[inline(always)]
pub(crate) fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u64; WORDS] {
    let (chunks, _rest) = bytes.as_chunks();
    std::array::from_fn(|index| u64::from_le_bytes(chunks[index]))
}
