//! Which items are wanted, asked of an item and of what the index tells of a segment.

use muster_core::item::{Item, Severity, shown};
use muster_core::login::canon;

use super::bloom::Probe;
use super::index::Entry;

/// Which items of a run are wanted: those of which everything holds that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// With this code, or a code that begins with it and a dot.
    pub code: Option<String>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// About the record with this number.
    pub record: Option<u64>,
    /// About this JSON key.
    pub key: Option<String>,
    /// About this login in any spelling, as it was sent or as items show it.
    pub login: Option<String>,
}

/// A filter with what is worked out but once.
#[derive(Debug)]
pub(crate) struct Sought<'f> {
    filter: &'f ItemFilter,
    login: Option<SoughtLogin>,
}

#[derive(Debug)]
struct SoughtLogin {
    /// Canonical forms of the login and of what items show of it.
    forms: [String; 2],
    probes: [Probe; 2],
}

impl SoughtLogin {
    fn of(login: &str) -> Self {
        let forms = [canon(login).into_owned(), canon(&shown(login)).into_owned()];
        let probes = [Probe::of(&forms[0]), Probe::of(&forms[1])];
        Self { forms, probes }
    }
}

fn is_code(code: &str, wanted: &str) -> bool {
    code.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl<'f> Sought<'f> {
    pub(super) fn new(filter: &'f ItemFilter) -> Self {
        let login = filter.login.as_deref().map(SoughtLogin::of);
        Self { filter, login }
    }

    /// Whether every item is wanted.
    pub(super) fn is_all(&self) -> bool {
        *self.filter == ItemFilter::default()
    }

    /// Whether it takes the logins of a segment to say whether it can match.
    pub(super) const fn wants_logins(&self) -> bool {
        self.login.is_some()
    }

    /// The number of the only record that items are wanted of.
    pub(crate) const fn record(&self) -> Option<u64> {
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
        code.as_ref().is_none_or(|code| is_code(&item.code, code))
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

    /// About how many items of a segment match; 0: certainly none. `logins` is its Bloom filter,
    /// where that is known.
    pub(crate) fn expected(&self, entry: &Entry, logins: Option<&[u8]>) -> u64 {
        let ItemFilter {
            code,
            severity,
            record,
            key,
            login: _,
        } = self.filter;
        let mut expected = entry.count;
        if let Some(wanted) = code {
            let codes = entry.codes.iter().filter(|(code, _)| is_code(code, wanted));
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
