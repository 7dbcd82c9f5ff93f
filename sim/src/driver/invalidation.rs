//! Whom the driver tells when translations of a domain go: a sorted list per domain, and the commands that each
//! entry of it takes (`arm_smmu_invs`, `arm_smmu_domain_inv_range`).

use std::collections::BTreeMap;

use super::command::{self, ATC_SIZE_ALL, Command, Span};
use super::platform::Platform;
use super::probe::Features;
use super::queue::{Batch, CommandQueue};
use super::{ArmSmmuV3, DomainId};

/// Something that may hold translations of a domain. The order is that of the commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Holder {
    /// Translations of stage 1 with this ASID.
    Stage1Asid(u32),
    /// Translations of stage 2 with this VMID.
    Stage2Vmid(u32),
    /// Translations of a guest's stage 1, which a change of stage 2 makes wrong.
    Stage1OfVmid(u32),
    /// The ATC of a device, for a SubstreamID (0: none).
    Atc { sid: u32, ssid: u32 },
    /// The ATC of a device whose addresses are a guest's.
    AtcFull { sid: u32 },
}

/// The holders of a domain's translations, and how many attachments each has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Invalidations(BTreeMap<Holder, u32>);

impl Invalidations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, holders: &[Holder]) {
        for holder in holders {
            *self.0.entry(*holder).or_default() += 1;
        }
    }

    /// Returns those of `holders` that nobody needs any more.
    pub(super) fn remove(&mut self, holders: &[Holder]) -> Vec<Holder> {
        let mut unused = Vec::new();
        for holder in holders {
            let users = self.0.get_mut(holder).expect("a holder is removed as often as it was added");
            *users -= 1;
            if *users == 0 {
                self.0.remove(holder);
                unused.push(*holder);
            }
        }
        unused
    }

    fn holders(&self) -> Vec<Holder> {
        self.0.keys().copied().collect()
    }
}

/// What went from a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flush {
    pub(super) iova: u64,
    pub(super) bytes: u64,
    /// The bytes of each leaf, or of the smallest one.
    pub(super) granule: u64,
    /// No table went.
    pub(super) leaf: bool,
}

impl Flush {
    /// Whether a leaf lies right before, in or right after this.
    pub(super) fn touches(&self, iova: u64, bytes: u64) -> bool {
        iova <= self.iova + self.bytes && self.iova <= iova + bytes
    }
}

impl ArmSmmuV3 {
    /// Makes everybody forget a range of `domain`. Nobody to tell, no command.
    pub(super) fn flush(&mut self, p: &mut impl Platform, domain: DomainId, flush: Flush) {
        let paging = self.paging(domain);
        let holders = paging.invalidations.holders();
        let tg = paging.table.granule_shift();
        let f = self.features;
        let whole = !f.range_invalidation && flush.bytes >= flush.granule << (flush.granule.ilog2() - 3);
        let mut batch = Batch::default();
        for (position, holder) in holders.iter().enumerate() {
            match holder {
                Holder::Stage1Asid(asid) if whole => {
                    batch.add(p, &mut self.queue, &f, command::tlbi_asid(f.e2h, *asid));
                }
                Holder::Stage1Asid(asid) => {
                    by_address(p, &mut self.queue, &mut batch, &f, tg, command::tlbi_va(f.e2h, *asid), flush);
                }
                Holder::Stage2Vmid(vmid) if whole => {
                    batch.add(p, &mut self.queue, &f, command::tlbi_s12_vmall(*vmid));
                }
                Holder::Stage2Vmid(vmid) => {
                    by_address(p, &mut self.queue, &mut batch, &f, tg, command::tlbi_s2_ipa(*vmid), flush);
                }
                // TLBI_S12_VMALL has taken stage 1 along.
                Holder::Stage1OfVmid(_) if whole => {}
                Holder::Stage1OfVmid(vmid) => {
                    batch.add(p, &mut self.queue, &f, command::tlbi_nh_all(*vmid));
                }
                Holder::Atc { sid, ssid } => {
                    let (address, size) = atc_span(flush.iova, flush.bytes);
                    batch.add(p, &mut self.queue, &f, command::atc_inv(*sid, *ssid, address, size));
                }
                Holder::AtcFull { sid } => {
                    batch.add(p, &mut self.queue, &f, command::atc_inv(*sid, 0, 0, ATC_SIZE_ALL));
                }
            }
            if ends_batch(*holder, holders.get(position + 1)) && !batch.is_empty() {
                batch.submit(p, &mut self.queue);
            }
        }
    }

    /// Makes the SMMU forget a tag that no attachment uses any more.
    pub(super) fn flush_tag(&mut self, p: &mut impl Platform, unused: &[Holder]) {
        for holder in unused {
            let command = match holder {
                Holder::Stage1Asid(asid) => command::tlbi_asid(self.features.e2h, *asid),
                Holder::Stage2Vmid(vmid) => command::tlbi_s12_vmall(*vmid),
                Holder::Stage1OfVmid(_) | Holder::Atc { .. } | Holder::AtcFull { .. } => continue,
            };
            let _timed_out = self.queue.issue_and_wait(p, command);
        }
    }
}

/// A CMD_SYNC stands between stage 2 and what depends on it, and between TLBs and ATCs.
fn ends_batch(current: Holder, next: Option<&Holder>) -> bool {
    let is_atc = |holder: Holder| matches!(holder, Holder::Atc { .. } | Holder::AtcFull { .. });
    match next {
        None => true,
        Some(Holder::Stage1OfVmid(_)) => !matches!(current, Holder::Stage1OfVmid(_)),
        Some(next) => is_atc(*next) && !is_atc(current),
    }
}

/// One command per leaf, or range commands where the SMMU has them. `tg` is log2 of the smallest page.
fn by_address(
    p: &mut impl Platform,
    queue: &mut CommandQueue,
    batch: &mut Batch,
    f: &Features,
    tg: u8,
    base: Command,
    flush: Flush,
) {
    let Flush { iova, bytes, granule, leaf } = flush;
    let end = iova + bytes;
    let mut at = iova;
    if !f.range_invalidation {
        while at < end {
            let span = Span { address: at, leaf, tg: 0, ttl: 0, num: 0, scale: 0 };
            batch.add(p, queue, f, command::with_span(base, span));
            at += granule;
        }
        return;
    }
    let mut granules = bytes >> tg;
    let mut ttl = 0;
    if leaf {
        ttl = 4 - u64::from((granule.ilog2() - 3) / (u32::from(tg) - 3));
    } else if granules & 31 == 1 {
        // NUM, SCALE and TTL would all be 0.
        granules += 1;
    }
    while at < end && granules != 0 {
        let scale = granules.trailing_zeros();
        let num = (granules >> scale) & 31;
        let span = Span {
            address: at,
            leaf,
            tg: u64::from((tg - 10) / 2),
            ttl,
            num: num - 1,
            scale: u64::from(scale),
        };
        batch.add(p, queue, f, command::with_span(base, span));
        at += num << (scale + u32::from(tg));
        granules -= num << scale;
    }
}

/// The smallest naturally aligned span of pages that covers a range: address, and Size of CMD_ATC_INV.
fn atc_span(iova: u64, bytes: u64) -> (u64, u8) {
    const PAGE_SHIFT: u8 = 12;
    if bytes == 0 {
        return (0, ATC_SIZE_ALL);
    }
    let (first, last) = (iova >> PAGE_SHIFT, (iova + bytes - 1) >> PAGE_SHIFT);
    let log2_pages = 64 - (first ^ last).leading_zeros();
    let first = first >> log2_pages << log2_pages;
    (first << PAGE_SHIFT, u8::try_from(log2_pages).expect("fewer than 64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Holder::{Atc, Stage1Asid, Stage1OfVmid, Stage2Vmid};

    /// The sequence of Linux's own unit test of its arrays.
    #[test]
    fn holders_are_counted() {
        let first = [Stage2Vmid(1), Stage1OfVmid(1), Atc { sid: 3, ssid: 0 }];
        let second = [Stage2Vmid(1), Atc { sid: 4, ssid: 0 }, Atc { sid: 5, ssid: 0 }];
        let third = [Stage2Vmid(1), Atc { sid: 5, ssid: 0 }, Atc { sid: 6, ssid: 0 }];
        let users = |invs: &Invalidations| invs.0.values().copied().collect::<Vec<_>>();
        let mut invs = Invalidations::default();
        invs.add(&first);
        assert_eq!(users(&invs), [1, 1, 1]);
        invs.add(&second);
        assert_eq!(users(&invs), [2, 1, 1, 1, 1]);
        assert_eq!(invs.remove(&second), [Atc { sid: 4, ssid: 0 }, Atc { sid: 5, ssid: 0 }]);
        assert_eq!(users(&invs), [1, 1, 1]);
        invs.add(&third);
        assert_eq!(users(&invs), [2, 1, 1, 1, 1]);
        assert_eq!(invs.remove(&first), [Stage1OfVmid(1), Atc { sid: 3, ssid: 0 }]);
        assert_eq!(users(&invs), [1, 1, 1]);
        assert_eq!(invs.remove(&third), third);
        assert!(invs.is_empty());
        let by_substream = [Atc { sid: 10, ssid: 3 }, Atc { sid: 10, ssid: 1 }, Atc { sid: 12, ssid: 1 }];
        invs.add(&by_substream);
        assert_eq!(invs.holders(), [by_substream[1], by_substream[0], by_substream[2]]);
    }

    #[test]
    fn a_sync_stands_before_dependent_holders() {
        for (current, next, ends) in [
            (Stage1Asid(1), None, true),
            (Stage1Asid(1), Some(Stage2Vmid(1)), false),
            (Stage2Vmid(1), Some(Stage1OfVmid(1)), true),
            (Stage1OfVmid(1), Some(Stage1OfVmid(2)), false),
            (Stage1OfVmid(1), Some(Holder::AtcFull { sid: 1 }), true),
            (Atc { sid: 1, ssid: 0 }, Some(Holder::AtcFull { sid: 1 }), false),
        ] {
            assert_eq!(ends_batch(current, next.as_ref()), ends, "{current:?} {next:?}");
        }
    }

    #[test]
    fn an_atc_invalidation_covers_its_range() {
        for (iova, bytes, expected) in [
            (0, 0, (0, 52)),
            (0x1000, 0x1000, (0x1000, 0)),
            (0x1000, 0x2000, (0, 2)),
            (0x7000, 0x2000, (0, 4)),
            (0x20_0000, 0x20_0000, (0x20_0000, 9)),
            (0, 1 << 63, (0, 51)),
        ] {
            assert_eq!(atc_span(iova, bytes), expected);
        }
    }
}
