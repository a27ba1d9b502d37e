//! Finds records that share a value which need not be unique, such as an e-mail address, with 8 bytes
//! for each record. What it finds is only mentioned: unlike [`super::dedup`], its hash is fast rather
//! than long.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;

use super::dedup::HashKey;

/// Bits of the filter for each value. One value in this many seems to repeat an earlier one at first.
const FILTER_BITS_PER_VALUE: usize = 32;

/// The hash of no value.
const ABSENT: u64 = 0;

/// Hashes values with a secret.
#[derive(Debug, Clone)]
pub struct ValueHasher(FixedState);

impl ValueHasher {
    /// Creates a hasher from a secret.
    #[must_use]
    pub fn new(key: &HashKey) -> Self {
        let (half, _) = key.split_at(8);
        let seed = half.try_into().map_or(0, u64::from_le_bytes);
        Self(FixedState::with_seed(seed))
    }

    /// Returns the hash of a value.
    #[must_use]
    #[inline]
    pub fn hash(&self, value: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(value);
        hasher.finish().max(ABSENT + 1)
    }
}

/// Hashes of the values of records, by record.
#[derive(Debug, Default)]
pub struct SharedValues(Vec<u64>);

impl SharedValues {
    /// Adds the value of a record behind all earlier ones; records between them have none.
    #[inline]
    pub fn push(&mut self, record: u32, hash: u64) {
        if self.0.len() < record as usize {
            self.0.resize(record as usize, ABSENT);
        }
        self.0.push(hash);
    }

    /// Adds those of the records that begin with number `first`, from 0.
    pub fn extend(&mut self, first: u64, next: &Self) {
        if next.0.is_empty() {
            return;
        }
        if let Ok(first) = usize::try_from(first) {
            self.0.resize(first, ABSENT);
            self.0.extend_from_slice(&next.0);
        }
    }

    /// Returns the number of records with the value of an earlier record, and the first `max` of them,
    /// each with the first record that has the value. Records in `skip` are ignored.
    #[must_use]
    pub fn repeated(&self, max: usize, skip: impl Fn(u32) -> bool) -> (u64, Vec<(u32, u32)>) {
        let values = || (0..).zip(&self.0).filter(|(_, hash)| **hash != ABSENT);
        let mut filter = Filter::new(self.0.len());
        let mut candidates: Vec<u64> = values()
            .filter(|(_, hash)| filter.insert(**hash))
            .map(|(_, hash)| *hash)
            .collect();
        if candidates.is_empty() {
            return (0, Vec::new());
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut first: Vec<Option<u32>> = vec![None; candidates.len()];
        filter.clear();
        for hash in &candidates {
            filter.insert(*hash);
        }
        let (mut count, mut pairs) = (0, Vec::new());
        for (record, hash) in values().filter(|(_, hash)| filter.contains(**hash)) {
            let Ok(index) = candidates.binary_search(hash) else {
                continue;
            };
            if skip(record) {
                continue;
            }
            match first.get_mut(index) {
                Some(Some(first)) => {
                    count += 1;
                    if pairs.len() < max {
                        pairs.push((record, *first));
                    }
                }
                Some(entry) => *entry = Some(record),
                None => {}
            }
        }
        (count, pairs)
    }
}

/// A set of hashes, with errors: it may contain others.
struct Filter {
    words: Vec<u64>,
    mask: u64,
}

impl Filter {
    fn new(values: usize) -> Self {
        let bits = (values * FILTER_BITS_PER_VALUE).next_power_of_two().max(64);
        Self {
            words: vec![0; bits / 64],
            mask: bits as u64 - 1,
        }
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    const fn place(&self, hash: u64) -> (usize, u64) {
        let bit = hash & self.mask;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// Returns `true` if the hash seems to be in the set already.
    fn insert(&mut self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        let Some(word) = self.words.get_mut(word) else {
            return false;
        };
        let was_set = *word & bit != 0;
        *word |= bit;
        was_set
    }

    fn contains(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn shared(values: &[&str]) -> SharedValues {
        let hasher = ValueHasher::new(&[7; 16]);
        let mut shared = SharedValues::default();
        for (record, value) in (0..).zip(values) {
            if !value.is_empty() {
                shared.push(record, hasher.hash(value.as_bytes()));
            }
        }
        shared
    }

    #[test]
    fn later_records_with_a_value_of_an_earlier_one_are_found() {
        let values = shared(&["a", "", "b", "a", "", "b", "a"]);
        assert_eq!(
            values.repeated(9, |_| false),
            (3, vec![(3, 0), (5, 2), (6, 0)])
        );
        assert_eq!(values.repeated(1, |_| false), (3, vec![(3, 0)]));
        assert_eq!(
            values.repeated(9, |record| record == 0),
            (2, vec![(5, 2), (6, 3)])
        );
        assert_eq!(shared(&["a", "b"]).repeated(9, |_| false), (0, vec![]));
        assert_eq!(SharedValues::default().repeated(9, |_| false), (0, vec![]));
    }

    #[test]
    fn parts_are_put_together_by_their_first_record() {
        let mut values = SharedValues::default();
        values.extend(0, &shared(&["a"]));
        values.extend(3, &shared(&["", "a", "b"]));
        values.extend(7, &shared(&[]));
        values.extend(8, &shared(&["b"]));
        assert_eq!(values.repeated(9, |_| false), (2, vec![(4, 0), (8, 5)]));
    }

    #[test]
    fn many_values_give_the_same_result_as_a_hash_map() {
        let values: Vec<String> = (0..50_000_u64)
            .map(|n| (n * 7_919 % 40_000).to_string())
            .collect();
        let mut seen = HashMap::new();
        let expected: Vec<_> = (0..)
            .zip(&values)
            .filter_map(|(record, value)| {
                let first = *seen.entry(value).or_insert(record);
                (first < record).then_some((record, first))
            })
            .collect();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let found = shared(&values).repeated(usize::MAX, |_| false);
        assert_eq!(found, (expected.len() as u64, expected));
    }
}
