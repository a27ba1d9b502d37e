//! Managers within an input, by external ids: cycles, and managers who are elsewhere
//! (contract.md#managers).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::attribute::Attribute;
use crate::item::{Item, MANAGER_MORE_CYCLES, MANAGER_UNRESOLVED};
use crate::reader::dedup::Dedup;
use crate::rules::Rules;
use crate::validate::item;
use crate::value::Problem;

/// Maximum cycles that are reported.
const MAX_CYCLES: usize = 100;
/// Maximum records of a cycle that are kept and named.
const MAX_NAMED_RECORDS: usize = 10;

/// A cycle of managers, as it is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Numbers of its records, from the first on, each managed by the next one; at most ten.
    pub records: Vec<u64>,
    /// Number of the others.
    pub more: u64,
}

impl Cycle {
    /// Returns the cycle of these records, which count from 0.
    pub(super) fn new(members: &[u32]) -> Self {
        let named = members.get(..MAX_NAMED_RECORDS).unwrap_or(members);
        Self {
            records: numbers_from_1(named),
            more: (members.len() - named.len()) as u64,
        }
    }
}

/// Graph of the managers within an input. Records count from 0.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ManagerGraph {
    /// The records whose manager is not in the input, ascending.
    pub(super) elsewhere: Vec<u32>,
    /// The records of each cycle, from its first record on, each managed by the next one; in the order
    /// of their first records.
    pub(super) cycles: Vec<Vec<u32>>,
    /// Number of further cycles.
    more_cycles: u64,
}

impl ManagerGraph {
    /// Builds the graph from the external ids that records have, and those of their managers. Records in
    /// `skip` are not imported.
    pub(super) fn new(
        external_ids: &mut Dedup,
        managers: &mut Dedup,
        skip: impl Fn(u32) -> bool + Sync,
    ) -> Self {
        let pairs = external_ids.first_with_key_of(managers, skip);
        let nodes = pairs.iter().map(|(record, _)| *record as usize + 1).max();
        let mut manager_of = vec![None; nodes.unwrap_or(0)];
        let mut elsewhere = Vec::new();
        for (record, manager) in pairs {
            if manager.is_none() {
                elsewhere.push(record);
            }
            if let Some(entry) = manager_of.get_mut(record as usize) {
                *entry = manager;
            }
        }
        elsewhere.sort_unstable();
        let (cycles, more_cycles) = cycles(&manager_of);
        Self {
            elsewhere,
            cycles,
            more_cycles,
        }
    }

    /// Returns a note on the cycles that are not reported.
    pub(super) fn more_note(&self, rules: &Rules) -> Option<Item> {
        let message = match self.more_cycles {
            0 => return None,
            1 => "1 more circle of managers is not listed".to_owned(),
            more => format!("{more} more circles of managers are not listed"),
        };
        let key = rules.key(Attribute::ManagerUid);
        Some(Item::about_input(MANAGER_MORE_CYCLES, key, message))
    }

    /// Returns a note on how many managers are elsewhere, for a check without a directory.
    pub(super) fn note(&self, rules: &Rules) -> Option<Item> {
        let first = self.elsewhere.first()?;
        let (first, count) = (u64::from(*first) + 1, self.elsewhere.len());
        let records = if count == 1 {
            "record names"
        } else {
            "records name"
        };
        Some(Item::about_input(
            MANAGER_UNRESOLVED,
            rules.key(Attribute::ManagerUid),
            format!(
                "{count} {records} a manager who is not in this file: the first is record {first}"
            ),
        ))
    }
}

/// Returns the cycles of a graph in which each node has at most one successor, and the number of those
/// that are too many to report.
fn cycles(manager_of: &[Option<u32>]) -> (Vec<Vec<u32>>, u64) {
    let next = |node: u32| manager_of.get(node as usize).copied().flatten();
    // The walk that first came to a node; walks are named after their start.
    let mut walk_of: Vec<Option<u32>> = vec![None; manager_of.len()];
    let mut cycles = Vec::new();
    let mut more = 0;
    for start in 0..u32::try_from(manager_of.len()).unwrap_or(u32::MAX) {
        let mut at = start;
        while let Some(manager) = next(at)
            && let Some(walk @ None) = walk_of.get_mut(at as usize)
        {
            *walk = Some(start);
            at = manager;
        }
        // A walk that meets an earlier one, or ends, has found nothing new.
        let is_closed = walk_of.get(at as usize) == Some(&Some(start));
        if is_closed && cycles.len() == MAX_CYCLES {
            more += 1;
        } else if is_closed {
            let walk = std::iter::successors(next(at), |node| next(*node).filter(|_| *node != at));
            let mut members: Vec<u32> = walk.collect();
            let lowest = members.iter().enumerate().min_by_key(|(_, node)| **node);
            let position = lowest.map_or(0, |(position, _)| position);
            members.rotate_left(position);
            cycles.push(members);
        }
    }
    cycles.sort_unstable();
    (cycles, more)
}

/// Returns the numbers of records, counted from 1.
pub(super) fn numbers_from_1(records: &[u32]) -> Vec<u64> {
    records
        .iter()
        .map(|record| u64::from(*record) + 1)
        .collect()
}

/// Returns the warning on a cycle, for its first record. Numbers count from 1.
pub(super) fn cycle_item(rules: &Rules, login: Option<String>, cycle: &Cycle) -> Item {
    let first = cycle.records.first().copied().unwrap_or_default();
    let named = cycle.records.iter();
    let named: Vec<String> = named.map(|number| format!("record {number}")).collect();
    let others = if cycle.more > 0 {
        format!(", {} more", cycle.more)
    } else {
        String::new()
    };
    let problem = Problem {
        code: "cycle",
        message: Cow::Owned(format!(
            "these users are managers of each other, in a circle: {}{others}, record {first}",
            named.join(", ")
        )),
    };
    item(
        rules,
        first,
        login,
        Some(Attribute::ManagerUid),
        problem,
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::dedup::RecordKey;

    /// Builds the graph of records, each with an external id and that of the manager.
    fn graph(records: &[(&str, &str)], skip: &[u32]) -> ManagerGraph {
        let (mut ids, mut managers) = (Dedup::default(), Dedup::default());
        for (record, (id, manager)) in (0..).zip(records) {
            let key =
                |text: &str| (!text.is_empty()).then(|| RecordKey::new(&[7; 16], text, record));
            ids.extend(key(id));
            managers.extend(key(manager));
        }
        ManagerGraph::new(&mut ids, &mut managers, |record| skip.contains(&record))
    }

    #[test]
    fn cycles_of_any_length_are_found_once() {
        let records = [
            ("a", "b"), // 0 and 1 manage each other
            ("b", "a"),
            ("c", "a"), // reports to a cycle
            ("d", "e"), // 3, 4, 5
            ("e", "f"),
            ("f", "d"),
            ("g", "c"),
            ("h", ""),
            ("i", "h"),
        ];
        let graph = graph(&records, &[]);
        assert_eq!(graph.cycles, [vec![0, 1], vec![3, 4, 5]]);
        assert_eq!(graph.elsewhere, [0; 0]);
        assert_eq!(self::graph(&records, &[1]).cycles, [[3, 4, 5]]);
    }

    #[test]
    fn a_cycle_begins_with_its_first_record_wherever_it_is_entered() {
        let graph = graph(&[("x", "c"), ("a", "c"), ("b", "a"), ("c", "b")], &[]);
        assert_eq!(graph.cycles, [[1, 3, 2]]);
    }

    #[test]
    fn managers_who_are_not_in_the_input_are_known() {
        let graph = graph(&[("a", "x"), ("b", "a"), ("c", ""), ("", "y")], &[]);
        assert_eq!(graph.elsewhere, [0, 3]);
        assert_eq!(graph.cycles, [[0; 0]; 0]);
        assert_eq!(self::graph(&[("a", ""), ("b", "a")], &[0]).elsewhere, [1]);
        assert_eq!(self::graph(&[], &[]), ManagerGraph::default());
    }

    #[test]
    fn cycles_that_are_not_reported_are_counted() {
        let ids: Vec<String> = (0..250).map(|n| n.to_string()).collect();
        let pairs = |n: usize| (ids[n].as_str(), ids[n ^ 1].as_str());
        let graph = graph(&(0..ids.len()).map(pairs).collect::<Vec<_>>(), &[]);
        assert_eq!((graph.cycles.len(), graph.more_cycles), (MAX_CYCLES, 25));
        assert_eq!(graph.cycles[99], [198, 199]);
    }

    #[test]
    fn a_long_cycle_is_found_without_recursion() {
        let ids: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let records: Vec<(&str, &str)> = (0..ids.len())
            .map(|n| (ids[n].as_str(), ids[(n + 1) % ids.len()].as_str()))
            .collect();
        let graph = graph(&records, &[]);
        assert_eq!(graph.cycles.len(), 1);
        assert_eq!(graph.cycles[0].len(), 100_000);
        let cycle = Cycle::new(&graph.cycles[0]);
        assert_eq!((cycle.records.len(), cycle.more), (10, 99_990));
    }
}
