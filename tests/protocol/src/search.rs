//! Searching a model: that its properties hold, that a mutant breaks one of them, and that every
//! run ends once faults do.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

/// Looks at every state within the bounds: no `always` property falls, and each `sometimes`
/// property is met, so that the others do not hold for want of anything happening.
pub(crate) fn holds<M>(name: &str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + std::fmt::Debug + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    let begun = Instant::now();
    let checker = model.checker().spawn_bfs().join();
    println!(
        "{name}: {} states, {} deep, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed()
    );
    checker.assert_properties();
}

/// Looks for the shortest way to break `property`, and gives its steps.
pub(crate) fn breaks<M>(model: M, property: &'static str) -> Vec<M::Action>
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + std::fmt::Debug + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    let begun = Instant::now();
    let broken = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = model.checker().finish_when(broken).spawn_bfs().join();
    let path = checker.discovery(property);
    let actions = path.map(stateright::Path::into_actions);
    println!(
        "{property}: broken by {actions:?}; {} states, {:?}",
        checker.unique_state_count(),
        begun.elapsed()
    );
    actions.unwrap_or_else(|| panic!("nothing breaks: {property}"))
}

/// A model of runs that are to end.
pub(crate) trait Ending: Model {
    /// Whether this step happens by itself sooner or later. Faults and what other people do need
    /// not happen.
    fn is_progress(action: &Self::Action) -> bool;

    /// Whether nothing needs to happen any more.
    fn is_over(state: &Self::State) -> bool;
}

/// Looks at every state within the bounds: wherever faults have led, something that happens by
/// itself is left to be done until the run is over, and none of it goes in circles. So every run
/// ends, whatever the order.
pub(crate) fn always_ends<M>(name: &str, model: &M)
where
    M: Ending,
    M::State: Hash + std::fmt::Debug,
{
    let begun = Instant::now();
    let mut known = HashMap::new();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    let mut waiting = VecDeque::new();
    let mut place = |state: M::State, waiting: &mut VecDeque<(usize, M::State)>| {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let next = known.len();
        let place = *known.entry(hasher.finish()).or_insert(next);
        if place == next {
            waiting.push_back((place, state));
        }
        place
    };
    for state in model.init_states() {
        place(state, &mut waiting);
    }
    while let Some((here, state)) = waiting.pop_front() {
        let mut onward = Vec::new();
        for (action, next) in model.next_steps(&state) {
            let there = place(next, &mut waiting);
            if M::is_progress(&action) && there != here {
                onward.push(there);
            }
        }
        assert!(
            !onward.is_empty() || M::is_over(&state),
            "{name}: nothing is left to happen in {state:#?}"
        );
        ways.resize_with(ways.len().max(here + 1), Vec::new);
        ways[here] = onward;
    }
    assert_eq!(in_circles(&ways), 0, "{name}: states that come again");
    println!(
        "{name}: ends from all {} states, {:?}",
        ways.len(),
        begun.elapsed()
    );
}

/// How many places lie on circles, or behind them.
fn in_circles(ways: &[Vec<usize>]) -> usize {
    let mut entries = vec![0_usize; ways.len()];
    for there in ways.iter().flatten() {
        entries[*there] += 1;
    }
    let mut free: Vec<usize> = (0..ways.len())
        .filter(|place| entries[*place] == 0)
        .collect();
    let mut left = ways.len();
    while let Some(place) = free.pop() {
        left -= 1;
        for there in &ways[place] {
            entries[*there] -= 1;
            if entries[*there] == 0 {
                free.push(*there);
            }
        }
    }
    left
}

#[test]
fn a_circle_is_seen() {
    assert_eq!(in_circles(&[vec![1, 2], vec![2], vec![]]), 0);
    assert_eq!(in_circles(&[vec![1], vec![2], vec![1]]), 2);
}
