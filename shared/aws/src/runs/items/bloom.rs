//! A Bloom filter over the logins of a segment, which rules out logins that none of its items has.
//! Filters are stored, so the algorithm must not change. From the SHA-256 of a login's canonical
//! form (UTF-8), bytes 0–7 are `a` and bytes 8–15 are `b`, both little-endian, with the lowest bit
//! of `b` set; probe `i` of eight is bit `(a + i·b mod 2^64) mod bits`, where bit `n` is
//! `1 << (n mod 8)` of byte `n / 8`. With twelve bits per login, one segment in three hundred is
//! read in vain.

use sha2::{Digest as _, Sha256};

const BITS_PER_LOGIN: usize = 12;
const PROBES: u64 = 8;

/// Hash of a login, from which its bits in a filter of any size follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Probe {
    a: u64,
    b: u64,
}

impl Probe {
    pub(super) fn of(canonical: &str) -> Self {
        let digest = Sha256::digest(canonical.as_bytes());
        let mut halves = digest.chunks_exact(8).map(|half| {
            half.iter()
                .rev()
                .fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
        });
        let mut half = || halves.next().unwrap_or_default();
        Self {
            a: half(),
            b: half() | 1,
        }
    }

    /// Returns the byte index and mask of each of its bits in a filter of `bytes` bytes.
    fn bits(self, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
        let bits = (bytes as u64).saturating_mul(8).max(1);
        (0..PROBES).map(move |i| {
            let bit = self.a.wrapping_add(self.b.wrapping_mul(i)) % bits;
            let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX);
            (byte, 1 << (bit % 8))
        })
    }

    /// Returns true if the login may be among those that `filter` was built from.
    pub(super) fn may_be_in(self, filter: &[u8]) -> bool {
        self.bits(filter.len())
            .all(|(byte, mask)| filter.get(byte).is_some_and(|byte| byte & mask != 0))
    }
}

/// Builds the filter of these distinct logins; empty if there are none.
pub(super) fn filter(logins: &[Probe]) -> Vec<u8> {
    let mut filter = vec![0; (logins.len() * BITS_PER_LOGIN).div_ceil(8)];
    for login in logins {
        for (byte, mask) in login.bits(filter.len()) {
            if let Some(byte) = filter.get_mut(byte) {
                *byte |= mask;
            }
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(prefix: &str) -> Vec<Probe> {
        (0..1_000)
            .map(|number| Probe::of(&format!("{prefix}.{number}")))
            .collect()
    }

    #[test]
    fn a_filter_contains_its_logins_and_hardly_any_others() {
        let (logins, others) = (probes("user"), probes("other"));
        let filter = filter(&logins);
        assert_eq!(filter.len(), 1_500);
        assert!(logins.iter().all(|login| login.may_be_in(&filter)));
        let false_positives = others.iter().filter(|other| other.may_be_in(&filter));
        assert!(false_positives.count() < 15);
    }

    #[test]
    fn an_empty_filter_contains_nothing() {
        assert!(filter(&[]).is_empty());
        assert!(!Probe::of("jack.woo").may_be_in(&[]));
    }

    #[test]
    fn the_stored_filter_format_does_not_change() {
        let filter = filter(&["jack.woo", "ěva", "7"].map(Probe::of));
        assert_eq!(filter, [113, 172, 158, 66, 157]);
    }
}
