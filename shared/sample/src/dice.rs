//! The source of chance: the same choices for the same seed, on every platform and in every
//! version of the `rand` crate.

use rand::{Rng, SeedableRng, rngs::Xoshiro256PlusPlus};

/// A seeded source of choices. Xoshiro256++ is one of rand's named generators, whose output is
/// promised not to change; how its numbers become choices is done here, because rand's own
/// distributions carry no such promise.
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number from 0 up to, but without, `bound`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product of two 64-bit numbers is below either of them.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A position in a sequence of this length; 0 for an empty one.
    pub(super) fn position(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// One of the choices; the default of `T` if there is none.
    pub(super) fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let position = self.position(choices.len());
        choices.get(position).copied().unwrap_or_default()
    }
}
