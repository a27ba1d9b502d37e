//! Sample data for imports, as a library: what `muster generate` writes, callable from tests.
//! Nothing here uses `muster-core`: the reckoning that comes with the data is independent of
//! the engine it is compared with.

pub mod generate;
