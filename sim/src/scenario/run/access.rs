//! A device's access: split where the bus splits it, translated, and carried out in memory.

use smmu_model::address::Iova;
use smmu_model::bus::Bus;
use smmu_model::choice::Chooser;
use smmu_model::env::World;
use smmu_model::outcome::{Outcome, Translation};
use smmu_model::transaction::{Access, AddressType, Direction, Transaction};

use super::{Answer, Found, Machine};
use crate::scenario::step::{Dma, End, Route};
use crate::trace::{Happening, Listener};

/// A transaction does not cross a boundary of so many bytes.
const BOUNDARY_BYTES: u64 = 0x1000;

impl<'a, C: Chooser, L: Listener> Machine<'a, C, L> {
    /// The answer is that of the first piece that does not succeed; data comes from the pieces before it.
    pub(super) fn dma(&mut self, dma: &'a Dma) -> Result<(), String> {
        let address = self.value(dma.address)?;
        let data = self.value(dma.data)?.to_le_bytes();
        let mut whole: Option<Answer> = None;
        let mut done = 0u64;
        while done < u64::from(dma.length) {
            let at = address.wrapping_add(done);
            let length = (u64::from(dma.length) - done).min(BOUNDARY_BYTES - at % BOUNDARY_BYTES);
            let answer = self.piece(dma, at, length, data);
            let ended = answer.end != End::Ok;
            whole = Some(match whole {
                None => answer,
                Some(before) => before.followed_by(answer),
            });
            if ended {
                break;
            }
            done += length;
        }
        let whole = whole.expect("an access has at least one byte");
        self.remember(dma.result, Found::Access(whole.clone()));
        if self.pace == super::Pace::Automatic {
            self.settle();
        }
        self.judge_all(&dma.claims, Some(&whole));
        Ok(())
    }

    fn piece(&mut self, dma: &Dma, at: u64, length_bytes: u64, pattern: [u8; 8]) -> Answer {
        let (address, address_type) = match dma.route {
            Route::Smmu => (at, AddressType::Untranslated),
            Route::Translated => (at, AddressType::Translated),
            Route::Atc => match self.through_atc(dma, at) {
                Some(address) => (address, AddressType::Translated),
                None => return self.not_granted(dma),
            },
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
        self.ear.say(Happening::Access { device: &dma.device, transaction: &transaction, length });
        let rules_before = self.ear.step_rules.len();
        let mut world = World { bus: &mut self.memory, chooser: &mut self.chooser, sink: &mut self.ear };
        let outcome = self.smmu.transact(&mut world, &transaction);
        let size = usize::try_from(length_bytes).expect("at most one boundary");
        let answer = match outcome {
            Outcome::Done(translation) => self.carry_out(translation, dma.direction, size, pattern),
            Outcome::Abort(rule) => {
                Answer { end: End::Abort, translation: None, rule: Some(rule), data: Vec::new() }
            }
            Outcome::RazWi(rule) => {
                let data = match dma.direction {
                    Direction::Read => vec![0; size],
                    Direction::Write => Vec::new(),
                };
                Answer { end: End::RazWi, translation: None, rule: Some(rule), data }
            }
        };
        self.ear.say_ended(&dma.device, &answer, rules_before);
        answer
    }

    /// The device's ATC has no permission for the access: it is not made.
    fn not_granted(&mut self, dma: &Dma) -> Answer {
        let rule = self.reply.as_ref().and_then(|reply| reply.rule);
        let answer = Answer { end: End::NotGranted, translation: None, rule, data: Vec::new() };
        self.ear.say_ended(&dma.device, &answer, self.ear.step_rules.len());
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
            Direction::Write => self.memory.write(translation.pa, &data),
        };
        let end = if done.is_ok() { End::Ok } else { End::ExternalAbort };
        let data = if direction == Direction::Read && done.is_ok() { data } else { Vec::new() };
        Answer { end, translation: Some(translation), rule: None, data }
    }
}

impl Answer {
    /// This answer, which was success, with that of the next piece.
    fn followed_by(self, next: Answer) -> Answer {
        let data = [self.data, next.data].concat();
        match next.end {
            End::Ok => Answer { data, ..self },
            End::Abort | End::RazWi | End::ExternalAbort | End::NotGranted => {
                Answer { end: next.end, translation: None, rule: next.rule, data }
            }
        }
    }
}
