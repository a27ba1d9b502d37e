//! The records of a run: planned on the current directory, then applied or, in a dry run, counted.

pub(crate) mod apply;
pub(crate) mod claims;
pub(crate) mod conflicts;
pub(crate) mod directory;
pub(crate) mod dry_run;
pub(crate) mod identify;
pub(crate) mod kept;
pub(crate) mod managers;
pub(crate) mod moves;
mod pace;
mod pass;
pub(crate) mod plan;
mod prepare;
pub(crate) mod record;
mod rename;
pub(crate) mod sender;
pub(crate) mod stamped;
mod take;
pub(crate) mod threshold;
mod user_ids;
mod write;
