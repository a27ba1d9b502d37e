//! Finds the keys of records that repeat an earlier key: 16 bytes per key, in 256 partitions that
//! are searched at the end. A single growing set would take several times as long, and twice its
//! memory while it grows (ADR 0003).

use std::hash::Hasher as _;

use rayon::prelude::*;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// A secret that makes hashes unpredictable, so that nobody can choose colliding keys.
pub type HashKey = [u8; 16];

/// The key of a record, as 96 bits of its keyed hash, and the record's number. Two of 100 million
/// keys collide with a probability below 10^-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey(u128);

const RECORD_BITS: u32 = 32;
const PARTITION_BITS: u32 = 8;
/// Entries allocated at once: 4 KB.
const BLOCK_ENTRIES: usize = 256;
/// Entries distributed at once: 256 KB.
const MAX_RECENT_ENTRIES: usize = 16 * 1024;
/// Minimum number of entries to search in parallel: for fewer, waking other threads costs more.
const MIN_PARALLEL_ENTRIES: usize = 50_000;

impl RecordKey {
    /// Returns the entry of a record whose key is `text`.
    #[must_use]
    #[inline]
    pub fn new(key: &HashKey, text: &str, record: u32) -> Self {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(text.as_bytes());
        let hash = hasher.finish128().as_u128();
        Self(hash >> RECORD_BITS << RECORD_BITS | u128::from(record))
    }

    /// Returns the same key for the record that is `by` records later.
    #[must_use]
    #[inline]
    pub const fn later(self, by: u32) -> Self {
        Self(self.0 + by as u128)
    }

    const fn record(self) -> u32 {
        self.0 as u32
    }

    const fn partition(self) -> usize {
        (self.0 >> RECORD_BITS) as usize % (1 << PARTITION_BITS)
    }

    /// Returns the part of the hash that selects a slot within a partition.
    const fn slot_hash(self) -> usize {
        (self.0 >> (RECORD_BITS + PARTITION_BITS)) as usize
    }

    const fn has_key_of(self, other: Self) -> bool {
        (self.0 ^ other.0) >> RECORD_BITS == 0
    }
}

/// Keys of records, added in record order.
#[derive(Debug)]
pub struct Dedup {
    /// Entries not yet distributed: visiting all partitions for every few entries would evict
    /// everything else from the cache.
    recent: Vec<RecordKey>,
    partitions: Vec<Partition>,
}

/// Entries in blocks, which never move: nothing is copied and no memory is idle.
#[derive(Debug, Clone, Default)]
struct Partition {
    full: Vec<Vec<RecordKey>>,
    last: Vec<RecordKey>,
}

impl Default for Dedup {
    fn default() -> Self {
        Self {
            recent: Vec::new(),
            partitions: vec![Partition::default(); 1 << PARTITION_BITS],
        }
    }
}

impl Dedup {
    /// Adds the keys of records that follow all earlier ones.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = RecordKey>) {
        self.recent.extend(entries);
        if self.recent.len() >= MAX_RECENT_ENTRIES {
            self.distribute();
        }
    }

    fn distribute(&mut self) {
        for entry in self.recent.drain(..) {
            if let Some(partition) = self.partitions.get_mut(entry.partition()) {
                partition.push(entry);
            }
        }
    }

    /// Returns the records whose key an earlier record has, ascending, each with the first record
    /// of that key. Records in `skip` are ignored, both as earlier and as later ones.
    #[must_use]
    pub fn repeated(&mut self, skip: impl Fn(u32) -> bool + Sync) -> Vec<RepeatedRecord> {
        self.distribute();
        let entries: usize = self.partitions.iter().map(Partition::len).sum();
        let mut repeated: Vec<RepeatedRecord> = if entries < MIN_PARALLEL_ENTRIES {
            let mut table = Vec::new();
            self.partitions
                .iter()
                .flat_map(|partition| partition.repeated(&mut table, &skip))
                .collect()
        } else {
            self.partitions
                .par_iter()
                .map_init(Vec::new, |table, partition| {
                    partition.repeated(table, &skip)
                })
                .flatten_iter()
                .collect()
        };
        repeated.sort_unstable();
        repeated
    }

    /// Returns the records of `others`, in no particular order, each with the first record here that has
    /// the same key. Records in `skip` are ignored on both sides.
    #[must_use]
    pub fn first_with_key_of(
        &mut self,
        others: &mut Self,
        skip: impl Fn(u32) -> bool + Sync,
    ) -> Vec<(u32, Option<u32>)> {
        self.distribute();
        others.distribute();
        let mut table = Vec::new();
        let pairs = self.partitions.iter().zip(&others.partitions);
        pairs
            .flat_map(|(partition, others)| partition.first_with_key_of(others, &mut table, &skip))
            .collect()
    }
}

impl Partition {
    #[inline]
    fn push(&mut self, entry: RecordKey) {
        if self.last.len() == self.last.capacity() {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(BLOCK_ENTRIES));
            self.full.extend(Some(full).filter(|full| !full.is_empty()));
        }
        self.last.push(entry);
    }

    fn len(&self) -> usize {
        self.full.len() * BLOCK_ENTRIES + self.last.len()
    }

    fn get(&self, index: usize) -> Option<RecordKey> {
        let block = self.full.get(index / BLOCK_ENTRIES).unwrap_or(&self.last);
        block.get(index % BLOCK_ENTRIES).copied()
    }

    fn first_with_key_of(
        &self,
        others: &Self,
        table: &mut Vec<u32>,
        skip: impl Fn(u32) -> bool,
    ) -> Vec<(u32, Option<u32>)> {
        if others.len() == 0 {
            return Vec::new();
        }
        // Fills the table.
        drop(self.repeated(table, &skip));
        let slots = table.len();
        let others = (0..others.len()).filter_map(|index| others.get(index));
        let others = others.filter(|entry| !skip(entry.record()));
        let first = |entry: RecordKey| {
            let mut slot = entry.slot_hash() % slots;
            loop {
                let first = (*table.get(slot)? as usize).checked_sub(1)?;
                let first = self.get(first)?;
                if first.has_key_of(entry) {
                    return Some(first.record());
                }
                slot = (slot + 1) % slots;
            }
        };
        others.map(|entry| (entry.record(), first(entry))).collect()
    }

    /// `table` is scratch memory: indexes of first entries by their hash, plus one.
    fn repeated(&self, table: &mut Vec<u32>, skip: impl Fn(u32) -> bool) -> Vec<RepeatedRecord> {
        let slots = (2 * self.len()).next_power_of_two();
        table.clear();
        table.resize(slots, 0);
        let mut repeated = Vec::new();
        for index in 0..self.len() {
            let Some(entry) = self.get(index).filter(|entry| !skip(entry.record())) else {
                continue;
            };
            // Half of the slots stay empty, so the search ends.
            let mut slot = entry.slot_hash() % slots;
            while let Some(occupied) = table.get_mut(slot) {
                match (*occupied as usize)
                    .checked_sub(1)
                    .and_then(|first| self.get(first))
                {
                    None => {
                        *occupied = index as u32 + 1;
                        break;
                    }
                    Some(first) if first.has_key_of(entry) => {
                        repeated.push(RepeatedRecord {
                            record: entry.record(),
                            first: first.record(),
                        });
                        break;
                    }
                    Some(_) => slot = (slot + 1) % slots,
                }
            }
        }
        repeated
    }
}

/// A record with the key of an earlier record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepeatedRecord {
    /// The later record.
    pub record: u32,
    /// The first record with the key.
    pub first: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn repeated(keys: &[&str], skip: &[u32]) -> Vec<(u32, u32)> {
        let mut dedup = Dedup::default();
        for (record, key) in (0..).zip(keys) {
            dedup.extend([RecordKey::new(&[7; 16], key, 0).later(record)]);
        }
        let repeated = dedup.repeated(|record| skip.contains(&record));
        repeated.iter().map(|r| (r.record, r.first)).collect()
    }

    #[test]
    fn every_later_record_with_the_same_key_is_found() {
        assert_eq!(
            repeated(&["a", "b", "a", "c", "b", "a"], &[]),
            [(2, 0), (4, 1), (5, 0)]
        );
        assert_eq!(repeated(&["a", "b"], &[]), []);
        assert_eq!(repeated(&[], &[]), []);
    }

    #[test]
    fn a_skipped_record_does_not_count_as_an_earlier_one() {
        assert_eq!(repeated(&["a", "a", "a"], &[0]), [(2, 1)]);
        assert_eq!(repeated(&["a", "a", "a"], &[1]), [(2, 0)]);
    }

    #[test]
    fn keys_are_found_among_others() {
        let dedup = |keys: &[&str]| {
            let mut dedup = Dedup::default();
            for (record, key) in (0..).zip(keys) {
                dedup.extend([RecordKey::new(&[7; 16], key, record)]);
            }
            dedup
        };
        let found = |skip: u32| {
            let (mut ids, mut others) =
                (dedup(&["a", "b", "a", "c"]), dedup(&["c", "x", "a", "b"]));
            let mut found = ids.first_with_key_of(&mut others, |record| record == skip);
            found.sort_unstable();
            found
        };
        assert_eq!(
            found(9),
            [(0, Some(3)), (1, None), (2, Some(0)), (3, Some(1))]
        );
        assert_eq!(found(0), [(1, None), (2, Some(2)), (3, Some(1))]);
        let nothing = Dedup::default().first_with_key_of(&mut dedup(&["a"]), |_| false);
        assert_eq!(nothing, [(0, None)]);
    }

    #[test]
    fn many_keys_give_the_same_result_as_a_hash_map() {
        for records in [1_000_u32, 200_000] {
            let keys: Vec<String> = (0..records)
                .map(|record| (u64::from(record) * 7_919 % u64::from(records * 2 / 3)).to_string())
                .collect();
            let mut seen = HashMap::new();
            let expected: Vec<_> = (0..)
                .zip(&keys)
                .filter_map(|(record, key)| match *seen.entry(key).or_insert(record) {
                    first if first < record => Some((record, first)),
                    _ => None,
                })
                .collect();
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            assert_eq!(repeated(&keys, &[]), expected);
        }
    }
}
