//! Random traffic over random changes of tables and structures, under every cache policy: what the SMMU answers equals
//! what it answers without caches, unless software owes an invalidation, and then the trace says so.

mod acts;
#[path = "../common/mod.rs"]
mod common;
mod system;

use proptest::prelude::*;
use smmu_model::CachePolicy;
#[cfg(feature = "serde")]
use smmu_model::Smmu;
use smmu_model::outcome::Outcome;
use smmu_model::rule::Rule;

use acts::{Act, Becomes, acts};
use system::{Answers, Ear, READ_WRITE, STREAMS, System, mapped_pages, transaction};

/// Stream 0 reads in page `page` of region 0, three times: the second time what is cached answers, and the third time
/// its answer is known.
fn reads(system: &mut System<false>, page: u64) -> [Result<u64, Rule>; 3] {
    [0, 1, 2].map(|_| {
        let tx = transaction(0, page << 12 | 0x123, false, true);
        match system.run(&mut Ear::default(), |smmu, env| smmu.transact(env, &tx)) {
            Outcome::Done(translation) => Ok(translation.pa.value()),
            Outcome::Abort(rule) => Err(rule),
            other @ (Outcome::RazWi(_) | Outcome::Stalled { .. }) => panic!("{other:?}"),
        }
    })
}

/// The leaf of page 0 of region 0, or of the region.
fn leaf(page: Option<u64>, output: u64) -> Act {
    Act::Stage1 { set: 0, region: 0, page, becomes: Becomes::Leaf { output, attributes: READ_WRITE } }
}

#[test]
fn an_answer_is_given_again_until_it_is_invalidated() {
    for words in [[0x10, 0], [0x11 | 1 << 48, 0], [0x12 | 1 << 48, 1], [0x13, 0], [0x28, 0], [0x30, 0]] {
        let mut system = System::<false>::new(CachePolicy::Keep, 1, Answers::Default);
        mapped_pages().for_each(|act| system.act(act));
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
        system.act(leaf(Some(0), 5));
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3], "nothing is invalidated");
        system.command(words);
        assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3], "{words:x?} is not complete");
        system.command([0x46, 0]);
        assert_eq!(reads(&mut system, 0), [Ok(0x20_5123); 3], "{words:x?} is complete");
    }
}

#[test]
fn an_answer_is_given_again_until_a_second_entry_matches() {
    let mut system = System::<false>::new(CachePolicy::Keep, 1, Answers::Default);
    mapped_pages().for_each(|act| system.act(act));
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
    system.act(leaf(None, 1));
    // Page 1 and the tables: page 0 stays.
    system.command([0x12 | 1 << 48, 0x1000]);
    system.command([0x46, 0]);
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
    assert_eq!(reads(&mut system, 1), [Ok(0x40_1123); 3], "the block is cached too");
    assert_eq!(reads(&mut system, 0), [Err(Rule::TlbConflict); 3]);
}

/// A copy has the caches, and has not answered yet: so does an SMMU whose accesses somebody listened to before.
#[test]
fn a_copy_answers_from_what_is_cached() {
    let mut system = System::<false>::new(CachePolicy::Keep, 1, Answers::Default);
    mapped_pages().for_each(|act| system.act(act));
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
    system.act(leaf(Some(0), 5));
    system.smmu = system.smmu.clone();
    assert_eq!(reads(&mut system, 0), [Ok(0x20_0123); 3]);
}

fn policies() -> impl Strategy<Value = CachePolicy> {
    prop::sample::select(CachePolicy::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_software(
        policy in policies(),
        bbml in 1u8..3,
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..120),
    ) {
        let mut system = System::<true>::new(policy, bbml, seed.map_or(Answers::Default, Answers::Seed));
        for act in acts {
            system.act(act);
        }
    }

    #[test]
    fn software_that_invalidates_after_every_change(
        policy in policies(),
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..120),
    ) {
        let mut system = System::<true>::new(policy, 1, seed.map_or(Answers::Default, Answers::Seed));
        for act in acts {
            system.act(act);
            if system.owes {
                system.act(Act::InvalidateAll);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Without a listener an answer given before is given again: what devices accessed they access after each act.
    #[test]
    fn nobody_who_listens_makes_no_difference(
        bbml in 1u8..3,
        seed in prop::option::of(any::<u64>()),
        acts in prop::collection::vec(acts(), 1..60),
    ) {
        let answers = seed.map_or(Answers::Default, Answers::Seed);
        let mut heard = System::<true>::new(CachePolicy::Keep, bbml, answers);
        let mut unheard = System::<false>::new(CachePolicy::Keep, bbml, answers);
        let mut accesses = Vec::new();
        for act in mapped_pages().chain(acts) {
            if let Act::Access { stream, region, page, write, user } = act {
                accesses.push(transaction(STREAMS[stream].0, region << 21 | page << 12, write, user));
            } else {
                heard.act(act);
                unheard.act(act);
            }
            for tx in accesses.iter().rev().take(6).flat_map(|tx| [tx, tx, tx]) {
                let expected = heard.run(&mut Ear::default(), |smmu, env| smmu.transact(env, tx));
                let found = unheard.run(&mut Ear::default(), |smmu, env| smmu.transact(env, tx));
                prop_assert_eq!(found, expected, "{:?}", tx);
            }
        }
        prop_assert!(heard.smmu == unheard.smmu);
        prop_assert_eq!(heard.memory.contents(), unheard.memory.contents());
    }
}

#[cfg(feature = "serde")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_saved_state_goes_on_in_the_same_way(
        policy in policies(),
        seed in any::<u64>(),
        before in prop::collection::vec(acts(), 1..60),
        after in prop::collection::vec(acts(), 1..60),
    ) {
        let mut system = System::<true>::new(policy, 1, Answers::Seed(seed));
        for act in before {
            system.act(act);
        }
        let saved = serde_json::to_string(&system.smmu).expect("a state is saved");
        let loaded: Smmu = serde_json::from_str(&saved).expect("what was saved is loaded");
        prop_assert!(loaded == system.smmu);
        prop_assert_eq!(serde_json::to_string(&loaded).expect("a state is saved"), saved);
        let uncached = system.uncached.clone();
        let (memory, answers) = (system.memory.clone(), system.answers);
        let System { prod, owes, draws, .. } = system;
        let mut twin = System::<true> { smmu: loaded, uncached, memory, answers, prod, owes, draws };
        for act in after {
            system.act(act);
            twin.act(act);
        }
        prop_assert_eq!(
            serde_json::to_string(&twin.smmu).expect("a state is saved"),
            serde_json::to_string(&system.smmu).expect("a state is saved")
        );
    }
}
