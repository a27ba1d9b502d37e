//! The safety threshold: the number of users that a run may ignore before it is refused as a whole.
//! It is checked once, on the plan of all records, before the first is written
//! (contract.md#safety-threshold).

use muster_core::run::Counts;
use muster_core::settings::SafetyThreshold;

/// Returns the error of an exceeded threshold, or `None` if the threshold is met.
pub(crate) fn exceeded(threshold: SafetyThreshold, counts: Counts) -> Option<String> {
    let Counts { ignored, total, .. } = counts;
    let (is_exceeded, limit) = match threshold {
        SafetyThreshold::Records(max) => (ignored > max, max.to_string()),
        SafetyThreshold::Percent(percent) => (
            u128::from(ignored) * 100 > u128::from(total) * u128::from(percent),
            format!("{percent} %"),
        ),
    };
    is_exceeded.then(|| {
        format!(
            "the safety threshold stopped the import: {ignored} of {total} users would be \
             ignored, the task allows {limit}; nothing was imported"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strictly_more_than_the_threshold_exceeds_it() {
        use SafetyThreshold::{Percent, Records};

        for (threshold, ignored, total, is_exceeded) in [
            (Records(0), 0, 10, false),
            (Records(0), 1, 10, true),
            (Records(3), 3, 3, false),
            (Records(3), 4, 1_000, true),
            (Percent(0), 0, 0, false),
            (Percent(0), 1, 20_000, true),
            (Percent(5), 1, 20, false),
            (Percent(5), 2, 20, true),
            (Percent(5), 1, 19, true),
            (Percent(100), 20, 20, false),
        ] {
            let counts = Counts {
                ignored,
                total,
                // Neither of these counts as ignored.
                empty: total - ignored,
                duplicated: 1_000,
                ..Counts::default()
            };
            let error = exceeded(threshold, counts);
            assert_eq!(
                error.is_some(),
                is_exceeded,
                "{threshold:?} {ignored} of {total}"
            );
            assert!(error.is_none_or(|error| error.contains(&format!("{ignored} of {total}"))));
        }
    }
}
