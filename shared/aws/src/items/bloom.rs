//! A Bloom filter over logins: it tells of a segment which logins none of its items has. It is
//! stored, so what is here does not change: of the SHA-256 of a login's canonical form (UTF-8),
//! bytes 0–7 are `a` and bytes 8–15 are `b | 1`, both little-endian; probe `i` of eight is bit
//! `(a + i·b mod 2^64) mod bits`, bit `n` being `1 << (n mod 8)` of byte `n / 8`. At twelve bits a
//! login one segment in three hundred is read in vain.

use sha2::{Digest as _, Sha256};

const BITS_PER_LOGIN: usize = 12;
const PROBES: u64 = 8;

/// Where a login would be found in a filter of any size.
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

    /// The bytes and masks of its bits in a filter of so many bytes.
    fn bits(self, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
        let bits = (bytes as u64).saturating_mul(8).max(1);
        (0..PROBES).map(move |i| {
            let bit = self.a.wrapping_add(self.b.wrapping_mul(i)) % bits;
            let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX);
            (byte, 1 << (bit % 8))
        })
    }

    /// Whether the login may be one of those that `filter` was made of.
    pub(super) fn may_be_in(self, filter: &[u8]) -> bool {
        self.bits(filter.len())
            .all(|(byte, mask)| filter.get(byte).is_some_and(|byte| byte & mask != 0))
    }
}

/// A filter of these logins, each given once; empty, if there are none.
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
    fn every_login_is_found_and_hardly_any_other() {
        let (logins, others) = (probes("user"), probes("other"));
        let filter = filter(&logins);
        assert_eq!(filter.len(), 1_500);
        assert!(logins.iter().all(|login| login.may_be_in(&filter)));
        let mistaken = others.iter().filter(|other| other.may_be_in(&filter));
        assert!(mistaken.count() < 15);
    }

    #[test]
    fn nothing_is_in_an_empty_filter() {
        assert!(filter(&[]).is_empty());
        assert!(!Probe::of("jack.woo").may_be_in(&[]));
    }

    #[test]
    fn a_filter_is_what_it_was_when_the_first_ones_were_stored() {
        let filter = filter(&["jack.woo", "ěva", "7"].map(Probe::of));
        assert_eq!(filter, [113, 172, 158, 66, 157]);
    }
}
