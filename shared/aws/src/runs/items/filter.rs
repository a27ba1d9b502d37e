//! Filters of items, and their evaluation on an item or on the summary of a segment.

use muster_core::item::{Item, Severity, display_login};
use muster_core::login::canon;

use super::bloom::Probe;
use super::summary::SegmentSummary;

/// Filter of a run's items; an item must match every criterion that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// This code, or a code that starts with it and a dot.
    pub code: Option<String>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Number of the record.
    pub record: Option<u64>,
    /// JSON key.
    pub key: Option<String>,
    /// Login in any spelling, as it was sent or as items display it.
    pub login: Option<String>,
}

/// A filter with its derived values, which are computed once.
#[derive(Debug)]
pub(in crate::runs) struct ItemQuery<'f> {
    filter: &'f ItemFilter,
    login: Option<LoginQuery>,
}

#[derive(Debug)]
struct LoginQuery {
    /// Canonical forms of the login as sent and as items display it.
    forms: [String; 2],
    probes: [Probe; 2],
}

impl LoginQuery {
    fn of(login: &str) -> Self {
        let forms = [
            canon(login).into_owned(),
            canon(&display_login(login)).into_owned(),
        ];
        let probes = [Probe::of(&forms[0]), Probe::of(&forms[1])];
        Self { forms, probes }
    }
}

fn code_matches(code: &str, requested: &str) -> bool {
    code.strip_prefix(requested)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl<'f> ItemQuery<'f> {
    pub(super) fn new(filter: &'f ItemFilter) -> Self {
        let login = filter.login.as_deref().map(LoginQuery::of);
        Self { filter, login }
    }

    /// Returns true if the filter matches every item.
    pub(super) fn is_all(&self) -> bool {
        *self.filter == ItemFilter::default()
    }

    /// Returns true if the Bloom filter of a segment is needed to tell whether it can match.
    pub(super) const fn needs_logins(&self) -> bool {
        self.login.is_some()
    }

    /// Returns the number of the only record that the filter matches.
    pub(in crate::runs) const fn record(&self) -> Option<u64> {
        self.filter.record
    }

    pub(super) fn matches(&self, item: &Item) -> bool {
        let ItemFilter {
            code,
            severity,
            record,
            key,
            login: _,
        } = self.filter;
        code.as_ref()
            .is_none_or(|code| code_matches(&item.code, code))
            && severity.is_none_or(|severity| item.severity == severity)
            && record.is_none_or(|record| item.record == Some(record))
            && key
                .as_ref()
                .is_none_or(|key| item.key.as_ref() == Some(key))
            && self.login.as_ref().is_none_or(|login| {
                let canonical = item.login.as_deref().map(canon);
                canonical.is_some_and(|it| login.forms.iter().any(|form| *form == it))
            })
    }

    /// Estimates how many items of a segment match; 0 means certainly none. `logins` is its Bloom
    /// filter, if known.
    pub(in crate::runs) fn expected(&self, entry: &SegmentSummary, logins: Option<&[u8]>) -> u64 {
        let ItemFilter {
            code,
            severity,
            record,
            key,
            login: _,
        } = self.filter;
        let mut expected = entry.count;
        if let Some(requested) = code {
            let codes = entry
                .codes
                .iter()
                .filter(|(code, _)| code_matches(code, requested));
            expected = expected.min(codes.map(|(_, count)| count).sum());
        }
        if let Some(severity) = severity {
            expected = expected.min(entry.severities.get(severity).copied().unwrap_or(0));
        }
        if let Some(record) = record {
            let within = entry
                .records
                .is_some_and(|(first, last)| (first..=last).contains(record));
            expected = expected.min(u64::from(within));
        }
        if let (Some(key), Some(keys)) = (key, &entry.keys) {
            expected = expected.min(keys.get(key).copied().unwrap_or(0));
        }
        if let (Some(login), Some(logins)) = (&self.login, logins) {
            let within = login.probes.iter().any(|probe| probe.may_be_in(logins));
            expected = expected.min(u64::from(within));
        }
        expected
    }
}
