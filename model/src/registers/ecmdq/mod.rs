//! Enhanced Command queues: what their registers hold, and what software's accesses do (§3.5.6, §6.3.49–§6.3.51,
//! §6.3.107–§6.3.109).

mod map;

pub(crate) use map::end;
pub use map::{EcmdqKind, EcmdqRegister};

use super::fields;
use super::read::stores_high_bits;
use super::store::low_word;
use super::write::stored;
use crate::env::Env;
use crate::features::Features;
use crate::ids::EcmdqId;
use crate::layout::ecmdq::{ControlPageBase, EcmdqCons, EcmdqProd};
use crate::layout::register::QueueBase;
use crate::queue::ring::Ring;
use crate::rule::{CommandError, Rule};

/// CMDQGS: 64 KiB, the only size (§6.3.49).
const CMDQGS_64K: u8 = 0b01;

/// All queues of all control pages, in ascending order.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Ecmdqs(Vec<Ecmdq>);

/// The registers of one queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Ecmdq {
    pub(crate) base: QueueBase,
    prod: EcmdqProd,
    cons: EcmdqCons,
    /// An error made ERR differ from ERRACK, not software.
    failed: bool,
}

/// Whether the errors of a queue let it be consumed (§3.5.6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ErrorState {
    /// ERRACK and ERR are equal.
    None,
    /// An error is not acknowledged yet.
    Active,
    /// ERRACK and ERR differ, and no error made them so.
    Mismatch,
}

impl Ecmdqs {
    /// No queues.
    pub(crate) const NONE: Self = Self(Vec::new());

    /// Out of reset; `ones` says what a field holds whose reset value is UNKNOWN.
    pub(super) fn after_reset(f: &Features, ones: bool) -> Self {
        let mut queue =
            Ecmdq { base: QueueBase::new(), prod: EcmdqProd::new(), cons: EcmdqCons::new(), failed: false };
        if ones {
            queue.base = QueueBase::from_bits(implemented(f, EcmdqKind::Base));
            queue.prod = queue.prod.with_wr(fields::INDEX);
            queue.cons = queue.cons.with_rd(fields::INDEX).with_err_reason(0b111);
        }
        Self(vec![queue; count(f)])
    }

    /// Every queue by its name, in ascending order.
    pub(crate) fn ids(&self, f: &Features) -> impl Iterator<Item = EcmdqId> + use<> {
        let per_page = usize::from(f.ecmdq_per_page);
        let part = |index: usize| u8::try_from(index).expect("at most 256 pages of at most 256 queues");
        (0..self.0.len())
            .map(move |index| EcmdqId { page: part(index / per_page), queue: part(index % per_page) })
    }

    /// One queue, which exists.
    pub(crate) fn get(&self, f: &Features, id: EcmdqId) -> &Ecmdq {
        &self.0[index(f, id)]
    }

    /// One queue, which exists.
    pub(crate) fn get_mut(&mut self, f: &Features, id: EcmdqId) -> &mut Ecmdq {
        &mut self.0[index(f, id)]
    }

    /// Whether CR1.QUEUE_* could be used: some queue is not disabled (§3.5.6.1).
    pub(crate) fn are_in_use(&self) -> bool {
        self.0.iter().any(|queue| !queue.is_disabled())
    }

    /// Whether ENACK of some queue is to follow EN.
    pub(super) fn are_in_transition(&self) -> bool {
        self.0.iter().any(Ecmdq::is_in_transition)
    }

    /// Lets ENACK follow EN for the first queue where they differ; says which, and its new ECMDQ_CONS.
    pub(super) fn complete_one(&mut self, f: &Features) -> Option<(EcmdqRegister, u32)> {
        let id = self.ids(f).zip(&self.0).find(|(_, queue)| queue.is_in_transition()).map(|(id, _)| id)?;
        let queue = self.get_mut(f, id);
        queue.cons.set_enack(queue.prod.en());
        Some((EcmdqRegister { kind: EcmdqKind::Cons, id }, queue.cons.into_bits()))
    }

    /// What software reads from a register that exists.
    pub(super) fn read(&self, f: &Features, register: EcmdqRegister) -> u64 {
        let queue = self.get(f, register.id);
        match register.kind {
            EcmdqKind::PageBase => {
                let first = EcmdqRegister { kind: EcmdqKind::Base, id: EcmdqId { queue: 0, ..register.id } };
                let base = ControlPageBase::new().with_preset(true).with_cmdqgs(CMDQGS_64K);
                base.with_addr(first.offset(f)).into_bits()
            }
            EcmdqKind::PageCfg | EcmdqKind::PageStatus => 1, // enabled for ever
            EcmdqKind::Base => queue.base.into_bits(),
            EcmdqKind::Prod => queue.prod.with_wr(queue.ring(f).prod()).into_bits().into(),
            EcmdqKind::Cons => queue.cons.with_rd(queue.ring(f).cons()).into_bits().into(),
        }
    }

    /// An index that software owns, as it was written.
    pub(super) fn software_index(&self, f: &Features, register: EcmdqRegister) -> Option<u32> {
        (register.kind == EcmdqKind::Prod).then(|| self.get(f, register.id).prod.wr())
    }

    /// Software writes all bits of a register that exists.
    pub(super) fn write(&mut self, env: &mut impl Env, f: &Features, register: EcmdqRegister, value: u64) {
        let queue = self.get_mut(f, register.id);
        let value = stored(env, (implemented(f, register.kind), beyond_oas(f, register.kind)), value);
        let is_open = match register.kind {
            EcmdqKind::PageBase | EcmdqKind::PageCfg | EcmdqKind::PageStatus => {
                return env.note(Rule::RegisterReadOnly);
            }
            EcmdqKind::Base | EcmdqKind::Cons => queue.is_disabled(),
            EcmdqKind::Prod => !queue.is_in_transition(),
        };
        if is_open {
            let value = queue.index_in_queue(env, f, register.kind, value);
            queue.set(register.kind, value);
        } else if value != self.read(f, register) {
            env.note(Rule::RegisterGuarded);
        }
    }

    /// A register in a state that no sequence of accesses and commands leads to; only a state from outside is.
    #[cfg(feature = "serde")]
    pub(super) fn is_impossible(&self, f: &Features) -> bool {
        self.0.len() != count(f) || self.0.iter().any(|queue| queue.is_impossible(f))
    }
}

impl Ecmdq {
    /// The queue as a ring, of at most as many entries as IDR1 allows (§6.3.107).
    pub(crate) fn ring(&self, f: &Features) -> Ring {
        Ring::new(self.base.log2size().min(f.cmdq_log2_max), self.prod.wr(), self.cons.rd())
    }

    /// EN and ENACK are 1 (§3.5.6.2).
    pub(crate) fn is_enabled(&self) -> bool {
        self.prod.en() && self.cons.enack()
    }

    /// EN and ENACK are 0 (§3.5.6.2).
    fn is_disabled(&self) -> bool {
        !self.prod.en() && !self.cons.enack()
    }

    fn is_in_transition(&self) -> bool {
        self.prod.en() != self.cons.enack()
    }

    /// What ERR and ERRACK say.
    pub(crate) fn error_state(&self) -> ErrorState {
        match (self.prod.errack() == self.cons.err(), self.failed) {
            (true, _) => ErrorState::None,
            (false, true) => ErrorState::Active,
            (false, false) => ErrorState::Mismatch,
        }
    }

    /// Moves CONS.
    pub(crate) fn set_rd(&mut self, rd: u32) {
        self.cons.set_rd(rd);
    }

    /// An error at the command at CONS. ERR toggles, whatever it was: if software had made it differ from ERRACK,
    /// the error does not show (§3.5.6.3).
    pub(crate) fn fail(&mut self, error: CommandError) {
        self.cons = self.cons.with_err_reason(error.code()).with_err(!self.cons.err());
        self.failed = self.cons.err() != self.prod.errack();
    }

    /// Index bits above the wrap flag of the queue as it is now are not stored, or may be where software owns the index
    /// (§6.3.27, §6.3.108).
    fn index_in_queue(&self, env: &mut impl Env, f: &Features, kind: EcmdqKind, value: u64) -> u64 {
        let above = u64::from(fields::INDEX & !self.ring(f).mask());
        match kind {
            EcmdqKind::Prod if value & above != 0 && stores_high_bits(env) => value,
            EcmdqKind::Prod | EcmdqKind::Cons => value & !above,
            EcmdqKind::Base | EcmdqKind::PageBase | EcmdqKind::PageCfg | EcmdqKind::PageStatus => value,
        }
    }

    /// Replaces a register.
    ///
    /// ENACK is written with the rest of ECMDQ_CONS, which is RW while the queue is disabled (§6.3.109); the next
    /// Update lets it follow EN again.
    fn set(&mut self, kind: EcmdqKind, value: u64) {
        match kind {
            EcmdqKind::Base => self.base = QueueBase::from_bits(value),
            EcmdqKind::Prod => self.prod = EcmdqProd::from_bits(low_word(value)),
            EcmdqKind::Cons => self.cons = EcmdqCons::from_bits(low_word(value)),
            EcmdqKind::PageBase | EcmdqKind::PageCfg | EcmdqKind::PageStatus => {
                unreachable!("{} stores nothing", kind.name())
            }
        }
        self.failed &= self.prod.errack() != self.cons.err();
    }

    #[cfg(feature = "serde")]
    fn is_impossible(&self, f: &Features) -> bool {
        let words: [(EcmdqKind, u64); 3] = [
            (EcmdqKind::Base, self.base.into_bits()),
            (EcmdqKind::Prod, self.prod.into_bits().into()),
            (EcmdqKind::Cons, self.cons.into_bits().into()),
        ];
        words.iter().any(|(kind, word)| word & !(implemented(f, *kind) | beyond_oas(f, *kind)) != 0)
            || self.failed && self.prod.errack() == self.cons.err()
    }
}

/// The bits of a register that software can write.
fn implemented(f: &Features, kind: EcmdqKind) -> u64 {
    match kind {
        EcmdqKind::Base => fields::queue_base(f),
        EcmdqKind::Prod => {
            EcmdqProd::new().with_wr(fields::INDEX).with_errack(true).with_en(true).into_bits().into()
        }
        EcmdqKind::Cons => {
            let cons = EcmdqCons::new().with_rd(fields::INDEX).with_err(true);
            cons.with_err_reason(0b111).with_enack(true).into_bits().into()
        }
        EcmdqKind::PageBase | EcmdqKind::PageCfg | EcmdqKind::PageStatus => 0,
    }
}

/// Bits of an address above the output size, which may be stored all the same.
fn beyond_oas(f: &Features, kind: EcmdqKind) -> u64 {
    if kind == EcmdqKind::Base { fields::address_beyond_oas(f) } else { 0 }
}

/// How many queues there are.
fn count(f: &Features) -> usize {
    usize::from(f.ecmdq_pages) * usize::from(f.ecmdq_per_page)
}

fn index(f: &Features, id: EcmdqId) -> usize {
    usize::from(id.page) * usize::from(f.ecmdq_per_page) + usize::from(id.queue)
}
