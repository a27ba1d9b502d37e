//! Finding, in record order, which keys came before: 16 bytes a key, in 256 partitions that are
//! sorted at the end. A growing set would cost several times as much (ADR 0003).

use std::hash::Hasher as _;

use rayon::prelude::*;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// A secret that makes hashes unpredictable, so that nobody can choose keys that collide.
pub type HashKey = [u8; 16];

/// A key's 128-bit hash.
#[must_use]
pub fn hash(key: &HashKey, text: &str) -> u128 {
    let mut hasher = SipHasher13::new_with_key(key);
    hasher.write(text.as_bytes());
    hasher.finish128().as_u128()
}

const PARTITIONS: usize = 256;
const RECORD_BITS: u32 = 32;

/// Keys of records. An entry is 96 bits of the hash, then the record number; the partition holds
/// eight bits more. Two of 100 million keys collide with a probability below 10^-15.
#[derive(Debug)]
pub struct Dedup {
    partitions: Vec<Vec<u128>>,
}

impl Default for Dedup {
    fn default() -> Self {
        Self {
            partitions: vec![Vec::new(); PARTITIONS],
        }
    }
}

impl Dedup {
    /// Adds the key of a record.
    pub fn insert(&mut self, hash: u128, record: u32) {
        let partition = (hash & 0xff) as usize;
        if let Some(entries) = self.partitions.get_mut(partition) {
            if entries.len() == entries.capacity() {
                // Half of a doubled vector would stay empty on average.
                entries.reserve_exact(64 + entries.len() / 4);
            }
            entries.push((hash >> RECORD_BITS << RECORD_BITS) | u128::from(record));
        }
    }

    /// The records whose key an earlier record had, ascending, each with the first of these.
    /// Records in `skip` do not count: neither as earlier nor as later ones.
    #[must_use]
    pub fn repeated(self, skip: impl Fn(u32) -> bool + Sync) -> Vec<Repeated> {
        let mut repeated: Vec<Repeated> = self
            .partitions
            .into_par_iter()
            .flat_map_iter(|mut entries| {
                entries.retain(|entry| !skip(record_of(*entry)));
                entries.sort_unstable();
                let mut later = Vec::new();
                let mut first: Option<u128> = None;
                for entry in entries {
                    match first {
                        Some(seen) if seen >> RECORD_BITS == entry >> RECORD_BITS => {
                            later.push(Repeated {
                                record: record_of(entry),
                                first: record_of(seen),
                            });
                        }
                        _ => first = Some(entry),
                    }
                }
                later
            })
            .collect();
        repeated.sort_unstable();
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

const fn record_of(entry: u128) -> u32 {
    (entry & u32::MAX as u128) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(keys: &[&str], skip: &[u32]) -> Vec<(u32, u32)> {
        let mut dedup = Dedup::default();
        for (record, key) in (0..).zip(keys) {
            dedup.insert(hash(&[7; 16], key), record);
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
    }

    #[test]
    fn a_skipped_record_is_no_earlier_one() {
        assert_eq!(repeated(&["a", "a", "a"], &[0]), [(2, 1)]);
    }
}
