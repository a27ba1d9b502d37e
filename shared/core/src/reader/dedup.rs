//! Finding which keys of records came before: 16 bytes a key, in 256 partitions that are looked
//! through at the end. One growing set would cost several times as much time, and memory for two
//! of it while it grows (ADR 0003).

use std::hash::Hasher as _;

use rayon::prelude::*;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// A secret that makes hashes unpredictable, so that nobody can choose keys that collide.
pub type HashKey = [u8; 16];

/// The key of a record, as 96 bits of its keyed hash, and the record's number. Two of 100 million
/// keys collide with a probability below 10^-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(u128);

const RECORD_BITS: u32 = 32;
const PARTITION_BITS: u32 = 8;
/// Entries that are allocated at once: 4 KB.
const BLOCK: usize = 256;
/// Entries that are distributed at once: 256 KB.
const RECENT: usize = 16 * 1024;
/// Below this many entries, looking through them is not worth waking other threads.
const FEW: usize = 50_000;

impl Entry {
    /// The entry of a record whose key is `text`.
    #[must_use]
    #[inline]
    pub fn new(key: &HashKey, text: &str, record: u32) -> Self {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(text.as_bytes());
        let hash = hasher.finish128().as_u128();
        Self(hash >> RECORD_BITS << RECORD_BITS | u128::from(record))
    }

    /// The same key for the record that comes `by` records later.
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

    /// What of the hash tells entries of a partition apart quickly.
    const fn place(self) -> usize {
        (self.0 >> (RECORD_BITS + PARTITION_BITS)) as usize
    }

    const fn has_key_of(self, other: Self) -> bool {
        (self.0 ^ other.0) >> RECORD_BITS == 0
    }
}

/// Keys of records, added in the order of the records.
#[derive(Debug)]
pub struct Dedup {
    /// Entries that wait for their partition: going through all partitions for every few entries
    /// would drive everything else out of the cache.
    recent: Vec<Entry>,
    partitions: Vec<Partition>,
}

/// Entries in blocks: they never move, so nothing is copied and no memory lies idle.
#[derive(Debug, Clone, Default)]
struct Partition {
    full: Vec<Vec<Entry>>,
    last: Vec<Entry>,
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
    /// Adds the keys of records that are behind all others.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.recent.extend(entries);
        if self.recent.len() >= RECENT {
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

    /// The records whose key an earlier record had, ascending, each with the first of these.
    /// Records in `skip` do not count: neither as earlier nor as later ones.
    #[must_use]
    pub fn repeated(&mut self, skip: impl Fn(u32) -> bool + Sync) -> Vec<Repeated> {
        self.distribute();
        let entries: usize = self.partitions.iter().map(Partition::len).sum();
        let mut repeated: Vec<Repeated> = if entries < FEW {
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
}

impl Partition {
    #[inline]
    fn push(&mut self, entry: Entry) {
        if self.last.len() == self.last.capacity() {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(BLOCK));
            self.full.extend(Some(full).filter(|full| !full.is_empty()));
        }
        self.last.push(entry);
    }

    fn len(&self) -> usize {
        self.full.len() * BLOCK + self.last.len()
    }

    fn get(&self, index: usize) -> Option<Entry> {
        let block = self.full.get(index / BLOCK).unwrap_or(&self.last);
        block.get(index % BLOCK).copied()
    }

    /// `table` is memory to work in: indexes of first entries by their hash, plus one.
    fn repeated(&self, table: &mut Vec<u32>, skip: impl Fn(u32) -> bool) -> Vec<Repeated> {
        let slots = (2 * self.len()).next_power_of_two();
        table.clear();
        table.resize(slots, 0);
        let mut repeated = Vec::new();
        for index in 0..self.len() {
            let Some(entry) = self.get(index).filter(|entry| !skip(entry.record())) else {
                continue;
            };
            // Half of the slots stay empty: the search ends.
            let mut slot = entry.place() % slots;
            while let Some(taken) = table.get_mut(slot) {
                match (*taken as usize)
                    .checked_sub(1)
                    .and_then(|first| self.get(first))
                {
                    None => {
                        *taken = index as u32 + 1;
                        break;
                    }
                    Some(first) if first.has_key_of(entry) => {
                        repeated.push(Repeated {
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

/// A record whose key came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repeated {
    /// The later record.
    pub record: u32,
    /// The first one with that key.
    pub first: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn repeated(keys: &[&str], skip: &[u32]) -> Vec<(u32, u32)> {
        let mut dedup = Dedup::default();
        for (record, key) in (0..).zip(keys) {
            dedup.extend([Entry::new(&[7; 16], key, 0).later(record)]);
        }
        let repeated = dedup.repeated(|record| skip.contains(&record));
        repeated.iter().map(|r| (r.record, r.first)).collect()
    }

    #[test]
    fn every_later_record_with_the_same_key_is_named() {
        assert_eq!(
            repeated(&["a", "b", "a", "c", "b", "a"], &[]),
            [(2, 0), (4, 1), (5, 0)]
        );
        assert_eq!(repeated(&["a", "b"], &[]), []);
        assert_eq!(repeated(&[], &[]), []);
    }

    #[test]
    fn a_skipped_record_is_no_earlier_one() {
        assert_eq!(repeated(&["a", "a", "a"], &[0]), [(2, 1)]);
        assert_eq!(repeated(&["a", "a", "a"], &[1]), [(2, 0)]);
    }

    #[test]
    fn many_keys_are_found_as_a_map_finds_them() {
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
