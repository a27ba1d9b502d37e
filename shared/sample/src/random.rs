//! A source of randomness that gives the same choices for the same seed, on every platform and with
//! every version of the `rand` crate.

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

/// A seeded random generator. The output of Xoshiro256++, one of rand's named generators, is
/// guaranteed to be stable. Choices are derived here, because rand's distributions have no such
/// guarantee.
pub(super) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns a number from 0 to `bound - 1`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product of two 64-bit numbers is below either of them.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns `true` once in `n` times on average.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Returns a position in a sequence of this length; 0 for an empty one.
    pub(super) fn position(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// Returns one of the choices; the default of `T` if there are none.
    pub(super) fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let position = self.position(choices.len());
        choices.get(position).copied().unwrap_or_default()
    }
}
