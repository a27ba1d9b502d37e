//! A set of record numbers as a short text.

use serde::{Deserialize, Serialize};

/// Numbers of records: `1+3,2` stands for 1, 2, 3 and 6. Each range has the gap since the end of the
/// one before it, and its length unless that is 1. Every other one of 2,000 records takes 2 KB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordNumbers(String);

impl RecordNumbers {
    /// Returns the set of these numbers, in any order.
    #[must_use]
    pub fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some((first, length)) if *first + *length == number => *length += 1,
                _ => ranges.push((number, 1)),
            }
        }
        let mut end = 0;
        let ranges = ranges.into_iter().map(|(first, length)| {
            let gap = first - end;
            end = first + length;
            match length {
                1 => gap.to_string(),
                _ => format!("{gap}+{length}"),
            }
        });
        Self(ranges.collect::<Vec<_>>().join(","))
    }

    /// Returns true if the set is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_ranges_and_gaps_are_counted() {
        for (numbers, text) in [
            (vec![], ""),
            (vec![7], "7"),
            (vec![3, 1, 2, 2, 6], "1+3,2"),
            (vec![2_001, 2_002, 2_005, 2_006], "2001+2,2+2"),
        ] {
            assert_eq!(RecordNumbers::of(numbers.clone()).0, text, "{numbers:?}");
        }
    }

    #[test]
    fn every_other_record_of_a_chunk_is_a_few_kilobytes() {
        let numbers = (9_000_001..9_002_001).step_by(2).collect();
        assert!(RecordNumbers::of(numbers).0.len() < 4_000);
    }
}
