//! Random stories: users are made, renamed, given external ids and imported by two tenants who want
//! the same logins and ids, one thing in the middle of another, with requests and answers lost.
//! Whatever happens, each owner is the only one, and what was answered has happened once.
//!
//! A story follows from its number, which a failure names. `MUSTER_STORIES=10000` tries more,
//! `MUSTER_STORY=17` just that one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use muster_local::{Stack, StackOptions};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::deeds::{Deed, Given, MARKS, Scene, Told, What, mark};
use super::rows::{dangling, holders, judge_growth, users};
use muster_tests::Numbered;

/// A few seconds of stories, unless told.
const STORIES: Numbered = Numbered {
    one: "MUSTER_STORY",
    many: "MUSTER_STORIES",
    short: 24,
    of_a_stack: 50,
    stacks: 4,
};
const LOGINS: usize = 3;
const IDS: usize = 2;

struct Dice {
    dice: SmallRng,
    /// Deeds that may still be made up.
    left: usize,
}

impl Dice {
    fn login(&mut self) -> usize {
        self.dice.random_range(0..LOGINS)
    }

    fn id(&mut self) -> usize {
        self.dice.random_range(0..IDS)
    }

    fn given(&mut self) -> Given {
        match self.dice.random_range(0..4) {
            0 => Given::Null,
            1 => Given::Nothing,
            _ => Given::Id(self.id()),
        }
    }

    fn what(&mut self) -> What {
        match self.dice.random_range(0..8) {
            0 | 1 => What::Create {
                login: self.login(),
                id: self.given(),
            },
            2 | 3 => What::Upsert {
                id: self.id(),
                login: self.login(),
            },
            4 | 5 => What::Change {
                of: self.login(),
                login: self.dice.random_bool(0.8).then(|| self.login()),
                id: match self.dice.random_bool(0.3) {
                    true => self.given(),
                    false => Given::Nothing,
                },
            },
            _ => {
                let logins: BTreeSet<usize> = (0..2).map(|_| self.login()).collect();
                let records = logins.into_iter().map(|login| (login, self.given()));
                What::Import {
                    records: records.collect(),
                }
            }
        }
    }

    /// Others may come in the middle of it, and others in the middle of those, so deep.
    fn deed(&mut self, depth: usize) -> Deed {
        self.left -= 1;
        let tenant = usize::from(self.dice.random_bool(0.25));
        let mut deed = Deed::calm(tenant, self.what());
        deed.later = self.dice.random_bool(0.7);
        let attempts = |dice: &mut SmallRng| (0..2).map(|_| dice.random_range(0..14)).collect();
        match self.dice.random_range(0..10) {
            0 | 1 => deed.lost_answers = attempts(&mut self.dice),
            2 => deed.lost_requests = attempts(&mut self.dice),
            _ => {}
        }
        if depth > 0 && self.left > 0 && self.dice.random_bool(0.7) {
            let at = self.dice.random_range(0..14);
            let count = self.dice.random_range(1..=2.min(self.left));
            let mut others = Vec::new();
            while others.len() < count && self.left > 0 {
                others.push(self.deed(depth - 1));
            }
            deed.meanwhile = Some((at, others));
        }
        deed
    }

    fn story(number: u64) -> Vec<Deed> {
        let mut dice = Self {
            dice: SmallRng::seed_from_u64(number),
            left: MARKS.len(),
        };
        let count = dice.dice.random_range(3..7);
        let deeds = (0..count).map_while(|_| (dice.left > 0).then(|| dice.deed(2)));
        deeds.collect()
    }
}

async fn tell(scene: Arc<Scene>, story: Vec<Deed>) {
    let mut rows = scene.judged().await;
    for deed in story {
        Arc::clone(&scene).perform(deed).await;
        let before = std::mem::replace(&mut rows, scene.judged().await);
        judge_growth(&before, &rows);
    }
    let told = scene.told();
    // What a deed has written is there, on as many users as it told.
    for (number, told) in &told {
        let holders = holders(&rows, MARKS[*number].name());
        let marked = holders.get(&mark(*number)).copied().unwrap_or_default();
        if let Some((created, updated)) = told.counts() {
            assert_eq!(marked, created + updated, "deed {number}: {told:?}");
        }
    }
    let counts: Option<Vec<_>> = told.values().map(Told::counts).collect();
    if let Some(counts) = counts {
        let created: u64 = counts.iter().map(|(created, _)| created).sum();
        assert_eq!(users(&rows).count() as u64, created, "users made");
    }
    have_what_dangles(&scene).await;
}

/// Asserts that everybody's abandoned ids can be had, long after.
async fn have_what_dangles(scene: &Arc<Scene>) {
    let later = Timestamp::now() + 10.minutes();
    let swept = scene.store.end_expired(later, Duration::ZERO).await;
    swept.expect("the store");
    for (number, (tenant, id)) in dangling(&scene.judged().await).into_iter().enumerate() {
        let tenant = usize::from(tenant == scene.tenant(1));
        let id = (0..IDS).find(|other| Scene::external_id(*other) == id);
        let id = Given::Id(id.expect("one of this story"));
        let login = LOGINS + number;
        let taker = Scene::new(scene.number, scene.store.clone());
        let deed = Deed::calm(tenant, What::Create { login, id });
        let (told, _) = Arc::clone(&taker).perform(deed).await;
        assert_eq!(
            told.counts(),
            Some((1, 0)),
            "{id:?} is not to be had: {told:?}"
        );
    }
    assert_eq!(dangling(&scene.judged().await), []);
}

/// Tells stories one after the other on a stack of their own.
async fn on_a_stack(numbers: Vec<u64>) {
    let stack = Stack::start(StackOptions::default());
    let stack = stack.await.expect("the stack starts");
    for number in numbers {
        let story = Dice::story(number);
        let scene = Scene::new(number, stack.store.clone());
        let told = tokio::spawn(tell(Arc::clone(&scene), story.clone())).await;
        if told.is_err() {
            let told = scene.told();
            panic!("MUSTER_STORY={number} tells it alone:\n{story:#?}\n{told:#?}");
        }
    }
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_owners_are_the_only_ones_and_nothing_that_was_answered_is_lost() {
    if muster_tests::points_elsewhere() {
        return;
    }
    STORIES.spread(on_a_stack).await;
}
