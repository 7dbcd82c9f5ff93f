//! Domains: what a caller allocates, maps into and attaches masters to.

use super::firmware::Host;
use super::invalidation::{Flush, Invalidations};
use super::numbers::Numbers;
use super::page_table::{DirtyWalk, PageTable, Quirks, Run, Stage, Unmapped};
use super::platform::Platform;
use super::probe::Features;
use super::{AllocFlags, ArmSmmuV3, DomainId, Geometry, MasterId, Prot, ViommuId, cd, ste};
use crate::errno::Errno;

/// One domain.
#[derive(Debug)]
pub(super) enum Domain {
    Paging(Paging),
    Nested(Nested),
}

/// Tables of the driver's own.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) tag: Tag,
    pub(super) table: PageTable,
    pub(super) nest_parent: bool,
    pub(super) dirty: bool,
    pub(super) fwb: bool,
    pub(super) enforces_coherency: bool,
    /// The tables and the ASID are those of a process.
    pub(super) shared: bool,
    /// Whom an unmap must be told.
    pub(super) invalidations: Invalidations,
}

/// How the SMMU tells the translations of a domain from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    /// Stage 1.
    Asid(u32),
    /// Stage 2.
    Vmid(u32),
}

/// Stage 1 of a guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nested {
    pub(super) viommu: ViommuId,
    /// The two words that the guest's STE has, validated; EATS is taken out.
    pub(super) ste: [u64; 2],
    /// The guest wants ATS.
    pub(super) ats: bool,
}

impl Paging {
    pub(super) fn is_stage1(&self) -> bool {
        matches!(self.tag, Tag::Asid(_))
    }

    /// What the CD of a master says of this domain.
    pub(super) fn stage1_bits(&self, asid: u32, stall_enabled: bool) -> cd::Stage1Bits {
        cd::Stage1Bits {
            asid,
            tcr: self.table.tcr(),
            ips: self.table.output_size_code(),
            table: self.table.root(),
            dirty: self.dirty,
            stall_enabled,
            shared: self.shared,
        }
    }

    /// What an STE says of this domain.
    pub(super) fn stage2_bits(&self, vmid: u32) -> ste::Stage2Bits {
        ste::Stage2Bits { vmid, vtcr: self.table.vtcr(), table: self.table.root(), fwb: self.fwb }
    }
}

impl ArmSmmuV3 {
    /// A paging domain (`domain_alloc_paging_flags`): EOPNOTSUPP for flags it does not offer together,
    /// EBUSY or ENOSPC without a free tag, ENOMEM.
    pub fn domain_alloc(
        &mut self,
        p: &mut impl Platform,
        asids: &mut Numbers,
        flags: AllocFlags,
    ) -> Result<DomainId, Errno> {
        let stage = stage_for(&self.features, flags)?;
        let paging = new_paging(p, &self.features, &self.host, asids, &mut self.vmids, stage, flags)?;
        Ok(self.insert_domain(Domain::Paging(paging)))
    }

    /// Frees a domain that no master is attached to, paging or nested. Nothing is invalidated.
    pub fn domain_free(&mut self, p: &mut impl Platform, asids: &mut Numbers, domain: DomainId) {
        let freed = self.domains[domain.0].take().expect("a domain is freed once");
        if let Domain::Paging(paging) = freed {
            assert!(paging.invalidations.is_empty(), "a domain with masters is freed");
            match paging.tag {
                Tag::Asid(asid) => asids.give_back(asid),
                Tag::Vmid(vmid) => self.vmids.give_back(vmid),
            }
            paging.table.free(p);
        }
    }

    /// What a paging domain can map.
    pub fn geometry(&self, domain: DomainId) -> Geometry {
        self.paging(domain).table.geometry()
    }

    /// The domain forces its masters' DMA to be coherent from now on, if `master` can (`enforce_cache_coherency`).
    pub fn enforce_coherency(&mut self, domain: DomainId, master: MasterId) -> bool {
        let can = self.masters[master.0].canwbs;
        let paging = self.paging_mut(domain);
        paging.enforces_coherency |= can;
        can
    }

    /// Whether the domain forces coherency.
    pub fn enforces_coherency(&self, domain: DomainId) -> bool {
        self.paging(domain).enforces_coherency
    }

    /// Maps `bytes` at `iova` to `pa`. On an error (EEXIST, ENOMEM, ERANGE, EINVAL for what is not a multiple of the
    /// smallest page) nothing of it stays mapped.
    pub fn map(
        &mut self,
        p: &mut impl Platform,
        domain: DomainId,
        iova: u64,
        pa: u64,
        bytes: u64,
        prot: Prot,
    ) -> Result<(), Errno> {
        if !self.is_aligned(domain, iova | pa | bytes) {
            return Err(Errno::EINVAL);
        }
        let mut done = 0;
        while done < bytes {
            let run = next_run(self.geometry(domain).page_sizes, iova + done, pa + done, bytes - done)
                .ok_or(Errno::EINVAL)?;
            let mut tables = Vec::new();
            let paging = self.paging_mut(domain);
            let mapped = paging.table.map_pages(p, run, pa + done, prot, &mut |gone| tables.push(gone));
            let granule = 1 << self.paging(domain).table.granule_shift();
            for gone in tables {
                if let Unmapped::Table { iova, bytes } = gone {
                    self.flush(p, domain, Flush { iova, bytes, granule, leaf: false });
                }
            }
            match mapped {
                Ok(mapped) => done += mapped,
                Err(errno) => {
                    if done != 0 {
                        self.unmap(p, domain, iova, done);
                    }
                    return Err(errno);
                }
            }
        }
        Ok(())
    }

    /// Unmaps and invalidates; returns how many bytes were unmapped (`iommu_unmap`): none of what is not a multiple of
    /// the smallest page.
    pub fn unmap(&mut self, p: &mut impl Platform, domain: DomainId, iova: u64, bytes: u64) -> u64 {
        if !self.is_aligned(domain, iova | bytes) {
            return 0;
        }
        let mut gather = Gather::default();
        let mut done = 0;
        while done < bytes {
            let at = iova + done;
            let Some(run) = next_run(self.geometry(domain).page_sizes, at, at, bytes - done) else { break };
            let mut gone = Vec::new();
            let paging = self.paging_mut(domain);
            let unmapped = paging.table.unmap_pages(p, run, &mut |what| gone.push(what));
            let granule = 1 << self.paging(domain).table.granule_shift();
            for what in gone {
                match what {
                    Unmapped::Table { iova, bytes } => {
                        self.flush(p, domain, Flush { iova, bytes, granule, leaf: false });
                    }
                    Unmapped::Leaf { iova, bytes } => {
                        if let Some(flush) = gather.add(iova, bytes) {
                            self.flush(p, domain, flush);
                        }
                    }
                }
            }
            if unmapped == 0 {
                break;
            }
            done += unmapped;
        }
        if let Some(flush) = gather.0 {
            self.flush(p, domain, flush);
        }
        done
    }

    /// Whether addresses and sizes, taken together, are multiples of the smallest page.
    fn is_aligned(&self, domain: DomainId, merged: u64) -> bool {
        merged & ((1 << self.paging(domain).table.granule_shift()) - 1) == 0
    }

    /// Where `iova` goes, if it is mapped.
    pub fn iova_to_phys(&self, p: &mut impl Platform, domain: DomainId, iova: u64) -> Option<u64> {
        let table = &self.paging(domain).table;
        if iova > table.geometry().last {
            return None;
        }
        table.leaf(p, iova).map(|leaf| table.output(&leaf, iova))
    }

    /// Where the descriptor lies that maps `iova`, if it is mapped: a process changes its tables by itself.
    pub fn descriptor(&self, p: &mut impl Platform, domain: DomainId, iova: u64) -> Option<u64> {
        let table = &self.paging(domain).table;
        if iova > table.geometry().last {
            return None;
        }
        table.leaf(p, iova).map(|leaf| leaf.at)
    }

    /// Makes a domain one whose tables and ASID are those of a process, from the next attachment on; returns the ASID.
    /// `None` for stage 2, or where the SMMU takes no part in broadcasts. Hypothetical: Linux keeps its SMMUs out of
    /// them.
    pub fn share(&mut self, domain: DomainId) -> Option<u32> {
        let broadcasts = self.features.broadcasts;
        let paging = self.paging_mut(domain);
        match paging.tag {
            Tag::Asid(asid) if broadcasts => {
                paging.shared = true;
                Some(asid)
            }
            Tag::Asid(_) | Tag::Vmid(_) => None,
        }
    }

    /// Whether the domain tracks dirty pages.
    pub fn has_dirty_tracking(&self, domain: DomainId) -> bool {
        self.paging(domain).dirty
    }

    /// Calls `dirty(iova, bytes)` for each dirty leaf of the range, and cleans it if `clear`. EINVAL for an empty
    /// range, one that the table cannot hold or one with a hole, where it stops. No command follows.
    pub fn read_dirty(
        &mut self,
        p: &mut impl Platform,
        domain: DomainId,
        iova: u64,
        bytes: u64,
        clear: bool,
        dirty: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Errno> {
        let end = iova.checked_add(bytes).ok_or(Errno::EINVAL)?;
        self.paging(domain).table.read_dirty(p, DirtyWalk { at: iova, end, clear, dirty })
    }

    pub(super) fn paging(&self, domain: DomainId) -> &Paging {
        match self.domains[domain.0].as_ref() {
            Some(Domain::Paging(paging)) => paging,
            Some(Domain::Nested(_)) | None => panic!("not a paging domain"),
        }
    }

    pub(super) fn paging_mut(&mut self, domain: DomainId) -> &mut Paging {
        match self.domains[domain.0].as_mut() {
            Some(Domain::Paging(paging)) => paging,
            Some(Domain::Nested(_)) | None => panic!("not a paging domain"),
        }
    }

    pub(super) fn insert_domain(&mut self, domain: Domain) -> DomainId {
        self.domains.push(Some(domain));
        DomainId(self.domains.len() - 1)
    }
}

/// Which stage a domain with these flags has.
fn stage_for(f: &Features, flags: AllocFlags) -> Result<Stage, Errno> {
    let AllocFlags { nest_parent, dirty_tracking, pasid } = flags;
    match (nest_parent, dirty_tracking, pasid) {
        (false, false, false) if f.stage1 => Ok(Stage::One),
        (false, false, false) => Ok(Stage::Two),
        (true, false, false) if f.nesting => Ok(Stage::Two),
        (false, true, _) | (false, false, true) if f.stage1 => Ok(Stage::One),
        (true | false, _, _) => Err(Errno::EOPNOTSUPP),
    }
}

fn new_paging(
    p: &mut impl Platform,
    f: &Features,
    host: &Host,
    asids: &mut Numbers,
    vmids: &mut Numbers,
    stage: Stage,
    flags: AllocFlags,
) -> Result<Paging, Errno> {
    let fwb = flags.nest_parent && f.s2fwb;
    let table = PageTable::new(p, f, host, stage, Quirks { dirty: flags.dirty_tracking, fwb })?;
    let tag = match stage {
        Stage::One => asids.take(f.asid_bits, Errno::EBUSY).map(Tag::Asid),
        Stage::Two => vmids.take(f.vmid_bits, Errno::ENOSPC).map(Tag::Vmid),
    };
    let tag = match tag {
        Ok(tag) => tag,
        Err(errno) => {
            table.free(p);
            return Err(errno);
        }
    };
    Ok(Paging {
        tag,
        table,
        nest_parent: flags.nest_parent,
        dirty: flags.dirty_tracking,
        fwb,
        enforces_coherency: false,
        shared: false,
        invalidations: Invalidations::default(),
    })
}

/// The largest leaves that fit at the beginning of a range, up to where larger ones fit (`iommu_pgsize`).
fn next_run(page_sizes: u64, iova: u64, pa: u64, bytes: u64) -> Option<Run> {
    let fits = |size: u64| size <= bytes && (iova | pa) & (size - 1) == 0;
    let sizes = (0..64).map(|bit| 1u64 << bit).filter(|size| page_sizes & size != 0);
    let size = sizes.clone().filter(|size| fits(*size)).max()?;
    let mut count = bytes / size;
    if let Some(next) = sizes.filter(|next| *next > size).min() {
        // A larger leaf fits later if both addresses reach its alignment together.
        let until_next = next - (iova & (next - 1));
        if (iova ^ pa) & (next - 1) == 0 && until_next + next <= bytes {
            count = until_next / size;
        }
    }
    Some(Run { iova, bytes: size, count })
}

/// Leaves of one size, side by side, that are invalidated together (`iommu_iotlb_gather`).
#[derive(Default)]
struct Gather(Option<Flush>);

impl Gather {
    /// Adds a leaf. Returns what must be invalidated first, as it does not go together with the leaf.
    fn add(&mut self, iova: u64, bytes: u64) -> Option<Flush> {
        if let Some(flush) = &mut self.0
            && flush.granule == bytes
            && flush.touches(iova, bytes)
        {
            let end = (flush.iova + flush.bytes).max(iova + bytes);
            flush.iova = flush.iova.min(iova);
            flush.bytes = end - flush.iova;
            return None;
        }
        self.0.replace(Flush { iova, bytes, granule: bytes, leaf: true })
    }
}
