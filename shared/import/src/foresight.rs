//! The end of a dry run: every record is counted as a real run would count it, and nothing is
//! written. What others change in the directory meanwhile is the only difference.

use crate::claiming::foresee;
use crate::planning::{Decision, decide};
use crate::sending::{Halt, Sender};
use crate::work::{Ledger, Record, RunContext, Standing};
use muster_core::rules::Rules;

/// Counts what the planned records would change.
pub(crate) async fn count(
    sender: &Sender<'_>,
    rules: &Rules,
    context: &RunContext<'_>,
    mut records: Vec<Record>,
    standing: &Standing,
    ledger: &mut Ledger,
) -> Result<(), Halt> {
    foresee(sender, rules, context, records.iter_mut(), standing).await?;
    for record in records {
        // Without its external id, a record may change nothing.
        match decide(
            rules,
            context,
            &record,
            standing.get(record.canon()),
            ledger,
        ) {
            Some(Decision::Create { .. }) => ledger.created(record),
            Some(Decision::Update { .. }) => ledger.updated(record),
            Some(Decision::Unchanged) => ledger.unchanged(record),
            None => {}
        }
    }
    Ok(())
}
