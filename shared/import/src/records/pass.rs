//! One pass over the records of an input.

use muster_core::rules::Rules;

use super::moves::Phase;
use super::record::RecordOutcomes;
use super::sender::Sender;
use super::user_ids::UserIds;
use crate::run::context::RunContext;

/// One pass over the records of an input: what it needs, and the outcomes so far.
pub(super) struct Pass<'p, 's> {
    pub(super) sender: &'p mut Sender<'s>,
    pub(super) rules: &'p Rules,
    pub(super) context: &'p RunContext<'p>,
    pub(super) ids: &'p mut UserIds,
    pub(super) outcomes: &'p mut RecordOutcomes,
    pub(super) phase: Phase<'p>,
}
