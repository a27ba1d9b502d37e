//! Searches of a model: its properties hold, a mutant breaks one of them, and every run terminates
//! once there are no more faults.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

/// Visits every state within the bounds: all `always` properties hold, and each `sometimes` property
/// is reached, so the others do not hold merely because nothing happens.
pub(crate) fn assert_holds<M>(name: &str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + std::fmt::Debug + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    let started = Instant::now();
    let checker = model.checker().spawn_bfs().join();
    println!(
        "{name}: {} states, {} deep, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    checker.assert_properties();
}

/// Searches for the shortest path to a state that breaks `property`, and returns its actions.
pub(crate) fn assert_breaks<M>(model: M, property: &'static str) -> Vec<M::Action>
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + Clone + PartialEq + std::fmt::Debug + 'static,
    M::Action: Clone + PartialEq + std::fmt::Debug,
{
    let started = Instant::now();
    let broken = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = model.checker().finish_when(broken).spawn_bfs().join();
    let path = checker.discovery(property);
    let actions = path.map(stateright::Path::into_actions);
    println!(
        "{property}: broken by {actions:?}; {} states, {:?}",
        checker.unique_state_count(),
        started.elapsed()
    );
    actions.unwrap_or_else(|| panic!("nothing breaks this property: {property}"))
}

/// A model whose runs terminate.
pub(crate) trait Terminates: Model {
    /// Returns true for steps that happen by themselves sooner or later, unlike faults and actions of
    /// others.
    fn is_progress(action: &Self::Action) -> bool;

    /// Returns true if nothing needs to happen any more.
    fn is_over(state: &Self::State) -> bool;
}

/// Visits every state within the bounds: after any faults, a step that happens by itself is possible
/// until the run is over, and such steps form no cycles. So every run terminates in any order.
pub(crate) fn assert_terminates<M>(name: &str, model: &M)
where
    M: Terminates,
    M::State: Hash + std::fmt::Debug,
{
    let started = Instant::now();
    let mut known = HashMap::new();
    let mut edges: Vec<Vec<usize>> = Vec::new();
    let mut unvisited = VecDeque::new();
    let mut index_of = |state: M::State, unvisited: &mut VecDeque<(usize, M::State)>| {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let next = known.len();
        let index_of = *known.entry(hasher.finish()).or_insert(next);
        if index_of == next {
            unvisited.push_back((index_of, state));
        }
        index_of
    };
    for state in model.init_states() {
        index_of(state, &mut unvisited);
    }
    while let Some((here, state)) = unvisited.pop_front() {
        let mut successors = Vec::new();
        for (action, next) in model.next_steps(&state) {
            let there = index_of(next, &mut unvisited);
            if M::is_progress(&action) && there != here {
                successors.push(there);
            }
        }
        assert!(
            !successors.is_empty() || M::is_over(&state),
            "{name}: no progress is possible in {state:#?}"
        );
        edges.resize_with(edges.len().max(here + 1), Vec::new);
        edges[here] = successors;
    }
    assert_eq!(count_in_cycles(&edges), 0, "{name}: some states recur");
    println!(
        "{name}: terminates from all {} states, {:?}",
        edges.len(),
        started.elapsed()
    );
}

/// Returns the number of states on cycles, or after them.
fn count_in_cycles(edges: &[Vec<usize>]) -> usize {
    let mut in_degrees = vec![0_usize; edges.len()];
    for there in edges.iter().flatten() {
        in_degrees[*there] += 1;
    }
    let mut sources: Vec<usize> = (0..edges.len())
        .filter(|index_of| in_degrees[*index_of] == 0)
        .collect();
    let mut left = edges.len();
    while let Some(index_of) = sources.pop() {
        left -= 1;
        for there in &edges[index_of] {
            in_degrees[*there] -= 1;
            if in_degrees[*there] == 0 {
                sources.push(*there);
            }
        }
    }
    left
}

#[test]
fn cycles_are_found() {
    assert_eq!(count_in_cycles(&[vec![1, 2], vec![2], vec![]]), 0);
    assert_eq!(count_in_cycles(&[vec![1], vec![2], vec![1]]), 2);
}
