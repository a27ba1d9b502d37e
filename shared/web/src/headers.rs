//! Request headers: the bearer token, the body's media type and encoding, and the client's
//! preferences.

use http::{HeaderMap, HeaderName, header};

/// Message for a request of a robot without a valid token.
pub const INVALID_TOKEN: &str = "the token is missing or invalid: sign in at POST /authenticate \
                                 and send it as `Authorization: Bearer …`";

/// Preferences of a client (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Returns the bearer token of the `Authorization` header (RFC 6750 §2.1). The scheme's case does
/// not matter. Returns `None` if the header is missing, repeated or has another scheme.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    bearer_token_in(headers, &header::AUTHORIZATION)
}

/// Returns the bearer token of another header with the syntax of `Authorization`.
#[must_use]
pub fn bearer_token_in<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Returns true if the body is declared as `application/json`, with or without parameters such as
/// `charset`.
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

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentCoding {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
}

/// Returns the encoding that `Content-Encoding` declares (RFC 9110, section 8.4), in any case.
/// Returns `None` for encodings that are not supported, and for more than one.
#[must_use]
pub fn content_coding(headers: &HeaderMap) -> Option<ContentCoding> {
    let mut coding = ContentCoding::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for name in value.to_str().ok()?.split(',').map(str::trim) {
            // A charset in the wrong header changes nothing.
            let is_plain = ["", "identity", "utf-8", "utf8"]
                .iter()
                .any(|plain| name.eq_ignore_ascii_case(plain));
            if is_plain {
                continue;
            }
            let is_gzip = ["gzip", "x-gzip"]
                .iter()
                .any(|gzip| name.eq_ignore_ascii_case(gzip));
            if !is_gzip || coding == ContentCoding::Gzip {
                return None;
            }
            coding = ContentCoding::Gzip;
        }
    }
    Some(coding)
}

/// Returns true if the client has sent this preference (`Prefer`, RFC 7240), in any case and with
/// any value or parameters.
#[must_use]
pub fn prefers(headers: &HeaderMap, preference: &str) -> bool {
    let values = headers.get_all(PREFER).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| split_outside_quotes(value, ','))
        .any(|sent| {
            let end = sent.find(['=', ';']).unwrap_or(sent.len());
            let name = sent.get(..end).unwrap_or_default();
            name.trim().eq_ignore_ascii_case(preference)
        })
}

/// Splits a header's value, ignoring separators within quoted strings (RFC 9110 §5.6.4).
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
    fn only_a_single_bearer_token_is_accepted() {
        let token_of = |values: &[&'static str]| {
            bearer_token(&headers(header::AUTHORIZATION, values)).map(str::to_owned)
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
    fn json_is_recognized_by_its_media_type() {
        let json = |values: &[&'static str]| is_json(&headers(header::CONTENT_TYPE, values));
        assert!(json(&["application/json"]));
        assert!(json(&["Application/JSON ; charset=UTF-8"]));
        assert!(!json(&["application/jsonl"]));
        assert!(!json(&["text/plain"]));
        assert!(!json(&[]));
    }

    #[test]
    fn gzip_is_the_only_encoding_and_is_named_once() {
        let coding =
            |values: &[&'static str]| content_coding(&headers(header::CONTENT_ENCODING, values));
        for values in [&[][..], &[""], &["identity"], &["Identity, identity"]] {
            assert_eq!(coding(values), Some(ContentCoding::Identity), "{values:?}");
        }
        for values in [
            &["gzip"][..],
            &["GZip"],
            &["x-gzip"],
            &[" X-GZIP "],
            &["identity, gzip"],
            &["identity", "gzip"],
        ] {
            assert_eq!(coding(values), Some(ContentCoding::Gzip), "{values:?}");
        }
        for values in [
            &["br"][..],
            &["deflate"],
            &["zstd, gzip"],
            &["gzip, gzip"],
            &["gzip", "x-gzip"],
            &["gzip;q=1"],
        ] {
            assert_eq!(coding(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_preference_is_recognized_in_any_case_and_position() {
        let prefer = HeaderName::from_static("prefer");
        let preferred = |values| prefers(&headers(prefer.clone(), values), "respond-async");
        for values in [
            &["respond-async"][..],
            &["Respond-Async"],
            &["wait=10, respond-async"],
            &["handling=lenient", "respond-async;foo=bar"],
            &[r#"a="x, \" y" ,respond-async = """#],
        ] {
            assert!(preferred(values), "{values:?}");
        }
        for values in [
            &[][..],
            &["respond-asynchronously"],
            &["wait=respond-async"],
            &["a; respond-async"],
            &[r#"a="x, respond-async""#],
        ] {
            assert!(!preferred(values), "{values:?}");
        }
    }
}
