//! The tree of answers: each question is a node, each permitted answer a branch, each run a leaf.
//!
//! Nothing of it is kept but the path to the present leaf: a run is repeated with a prefix of answers, and takes the
//! first permitted answer after that. Leaves come in the order of their answers.

use crate::scenario::{Asked, allows};

/// Visits every leaf below `start`, depth first, as long as there is `budget`, which each run makes smaller by one.
/// `run` does what a scenario does with these answers and says what was asked. Whether all leaves were visited.
pub(super) fn walk(
    start: Vec<usize>,
    budget: &mut u64,
    run: &mut impl FnMut(&[usize]) -> Vec<Asked>,
) -> bool {
    let depth = start.len();
    let mut prefix = Some(start);
    while let Some(answers) = prefix {
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let asked = run(&answers);
        assert!(
            asked.len() >= answers.len()
                && asked.iter().zip(&answers).all(|(asked, answer)| asked.answer == *answer),
            "the same answers lead to the same questions"
        );
        prefix = next(&asked, depth);
    }
    true
}

/// Cuts the tree into at least `wanted` parts, if it has so many leaves: the prefixes below which they lie, in
/// order. Takes about two runs per part.
pub(super) fn parts(wanted: usize, run: &mut impl FnMut(&[usize]) -> Vec<Asked>) -> Vec<Vec<usize>> {
    let mut prefixes = vec![Vec::new()];
    while prefixes.len() < wanted {
        let wider: Vec<Vec<usize>> =
            prefixes.iter().flat_map(|prefix| branches(prefix, &run(prefix))).collect();
        if wider.len() == prefixes.len() {
            break;
        }
        prefixes = wider;
    }
    prefixes
}

/// The prefix of the leaf after the one at the end of `asked`, with the first `depth` answers as they are.
fn next(asked: &[Asked], depth: usize) -> Option<Vec<usize>> {
    let open = asked.iter().enumerate().skip(depth).rev();
    let (at, answer) = open
        .filter_map(|(at, question)| Some((at, answers(*question).find(|&answer| answer > question.answer)?)))
        .next()?;
    Some(asked[..at].iter().map(|question| question.answer).chain([answer]).collect())
}

/// The prefixes one branch deeper than `prefix`; itself if there is no branch below.
fn branches(prefix: &[usize], asked: &[Asked]) -> Vec<Vec<usize>> {
    let Some(at) = (prefix.len()..asked.len()).find(|&at| answers(asked[at]).nth(1).is_some()) else {
        return vec![prefix.to_vec()];
    };
    let before = asked[..at].iter().map(|question| question.answer);
    answers(asked[at]).map(|answer| before.clone().chain([answer]).collect()).collect()
}

/// The permitted answers, ascending.
fn answers(question: Asked) -> impl Iterator<Item = usize> {
    (0..8).filter(move |&answer| allows(question.permitted, answer))
}

#[cfg(test)]
mod tests {
    use smmu_model::choice::{Choice, Chooser};

    use super::*;
    use crate::scenario::{Answers, Recorder};

    /// Asks a question with two answers; after the second of them, `depth` more with three, of which the middle one
    /// is not permitted, and one with a single answer between.
    fn lopsided(answers: &[usize], depth: usize) -> Vec<Asked> {
        let mut chooser = Recorder::new(Answers::new(answers));
        if chooser.choose(Choice::Page0Alias, 0b11) == 1 {
            for _ in 0..depth {
                chooser.choose(Choice::TxszOutOfRange, 0b10);
                chooser.choose(Choice::RegisterPair, 0b101);
            }
        }
        chooser.asked
    }

    fn leaves(start: &[usize], depth: usize, mut budget: u64) -> (Vec<Vec<usize>>, bool) {
        let mut leaves = Vec::new();
        let complete = walk(start.to_vec(), &mut budget, &mut |answers| {
            let asked = lopsided(answers, depth);
            leaves.push(asked.iter().map(|question| question.answer).collect());
            asked
        });
        (leaves, complete)
    }

    #[test]
    fn every_leaf_is_visited_once_and_in_order() {
        let (found, complete) = leaves(&[], 2, 100);
        let expected = [&[0][..], &[1, 1, 0, 1, 0], &[1, 1, 0, 1, 2], &[1, 1, 2, 1, 0], &[1, 1, 2, 1, 2]];
        assert_eq!(found, expected);
        assert!(complete);
        assert_eq!(leaves(&[], 10, 2000).0.len(), 1 + (1 << 10));
    }

    #[test]
    fn the_budget_ends_it_exactly_one_run_short() {
        assert_eq!(leaves(&[], 2, 5), leaves(&[], 2, 100));
        let (found, complete) = leaves(&[], 2, 4);
        assert_eq!((found.len(), complete), (4, false));
        assert_eq!(leaves(&[], 2, 0), (Vec::new(), false));
    }

    #[test]
    fn the_parts_together_are_the_whole() {
        for depth in [0, 1, 5] {
            let whole = leaves(&[], depth, 1000).0;
            for wanted in [1, 2, 3, 7, 100] {
                let parts = parts(wanted, &mut |answers| lopsided(answers, depth));
                assert!(parts.len() >= wanted.min(whole.len()), "{depth} {wanted}");
                let united: Vec<_> = parts.iter().flat_map(|start| leaves(start, depth, 1000).0).collect();
                assert_eq!(united, whole, "{depth} {wanted}");
            }
        }
    }
}
