//! The protocol of a run as a model that can be searched: every order of steps, crashes, lost and
//! repeated messages within small bounds.

#[cfg(test)]
mod applying;
#[cfg(test)]
mod checking;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod mutant;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sync;
