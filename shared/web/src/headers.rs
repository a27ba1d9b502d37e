//! What request headers say: the bearer token, whether the body is JSON, what the client prefers.

use http::{HeaderMap, HeaderName, header};

/// What a client would like, if it can be had (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The token of a request's `Authorization` header, if it has just one and that is a bearer token
/// (RFC 6750 §2.1; the scheme's case does not matter).
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    token_in(headers, &header::AUTHORIZATION)
}

/// The token of another header, which is written like that one.
#[must_use]
pub fn token_in<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whether the body is declared as `application/json`; parameters such as `charset` are fine.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    value.to_str().is_ok_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}

/// Whether the client prefers this (`Prefer`, RFC 7240): a token without regard to case, whatever
/// its value or parameters.
#[must_use]
pub fn prefers(headers: &HeaderMap, wanted: &str) -> bool {
    let values = headers.get_all(PREFER).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| split_outside_quotes(value, ','))
        .any(|preference| {
            let end = preference.find(['=', ';']).unwrap_or(preference.len());
            let name = preference.get(..end).unwrap_or_default();
            name.trim().eq_ignore_ascii_case(wanted)
        })
}

/// The parts of a header's value; a quoted string (RFC 9110 §5.6.4) may hold what separates them.
fn split_outside_quotes(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_bearer_token_is_found_and_nothing_else() {
        let token_of = |values: &[&'static str]| {
            token(&headers(header::AUTHORIZATION, values)).map(str::to_owned)
        };
        assert_eq!(token_of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token_of(&["bearer  abc"]).as_deref(), Some("abc"));
        for none in [
            &[][..],
            &["abc"],
            &["Bearer "],
            &["Basic abc"],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(token_of(none), None, "{none:?}");
        }
    }

    #[test]
    fn json_is_known_by_its_media_type() {
        let json = |values: &[&'static str]| is_json(&headers(header::CONTENT_TYPE, values));
        assert!(json(&["application/json"]));
        assert!(json(&["Application/JSON ; charset=UTF-8"]));
        assert!(!json(&["application/jsonl"]));
        assert!(!json(&["text/plain"]));
        assert!(!json(&[]));
    }

    #[test]
    fn a_preference_is_known_in_any_case_and_place() {
        let prefer = HeaderName::from_static("prefer");
        let asked = |values| prefers(&headers(prefer.clone(), values), "respond-async");
        for values in [
            &["respond-async"][..],
            &["Respond-Async"],
            &["wait=10, respond-async"],
            &["handling=lenient", "respond-async;foo=bar"],
            &[r#"a="x, \" y" ,respond-async = """#],
        ] {
            assert!(asked(values), "{values:?}");
        }
        for values in [
            &[][..],
            &["respond-asynchronously"],
            &["wait=respond-async"],
            &["a; respond-async"],
            &[r#"a="x, respond-async""#],
        ] {
            assert!(!asked(values), "{values:?}");
        }
    }
}
