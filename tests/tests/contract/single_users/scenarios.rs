//! Random scenarios: two tenants create, rename and import users and assign external ids, all with
//! the same logins and ids, one action in the middle of another, while requests and responses are
//! lost. Every login and id must have one owner, and every acknowledged write must have happened
//! once.
//!
//! A scenario follows from its number, which a failure names. `MUSTER_SCENARIOS=10000` runs more,
//! `MUSTER_SCENARIO=17` only that one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use muster_local::{Stack, StackOptions};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::actions::{
    Action, ExternalIdInput, MARKER_ATTRIBUTES, Operation, Response, Scenario, marker,
};
use super::rows::{count_by_value, dangling, users, verify_versions_grew};
use muster_tests::SeededScenarios;

/// Runs for a few seconds by default.
const SCENARIOS: SeededScenarios = SeededScenarios {
    seed_variable: "MUSTER_SCENARIO",
    count_variable: "MUSTER_SCENARIOS",
    default_count: 24,
    max_per_stack: 50,
    stacks: 4,
};
const LOGINS: usize = 3;
const IDS: usize = 2;

struct ScenarioGenerator {
    rng: SmallRng,
    /// Actions that may still be generated.
    left: usize,
}

impl ScenarioGenerator {
    fn login(&mut self) -> usize {
        self.rng.random_range(0..LOGINS)
    }

    fn id(&mut self) -> usize {
        self.rng.random_range(0..IDS)
    }

    fn external_id(&mut self) -> ExternalIdInput {
        match self.rng.random_range(0..4) {
            0 => ExternalIdInput::Null,
            1 => ExternalIdInput::Absent,
            _ => ExternalIdInput::Id(self.id()),
        }
    }

    fn operation(&mut self) -> Operation {
        match self.rng.random_range(0..8) {
            0 | 1 => Operation::Create {
                login: self.login(),
                id: self.external_id(),
            },
            2 | 3 => Operation::Upsert {
                id: self.id(),
                login: self.login(),
            },
            4 | 5 => Operation::Change {
                of: self.login(),
                login: self.rng.random_bool(0.8).then(|| self.login()),
                id: match self.rng.random_bool(0.3) {
                    true => self.external_id(),
                    false => ExternalIdInput::Absent,
                },
            },
            _ => {
                let logins: BTreeSet<usize> = (0..2).map(|_| self.login()).collect();
                let records = logins.into_iter().map(|login| (login, self.external_id()));
                Operation::Import {
                    records: records.collect(),
                }
            }
        }
    }

    /// Generates an action with interruptions nested up to `depth`.
    fn action(&mut self, depth: usize) -> Action {
        self.left -= 1;
        let tenant = usize::from(self.rng.random_bool(0.25));
        let mut action = Action::without_faults(tenant, self.operation());
        action.after_rest = self.rng.random_bool(0.7);
        let attempts = |rng: &mut SmallRng| (0..2).map(|_| rng.random_range(0..14)).collect();
        match self.rng.random_range(0..10) {
            0 | 1 => action.lost_responses = attempts(&mut self.rng),
            2 => action.lost_requests = attempts(&mut self.rng),
            _ => {}
        }
        if depth > 0 && self.left > 0 && self.rng.random_bool(0.7) {
            let at = self.rng.random_range(0..14);
            let count = self.rng.random_range(1..=2.min(self.left));
            let mut others = Vec::new();
            while others.len() < count && self.left > 0 {
                others.push(self.action(depth - 1));
            }
            action.interruption = Some((at, others));
        }
        action
    }

    /// Generates the actions of a scenario.
    fn scenario(number: u64) -> Vec<Action> {
        let mut generator = Self {
            rng: SmallRng::seed_from_u64(number),
            left: MARKER_ATTRIBUTES.len(),
        };
        let count = generator.rng.random_range(3..7);
        let actions = (0..count).map_while(|_| (generator.left > 0).then(|| generator.action(2)));
        actions.collect()
    }
}

/// Performs the actions and verifies the rows after each of them, and all responses in the end.
async fn run(scenario: Arc<Scenario>, actions: Vec<Action>) {
    let mut rows = scenario.verified_rows().await;
    for action in actions {
        Arc::clone(&scenario).perform(action).await;
        let before = std::mem::replace(&mut rows, scenario.verified_rows().await);
        verify_versions_grew(&before, &rows);
    }
    let responses = scenario.responses();
    // The marker of each action is on as many users as its response reports.
    for (number, response) in &responses {
        let markers = count_by_value(&rows, MARKER_ATTRIBUTES[*number].name());
        let marked = markers.get(&marker(*number)).copied().unwrap_or_default();
        if let Some((created, updated)) = response.counts() {
            assert_eq!(marked, created + updated, "action {number}: {response:?}");
        }
    }
    let counts: Option<Vec<_>> = responses.values().map(Response::counts).collect();
    if let Some(counts) = counts {
        let created: u64 = counts.iter().map(|(created, _)| created).sum();
        assert_eq!(users(&rows).count() as u64, created, "users created");
    }
    acquire_dangling_ids(&scenario).await;
}

/// Asserts that all abandoned external ids can be acquired after the rest of every run.
async fn acquire_dangling_ids(scenario: &Arc<Scenario>) {
    let after_rest = Timestamp::now() + 10.minutes();
    let swept = scenario
        .store
        .task_locks()
        .end_expired(after_rest, Duration::ZERO)
        .await;
    swept.expect("the store");
    for (number, (tenant, id)) in dangling(&scenario.verified_rows().await)
        .into_iter()
        .enumerate()
    {
        let tenant = usize::from(tenant == scenario.tenant(1));
        let id = (0..IDS).find(|number| Scenario::external_id(*number) == id);
        let id = ExternalIdInput::Id(id.expect("an id of this scenario"));
        let login = LOGINS + number;
        let other = Scenario::new(scenario.number, scenario.store.clone());
        let action = Action::without_faults(tenant, Operation::Create { login, id });
        let (response, _) = Arc::clone(&other).perform(action).await;
        assert_eq!(
            response.counts(),
            Some((1, 0)),
            "{id:?} cannot be acquired: {response:?}"
        );
    }
    assert_eq!(dangling(&scenario.verified_rows().await), []);
}

/// Runs scenarios one after another on their own stack.
async fn run_on_stack(numbers: Vec<u64>) {
    let stack = Stack::start(StackOptions::default());
    let stack = stack.await.expect("the stack starts");
    for number in numbers {
        let actions = ScenarioGenerator::scenario(number);
        let scenario = Scenario::new(number, stack.store.clone());
        let ended = tokio::spawn(run(Arc::clone(&scenario), actions.clone())).await;
        if ended.is_err() {
            let responses = scenario.responses();
            panic!("MUSTER_SCENARIO={number} runs it alone:\n{actions:#?}\n{responses:#?}");
        }
    }
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_scenarios_keep_every_owner_unique_and_lose_no_acknowledged_write() {
    SCENARIOS.run_on_stacks(run_on_stack).await;
}
