//! Switches in a query, as clients spell them, and requests that ask for a dry run in a way that is
//! not understood: they must not write (contract.md#dry-runs).

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use muster_api::FieldError;

use crate::ProblemResponse;

/// The switch of an import that its task's safety threshold does not stop.
const OVERRIDE_THRESHOLD: &str = "overrideThreshold";
/// Values that switch on what must not be on by accident, in any case.
const ON: [&str; 4] = ["true", "1", "yes", "on"];
/// Values that switch off, in any case.
const OFF: [&str; 4] = ["false", "0", "no", "off"];
/// Beginnings of names that ask for a dry run.
const STEMS: [&str; 5] = ["dry", "preview", "simulat", "test", "validat"];
/// Parts of names that ask for a dry run, also in headers and bodies, where other names that
/// begin like that have other meanings.
const CERTAIN: [&str; 2] = ["dryrun", "validateonly"];
/// Maximum characters of a client's name in a message.
const MAX_SHOWN_CHARS: usize = 64;

/// The dry run that a route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// `?dryRun`
    Switch,
    /// The one of the upload that the route continues.
    OfUpload,
    /// None.
    None,
}

impl DryRun {
    const fn advice(self) -> &'static str {
        match self {
            Self::Switch => "a dry run is requested with `?dryRun`; nothing was changed",
            Self::OfUpload => {
                "a dry run is requested when the upload is announced, with `?dryRun`; nothing was \
                 changed"
            }
            Self::None => {
                "this request has no dry run, only imports into a task have one (`?dryRun`): leave \
                 it out to make the change; nothing was changed"
            }
        }
    }
}

/// Part of a request that asks for a dry run and is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The name as the client spelled it, shortened.
    pub name: String,
    /// The message for the client.
    pub message: String,
}

impl NotUnderstood {
    fn new(kind: &str, name: &str, dry_run: DryRun) -> Self {
        let name: String = name.chars().take(MAX_SHOWN_CHARS).collect();
        let message = format!("the {kind} {name:?} is not known: {}", dry_run.advice());
        Self { name, message }
    }

    /// Returns the error for a value, of the part of the request with this name.
    fn of_value(kind: &str, name: &str, value: &str, dry_run: DryRun) -> Self {
        let [name, value] =
            [name, value].map(|text| -> String { text.chars().take(MAX_SHOWN_CHARS).collect() });
        let advice = dry_run.advice();
        let message = format!("the value {value:?} of the {kind} {name:?} is not known: {advice}");
        Self { name, message }
    }

    /// Returns the error for a member of a body.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self::new("member", name, DryRun::None)
    }
}

impl From<NotUnderstood> for ProblemResponse {
    fn from(NotUnderstood { name, message }: NotUnderstood) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message.as_str())
            .with_errors(vec![FieldError::new(name, message)])
    }
}

/// Returns `true` if a switch such as `dryRun` is on: one of its occurrences is, with any value but
/// `false`, `0`, `no` and `off`. Names are compared without case and punctuation.
#[must_use]
pub fn switch(uri: &Uri, name: &str) -> bool {
    let name = fold(name);
    parameters(uri).any(|(key, value)| {
        let is_off = value.is_some_and(|value| is_one_of(&value, OFF));
        fold(&key) == name && !is_off
    })
}

/// Returns `true` if a request overrides the safety threshold: by the name alone, or with `true`, `1`,
/// `yes` or `on`. A value that was left empty or that means nothing must not override it.
///
/// # Errors
/// Returns a value that switches neither on nor off.
pub fn overrides_threshold(uri: &Uri) -> Result<bool, NotUnderstood> {
    let mut is_on = false;
    for (name, value) in parameters(uri) {
        if fold(&name) != fold(OVERRIDE_THRESHOLD) {
            continue;
        }
        let Some(value) = value.filter(|value| !is_one_of(value, ON)) else {
            is_on = true;
            continue;
        };
        if !is_one_of(&value, OFF) {
            let value: String = value.chars().take(MAX_SHOWN_CHARS).collect();
            return Err(NotUnderstood {
                name: OVERRIDE_THRESHOLD.to_owned(),
                message: format!(
                    "the value {value:?} of `overrideThreshold` is not known: expected `true` or \
                     `false`, or the name alone; nothing was changed"
                ),
            });
        }
    }
    Ok(is_on)
}

/// Returns an error if a request asks for a dry run by a query parameter or a header that its route
/// does not have.
///
/// # Errors
/// Returns what was not understood.
pub fn ensure_understood(
    uri: &Uri,
    headers: &HeaderMap,
    dry_run: DryRun,
) -> Result<(), NotUnderstood> {
    for (name, value) in parameters(uri) {
        let folded = fold(&name);
        let is_known = dry_run == DryRun::Switch && folded == "dryrun";
        let asks = STEMS.iter().any(|stem| folded.starts_with(stem));
        // A name with a letter that only looks like one of ours: no parameter has any beyond ASCII.
        if !is_known && (asks || names_dry_run(&name) || !name.is_ascii()) {
            return Err(NotUnderstood::new("query parameter", &name, dry_run));
        }
        if dry_run == DryRun::OfUpload && folded == fold(OVERRIDE_THRESHOLD) {
            let message = "`overrideThreshold` belongs to the request that announces the upload: \
                           announce it again with the parameter; nothing was changed";
            return Err(NotUnderstood {
                name: OVERRIDE_THRESHOLD.to_owned(),
                message: message.to_owned(),
            });
        }
        // Such as `?mode=dry-run`, or a query whose end was encoded once more.
        if let Some(value) = value.filter(|value| names_dry_run(value)) {
            return Err(NotUnderstood::of_value(
                "query parameter",
                &name,
                &value,
                dry_run,
            ));
        }
    }
    let preferences = headers.get_all("prefer").iter();
    for preference in preferences.map(|value| String::from_utf8_lossy(value.as_bytes())) {
        if names_dry_run(&preference) {
            return Err(NotUnderstood::of_value(
                "header",
                "Prefer",
                &preference,
                dry_run,
            ));
        }
    }
    match headers.keys().find(|name| names_dry_run(name.as_str())) {
        Some(name) => Err(NotUnderstood::new("header", name.as_str(), dry_run)),
        None => Ok(()),
    }
}

/// Returns `true` if a header or a member of a body can only mean a dry run.
#[must_use]
pub fn names_dry_run(name: &str) -> bool {
    let folded = fold(name);
    CERTAIN.iter().any(|certain| folded.contains(certain))
}

/// Returns the percent-decoded parameters; one without `=` has no value. `;` and a further `?`
/// separate them as well: both occur where programs append a switch to a URL.
fn parameters(uri: &Uri) -> impl Iterator<Item = (String, Option<String>)> {
    let parts = uri.query().unwrap_or_default().split(['&', ';', '?']);
    parts.filter_map(|part| {
        let (name, value) = form_urlencoded::parse(part.as_bytes()).next()?;
        let value = part.contains('=').then(|| value.into_owned());
        Some((name.into_owned(), value))
    })
}

/// Returns `true` if a value is one of these words, in any case.
fn is_one_of(value: &str, words: [&str; 4]) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Returns a name in lower case, without anything but letters and digits.
fn fold(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The switch `dryRun` of a route whose errors are problems.
#[derive(Debug, Clone, Copy)]
pub struct DryRunSwitch(pub bool);

impl<S: Sync> FromRequestParts<S> for DryRunSwitch {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ProblemResponse> {
        ensure_understood(&parts.uri, &parts.headers, DryRun::Switch)?;
        Ok(Self(switch(&parts.uri, "dryRun")))
    }
}

/// A route without a dry run, whose errors are problems. Handlers take it before the body.
#[derive(Debug, Clone, Copy)]
pub struct NoDryRun;

impl<S: Sync> FromRequestParts<S> for NoDryRun {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ProblemResponse> {
        if parts.method != Method::GET && parts.method != Method::HEAD {
            ensure_understood(&parts.uri, &parts.headers, DryRun::None)?;
        }
        Ok(Self)
    }
}

/// A route that continues an upload, whose errors are problems.
#[derive(Debug, Clone, Copy)]
pub struct DryRunOfUpload;

impl<S: Sync> FromRequestParts<S> for DryRunOfUpload {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ProblemResponse> {
        ensure_understood(&parts.uri, &parts.headers, DryRun::OfUpload)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn uri(query: &str) -> Uri {
        format!("/v1/x?{query}").parse().unwrap()
    }

    fn refused(query: &str, dry_run: DryRun) -> Option<String> {
        let checked = ensure_understood(&uri(query), &HeaderMap::new(), dry_run);
        checked.err().map(|error| error.message)
    }

    #[test]
    fn a_switch_is_on_in_every_spelling() {
        for on in [
            "dryRun",
            "dryRun=",
            "dryRun=true",
            "dryRun=nope",
            "a=b&dryRun",
            "DRY-RUN",
            "dry_run=1",
            "dry%52un",
            "%64ry%2DRun=yes",
            "dry+run",
            "dryRun[]=1",
            "dryRun=false&dryRun=true",
            "dryRun=true&dryRun=false",
            "dryRun=0&DRY_RUN",
            "debug&amp;dryRun",
            "debug;dryRun=1",
            "debug?dryRun=true",
            "debug=1?dryRun",
        ] {
            assert!(switch(&uri(on), "dryRun"), "{on}");
            assert_eq!(refused(on, DryRun::Switch), None, "{on}");
        }
    }

    #[test]
    fn a_switch_is_off_if_it_is_absent_or_all_its_values_say_so() {
        for off in [
            "",
            "dryRun=false",
            "dryRun=False",
            "dryRun=FALSE",
            "dryRun=0",
            "dryRun=No",
            "dryRun=oFf",
            "dry-run=f%61lse",
            "dryRun=false&DRY_RUN=0",
            "debug",
        ] {
            assert!(!switch(&uri(off), "dryRun"), "{off}");
            assert_eq!(refused(off, DryRun::Switch), None, "{off}");
        }
        assert!(!switch(&Uri::from_static("/v1/x"), "dryRun"));
    }

    #[test]
    fn a_name_that_asks_for_a_dry_run_and_is_not_known_is_refused() {
        for query in [
            "dry",
            "dryrunn=1",
            "dry_run_mode=on",
            "isDryRun",
            "x-dry-run=true",
            "validate",
            "validateOnly=true",
            "validation",
            "VALIDATE_ONLY",
            "simulate=0",
            "simulation",
            "preview",
            "test=false",
            "%74est",
            "testMode",
            "debug&amp;preview",
            "dry%2552un",
            "x=dryRun",
            "mode=dry-run",
            "debug=1%26dryRun=true",
            "=dry_run",
            // A Cyrillic letter.
            "d%D1%83Run",
        ] {
            for dry_run in [DryRun::Switch, DryRun::OfUpload, DryRun::None] {
                assert!(refused(query, dry_run).is_some(), "{query}");
            }
        }
        for query in ["dryRun", "dry-run=false"] {
            assert!(refused(query, DryRun::None).is_some(), "{query}");
            assert!(refused(query, DryRun::OfUpload).is_some(), "{query}");
        }
        let error = refused("mode=dry-run", DryRun::None).unwrap();
        assert!(
            error.contains("\"dry-run\" of the query parameter \"mode\""),
            "{error}"
        );
        for query in ["", "debug", "latest=1", "contest", "sundry", "x=test"] {
            assert_eq!(refused(query, DryRun::None), None, "{query}");
        }
    }

    #[test]
    fn only_a_clear_value_overrides_the_threshold() {
        for (query, expected) in [
            ("", Some(false)),
            ("debug", Some(false)),
            ("overrideThreshold", Some(true)),
            ("debug&override-threshold=Yes", Some(true)),
            ("overrideThreshold=true", Some(true)),
            ("OVERRIDE_THRESHOLD=1&overrideThreshold=off", Some(true)),
            ("overrideThreshold=false", Some(false)),
            ("overrideThreshold=NO", Some(false)),
            ("overrideThreshold=", None),
            ("overrideThreshold=null", None),
            ("overrideThreshold=%20false", None),
            ("overrideThreshold=n", None),
        ] {
            let found = overrides_threshold(&uri(query));
            assert_eq!(found.clone().ok(), expected, "{query}");
            if let Err(error) = found {
                assert!(
                    error.message.contains("expected `true` or `false`"),
                    "{error:?}"
                );
            }
        }
    }

    #[test]
    fn a_threshold_is_not_overridden_while_an_upload_goes_on() {
        let query = "override-threshold=true";
        let error = refused(query, DryRun::OfUpload).unwrap();
        assert!(error.contains("announces the upload"), "{error}");
        assert_eq!(refused(query, DryRun::Switch), None);
    }

    #[test]
    fn a_preference_that_means_a_dry_run_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append("prefer", HeaderValue::from_static("respond-async"));
        let check = |headers: &HeaderMap| ensure_understood(&uri(""), headers, DryRun::Switch);
        assert_eq!(check(&headers), Ok(()));
        headers.append("prefer", HeaderValue::from_static("dry-run"));
        assert!(check(&headers).unwrap_err().message.contains("`?dryRun`"));
        let text = HeaderValue::from_bytes("dry-run; note=\"é\"".as_bytes()).unwrap();
        headers.insert("prefer", text);
        assert!(check(&headers).is_err());
    }

    #[test]
    fn a_header_that_can_only_mean_a_dry_run_is_refused() {
        let with = |name: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static("false"),
            );
            ensure_understood(&uri(""), &headers, DryRun::Switch)
        };
        for name in ["dry-run", "x-dry-run", "x-muster-dryrun", "x-validate-only"] {
            let error = with(name).unwrap_err();
            assert!(error.message.contains("`?dryRun`"), "{error:?}");
            assert_eq!(error.name, name);
        }
        for name in ["x-test-id", "test", "x-preview", "prefer"] {
            assert_eq!(with(name), Ok(()), "{name}");
        }
    }
}
