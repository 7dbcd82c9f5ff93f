//! What the SMMU remembers of memory (§3.17, §3.21, §16.2): configuration structures and translations.
//!
//! Caches are permitted, so an access may see memory as it was when an entry was born. An invalidation is visible when
//! its command is consumed and complete at the next CMD_SYNC (§3.21.1); until then it waits here. What is read from
//! memory anew, and what of it is cached, is decided in `translate`.

pub(crate) mod configuration;
mod directory;
pub(crate) mod entry;
mod pages;
#[cfg(feature = "serde")]
pub(crate) mod saved;
pub(crate) mod scope;
mod tags;
#[cfg(test)]
mod tests;
pub(crate) mod tlb;
mod version;

use crate::choice::answer::InvalidationByIpa;
use crate::env::Env;
use crate::ids::CommandQueue;
use crate::trace::CacheEntry;
use configuration::{Configuration, Structures};
pub(crate) use pages::Found;
use scope::{Scope, Stages};
use tlb::Tlb;
pub(crate) use version::Version;

/// What an SMMU caches, of all that it may (§16.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CachePolicy {
    /// Everything, for as long as it may: until it is invalidated.
    #[default]
    Keep,
    /// Nothing: memory is read anew for every access.
    None,
    /// As `Keep`, but an entry with which memory no longer agrees is used or missed by choice.
    Choose,
}

impl CachePolicy {
    /// All policies, the default first.
    pub const ALL: [Self; 3] = [Self::Keep, Self::None, Self::Choose];

    /// The name used in scenarios and in the protocol.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::None => "none",
            Self::Choose => "choose",
        }
    }

    /// The policy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// Everything that is cached, and the invalidations that are not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caches {
    pub(crate) policy: CachePolicy,
    pub(crate) configuration: Configuration,
    pub(crate) tlb: Tlb,
    pub(crate) pending: Vec<Pending>,
    /// The birth of an entry that comes now.
    pub(crate) now: Born,
}

/// When an entry was cached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Born {
    /// As the front end counts.
    pub(crate) moment: u32,
    /// How many invalidations had come.
    pub(crate) epoch: u32,
}

/// Who asked for an invalidation, and so what completes it (§3.21.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Origin {
    /// A command: CMD_SYNC of the same queue (§3.5.6.1).
    Command(CommandQueue),
    /// A processing element: a DVM Sync.
    Broadcast,
}

/// What an invalidation removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Invalidation {
    Configuration(Structures),
    Translations(Scope),
}

/// An invalidation that is visible and not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pending {
    origin: Origin,
    invalidation: Invalidation,
    /// The first epoch that it does not concern.
    limit: u32,
}

impl Pending {
    /// Whether an entry goes when it completes.
    pub(crate) fn covers(&self, entry: CacheEntry, born: Born) -> bool {
        let covers = match self.invalidation {
            Invalidation::Configuration(structures) => structures.covers(entry),
            Invalidation::Translations(scope) => scope.covers(entry),
        };
        covers && scope::before(born, self.limit)
    }
}

/// So many invalidations wait; with one more, all of them are done early, as they may be (§4.8).
const PENDING_MAX: usize = 1 << 12;

impl Born {
    fn later(self, other: Self) -> Self {
        if other.epoch > self.epoch { other } else { self }
    }

    fn earlier(self, other: Self) -> Self {
        if other.epoch < self.epoch { other } else { self }
    }
}

impl Caches {
    /// Caches with nothing in them.
    pub(crate) fn new(policy: CachePolicy) -> Self {
        Self {
            policy,
            configuration: Configuration::default(),
            tlb: Tlb::default(),
            pending: Vec::new(),
            now: Born::default(),
        }
    }

    /// Tells apart what is cached now and what was.
    #[inline(always)]
    pub(crate) fn version(&self) -> Version {
        let Configuration { streams, contexts } = &self.configuration;
        Version::of([streams.changes, contexts.changes, self.tlb.changes])
    }

    /// Nothing is cached, so that an invalidation has nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.tlb.len() == 0 && self.configuration.len() == 0
    }

    /// An invalidation becomes visible; it is `complete` at once, or waits.
    pub(crate) fn invalidate(
        &mut self,
        env: &mut impl Env,
        origin: Origin,
        invalidation: Invalidation,
        complete: bool,
    ) {
        if self.now.epoch == u32::MAX {
            // Time starts anew, with nothing that could be older.
            self.now.epoch = 0;
            self.configuration.streams.clear();
            self.configuration.contexts.clear();
            self.tlb.clear();
            self.pending.clear();
        }
        self.now.epoch += 1;
        let pending = Pending { origin, invalidation, limit: self.now.epoch };
        if complete {
            self.apply(env, &pending);
            return;
        }
        if self.pending.len() == PENDING_MAX {
            self.complete(env, |_| true);
        }
        self.pending.push(pending);
    }

    /// A CMD_SYNC or a DVM Sync: what came from there before is complete.
    pub(crate) fn synchronize(&mut self, env: &mut impl Env, origin: Origin) {
        self.complete(env, |pending| pending.origin == origin);
    }

    fn complete(&mut self, env: &mut impl Env, done: impl Fn(&Pending) -> bool) {
        for index in 0..self.pending.len() {
            let pending = self.pending[index];
            if done(&pending) {
                self.apply(env, &pending);
            }
        }
        self.pending.retain(|pending| !done(pending));
    }

    fn apply(&mut self, env: &mut impl Env, pending: &Pending) {
        match pending.invalidation {
            Invalidation::Configuration(structures) => {
                self.configuration.invalidate(structures, pending.limit)
            }
            Invalidation::Translations(scope) => {
                self.tlb.invalidate(&scope, pending.limit);
                if scope.stages == Stages::Two
                    && self.tlb.has_combined(&scope)
                    && env.ask(&[InvalidationByIpa::Stage2, InvalidationByIpa::Combined])
                        == InvalidationByIpa::Combined
                {
                    self.tlb.invalidate_combined(&scope, pending.limit);
                }
            }
        }
    }
}
