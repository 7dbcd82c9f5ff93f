//! A device's access: split where the bus splits it, translated, and carried out in memory.

use std::ops::ControlFlow;

use smmu_model::Smmu;
use smmu_model::address::Iova;
use smmu_model::bus::Bus;
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::outcome::{Outcome, Translation};
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

use super::ear::Ear;
use super::interconnect::Interconnect;
use super::scripting::Scripting;
use super::{Answer, Found, Machine};
use crate::scenario::step::{Dma, End, Route};
use crate::trace::{Happening, Listener};

/// A transaction does not cross a boundary of so many bytes.
const BOUNDARY_BYTES: u64 = 0x1000;

/// An access on its way.
#[derive(Clone, Debug)]
pub(super) struct Ongoing<'a> {
    dma: &'a Dma,
    address: u64,
    /// What is written, repeated.
    pattern: [u8; 8],
    /// How many bytes have succeeded.
    done: u64,
    /// The answer so far: a success, of one piece or more.
    answer: Option<Answer>,
}

impl Ongoing<'_> {
    /// Address and length of the next piece; `None` after the last.
    fn next_piece(&self) -> Option<(u64, u64)> {
        let rest = u64::from(self.dma.length) - self.done;
        let at = self.address.wrapping_add(self.done);
        (rest != 0).then(|| (at, rest.min(BOUNDARY_BYTES - at % BOUNDARY_BYTES)))
    }
}

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// The answer is that of the first piece that does not succeed; data comes from the pieces before it.
    pub(super) fn dma(&mut self, dma: &'a Dma) -> Result<(), String> {
        let address = self.value(dma.address)?;
        let pattern = self.value(dma.data)?.to_le_bytes();
        self.begin_race();
        let whole = self.go_on(Ongoing { dma, address, pattern, done: 0, answer: None });
        self.end_race();
        if self.pace == super::Pace::Automatic {
            self.settle();
        }
        self.judge_all(&dma.claims, Some(&whole));
        Ok(())
    }

    /// Does `act` to the SMMU; then stalled accesses that it has ended go on.
    pub(super) fn with_ends<T>(
        &mut self,
        act: impl FnOnce(&mut Smmu, &mut World<'_, Interconnect, Scripting<'a, C>, Ear<'a, L>>) -> T,
    ) -> T {
        let rules_before = self.ear.step_rules.len();
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        let result = act(&mut self.smmu, &mut world);
        for (stag, outcome) in std::mem::take(&mut self.ear.stalls_ended) {
            let ongoing = self.held.remove(&stag).expect("every stalled transaction belongs to an access");
            self.resume(ongoing, outcome, rules_before);
        }
        result
    }

    fn resume(&mut self, ongoing: Ongoing<'a>, outcome: Outcome, rules_before: usize) {
        if let ControlFlow::Continue(ongoing) = self.take_outcome(ongoing, outcome, rules_before) {
            self.go_on(ongoing);
        }
    }

    /// Goes from piece to piece, until one does not succeed or all have.
    fn go_on(&mut self, mut ongoing: Ongoing<'a>) -> Answer {
        while let Some((at, length)) = ongoing.next_piece() {
            let rules_before = self.ear.step_rules.len();
            let Some(outcome) = self.piece(ongoing.dma, at, length) else {
                return self.not_granted(ongoing);
            };
            match self.take_outcome(ongoing, outcome, rules_before) {
                ControlFlow::Continue(goes_on) => ongoing = goes_on,
                ControlFlow::Break(answer) => return answer,
            }
        }
        ongoing.answer.expect("an access has at least one byte")
    }

    /// How the next piece ended: the access goes on after a success, or has its answer.
    fn take_outcome(
        &mut self,
        ongoing: Ongoing<'a>,
        outcome: Outcome,
        rules_before: usize,
    ) -> ControlFlow<Answer, Ongoing<'a>> {
        let (_, length) = ongoing.next_piece().expect("it was on its way");
        let size = usize::try_from(length).expect("at most one boundary");
        let dma = ongoing.dma;
        let piece = self.answer(&ongoing, outcome, size);
        self.ear.say_ended(&dma.device, &piece, rules_before);
        let end = piece.end;
        let answer = match &ongoing.answer {
            None => piece,
            Some(before) => before.clone().followed_by(piece),
        };
        self.remember(dma.result, Found::Access(answer.clone()));
        if let Outcome::Stalled { stag, .. } = outcome {
            self.held.insert(stag, ongoing);
            return ControlFlow::Break(answer);
        }
        if end != End::Ok {
            return ControlFlow::Break(answer);
        }
        ControlFlow::Continue(Ongoing { done: ongoing.done + length, answer: Some(answer), ..ongoing })
    }

    /// `None` if the device does not make the access, because its ATC is not granted it.
    fn piece(&mut self, dma: &Dma, at: u64, length_bytes: u64) -> Option<Outcome> {
        let (address, address_type) = match dma.route {
            Route::Smmu => (at, AddressType::Untranslated),
            Route::Translated => (at, AddressType::Translated),
            Route::Atc => (self.through_atc(dma, at)?, AddressType::Translated),
        };
        let transaction = Transaction {
            stream: dma.stream,
            substream: dma.substream,
            address: Iova::new(address),
            access: Access::new(dma.direction, dma.privilege, dma.purpose),
            address_type,
            attributes: dma.attributes,
        };
        let length = u32::try_from(length_bytes).expect("at most one boundary");
        let (device, transaction, speculative) = (&dma.device, &transaction, dma.speculative);
        self.ear.say(Happening::Access { device, transaction, speculative, length });
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        Some(if speculative {
            self.smmu.transact_speculative(&mut world, transaction)
        } else {
            self.smmu.transact(&mut world, transaction)
        })
    }

    /// What a piece of `size` bytes comes to.
    fn answer(&mut self, ongoing: &Ongoing<'a>, outcome: Outcome, size: usize) -> Answer {
        let answer = Answer::of(outcome);
        match (outcome, ongoing.dma.direction) {
            (Outcome::Done(translation), direction) => {
                self.carry_out(translation, direction, size, ongoing.pattern)
            }
            (Outcome::RazWi(_), Direction::Read) => Answer { data: vec![0; size], ..answer },
            (Outcome::RazWi(_), Direction::Write)
            | (Outcome::Abort(_) | Outcome::Stalled { .. }, Direction::Read | Direction::Write) => answer,
        }
    }

    /// The device's ATC has no permission for the access: it is not made.
    fn not_granted(&mut self, ongoing: Ongoing<'a>) -> Answer {
        let rule = self.reply.as_ref().and_then(|reply| reply.rule);
        let piece = Answer { end: End::NotGranted, translation: None, rule, data: Vec::new(), stag: None };
        let dma = ongoing.dma;
        self.ear.say_ended(&dma.device, &piece, self.ear.step_rules.len());
        let answer = match ongoing.answer {
            None => piece,
            Some(before) => before.followed_by(piece),
        };
        self.remember(dma.result, Found::Access(answer.clone()));
        answer
    }

    fn carry_out(
        &mut self,
        translation: Translation,
        direction: Direction,
        size: usize,
        pattern: [u8; 8],
    ) -> Answer {
        let mut data: Vec<u8> = pattern.into_iter().cycle().take(size).collect();
        let done = match direction {
            Direction::Read => self.memory.read(translation.pa, &mut data),
            Direction::Write => self.write_memory(translation.pa.value(), &data),
        };
        let end = if done.is_ok() { End::Ok } else { End::ExternalAbort };
        let data = if direction == Direction::Read && done.is_ok() { data } else { Vec::new() };
        Answer { end, translation: Some(translation), rule: None, data, stag: None }
    }
}

impl Answer {
    /// This answer, which was success, with that of the next piece.
    fn followed_by(self, next: Answer) -> Answer {
        let data = [self.data, next.data].concat();
        match next.end {
            End::Ok => Answer { data, ..self },
            End::Abort | End::RazWi | End::ExternalAbort | End::Stall | End::NotGranted => {
                Answer { translation: None, data, ..next }
            }
        }
    }
}
