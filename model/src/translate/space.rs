//! The space that the tables of stage 1 lie in: physical, or behind stage 2 (§3.3, §3.13.5).

use super::ask::Ask;
use super::recall::Recall;
use super::stage2;
use crate::address::{Ipa, Pa};
use crate::choice::answer::Stage1UpdateTime;
use crate::config::ste::Stage2;
use crate::outcome::{Class, Stop};
use crate::transaction::{Access, Direction};

/// The space that the tables of stage 1 lie in. A type for each, so that a walk of stage 1 alone has no calls.
pub(super) trait TableSpace: Copy {
    /// Where the descriptor at `address` is, for a read.
    fn locate<E: Recall>(self, env: &mut E, address: u64) -> Result<Pa, Stop>;

    /// The same for an update, and whether memory is Write-Back there for a walk that is.
    fn locate_to_update<E: Recall>(self, env: &mut E, address: u64) -> Result<(Pa, bool), Stop>;

    /// Translates the output of stage 1 before a leaf is updated, where the implementation waits for that (§3.13.5).
    /// Returns what is then left of the access.
    fn look_ahead<E: Recall, A: Ask>(self, env: &mut E, output: Ipa, access: A) -> Result<A, Stop>;
}

/// Stage 2 is bypassed.
#[derive(Clone, Copy)]
pub(super) struct Physical;

impl TableSpace for Physical {
    #[inline(always)]
    fn locate<E: Recall>(self, _env: &mut E, address: u64) -> Result<Pa, Stop> {
        Ok(Pa::new(address))
    }

    fn locate_to_update<E: Recall>(self, _env: &mut E, address: u64) -> Result<(Pa, bool), Stop> {
        Ok((Pa::new(address), true))
    }

    fn look_ahead<E: Recall, A: Ask>(self, _env: &mut E, _output: Ipa, access: A) -> Result<A, Stop> {
        Ok(access)
    }
}

/// The addresses are IPAs, which stage 2 translates for a data access of the SMMU (§3.3).
#[derive(Clone, Copy)]
pub(super) struct BehindStage2<'a>(pub(super) &'a Stage2);

impl TableSpace for BehindStage2<'_> {
    #[inline(always)]
    fn locate<E: Recall>(self, env: &mut E, address: u64) -> Result<Pa, Stop> {
        stage2::translate(env, self.0, walk_request(address, Direction::Read)).map(|mapped| mapped.pa)
    }

    fn locate_to_update<E: Recall>(self, env: &mut E, address: u64) -> Result<(Pa, bool), Stop> {
        let mapped = stage2::translate(env, self.0, walk_request(address, Direction::Write))?;
        Ok((mapped.pa, mapped.keeps_write_back()))
    }

    fn look_ahead<E: Recall, A: Ask>(self, env: &mut E, output: Ipa, access: A) -> Result<A, Stop> {
        match env.ask(&[Stage1UpdateTime::Early, Stage1UpdateTime::Late]) {
            Stage1UpdateTime::Early => Ok(access),
            Stage1UpdateTime::Late => {
                let request = stage2::Request { ipa: output, class: Class::Input, access };
                stage2::translate(env, self.0, request).map(|mapped| mapped.granted)
            }
        }
    }
}

/// What stage 2 is asked for the sake of a stage 1 descriptor.
#[inline(always)]
fn walk_request(address: u64, direction: Direction) -> stage2::Request<Access> {
    let (class, access) = (Class::TableWalk(direction), Access::data(direction));
    stage2::Request { ipa: Ipa::new(address), class, access }
}
