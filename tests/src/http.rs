//! Calls over HTTP and their answers, as a client sees them: exact bytes, headers in full.
//! A `Call` starts as the plain import of a tenant's task; a test changes what it is about.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::World;

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the reply is not UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the reply is not JSON ({error}): {self}"),
        }
    }

    /// The body without whitespace between its tokens, key order kept.
    #[track_caller]
    pub fn compact(&self) -> String {
        compact(&self.body)
    }

    /// One header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header is not text"))
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> Option<&str> {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .map(str::trim)
    }

    /// The keys of the JSON object in the order of the body.
    #[track_caller]
    pub fn keys(&self) -> Vec<String> {
        match serde_json::from_slice::<Keys>(&self.body) {
            Ok(Keys(keys)) => keys,
            Err(error) => panic!("the reply is not a JSON object ({error}): {self}"),
        }
    }

    /// Total Lines, Empty IDs, Ignored Users, Duplicated Users.
    #[track_caller]
    pub fn counts(&self) -> [u64; 4] {
        let json = self.json();
        [
            "Total Lines",
            "Empty IDs",
            "Ignored Users",
            "Duplicated Users",
        ]
        .map(|key| {
            json[key]
                .as_u64()
                .unwrap_or_else(|| panic!("no count {key:?}: {self}"))
        })
    }

    /// The warnings; none if the key is absent.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        self.strings("Warnings")
    }

    /// The errors; none if the key is absent.
    #[track_caller]
    pub fn errors(&self) -> Vec<String> {
        self.strings("Errors")
    }

    /// Import status, counts: what most tests of imports compare.
    #[track_caller]
    pub fn outcome(&self) -> (u16, String, [u64; 4]) {
        let status = self.json()["Status"]
            .as_str()
            .unwrap_or("no Status")
            .to_owned();
        assert!(self.status == 200, "not a finished import: {self}");
        (self.status, status, self.counts())
    }

    /// Asserts the shape that refusals of an import share, and that it says something.
    #[track_caller]
    pub fn assert_failure(&self, status: u16) {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.media_type(), Some("application/json"), "{self}");
        assert_eq!(self.keys(), ["Status", "Errors"], "{self}");
        assert_eq!(self.json()["Status"], "FAILURE", "{self}");
        let errors = self.errors();
        assert!(
            !errors.is_empty() && errors.iter().all(|error| !error.trim().is_empty()),
            "{self}"
        );
    }

    /// Asserts an RFC 9457 answer.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(
            self.media_type(),
            Some("application/problem+json"),
            "{self}"
        );
        let json = self.json();
        assert_eq!(json["status"], status, "{self}");
        assert!(
            json["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{self}"
        );
    }

    /// Asserts that everything went in.
    #[track_caller]
    pub fn assert_success(&self, total: u64) {
        assert_eq!(
            self.outcome(),
            (200, "SUCCESS".to_owned(), [total, 0, 0, 0]),
            "{self}"
        );
    }

    #[track_caller]
    fn strings(&self, key: &str) -> Vec<String> {
        match self.json().get(key) {
            None => Vec::new(),
            Some(Value::Array(list)) => list
                .iter()
                .map(|one| {
                    one.as_str()
                        .unwrap_or_else(|| panic!("{key:?} holds {one}"))
                        .to_owned()
                })
                .collect(),
            Some(other) => panic!("{key:?} is not a list: {other}"),
        }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(2_000).collect();
        write!(f, "{} {:?} {shown}", self.status, self.headers)
    }
}

/// JSON without whitespace between its tokens, key order kept.
#[track_caller]
pub fn compact(json: &[u8]) -> String {
    let text = std::str::from_utf8(json).expect("JSON is UTF-8");
    serde_json::from_str::<IgnoredAny>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if quoted || !matches!(c, ' ' | '\t' | '\r' | '\n') {
            out.push(c);
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    out
}

/// One request to be sent; public, so that tests can bend any part of it.
#[derive(Clone)]
pub struct Call<'w> {
    pub(crate) world: &'w World,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// What follows the question mark; empty for none.
    pub query: String,
    /// The whole `Authorization` header.
    pub authorization: Option<String>,
    /// The whole `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Idempotency-Key` headers.
    pub idempotency_keys: Vec<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call<'_> {
    /// With another method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// With another task id, or what stands in its place.
    pub fn task(mut self, task: impl std::fmt::Display) -> Self {
        self.path = format!("/v1/import/user-data/{task}");
        self
    }

    /// With a query.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// With warnings shown.
    pub fn debug(self) -> Self {
        self.query("debug")
    }

    /// With another `Authorization` header, or none.
    pub fn authorization(mut self, value: Option<&str>) -> Self {
        self.authorization = value.map(str::to_owned);
        self
    }

    /// With another token.
    pub fn token(self, token: &str) -> Self {
        self.authorization(Some(&format!("Bearer {token}")))
    }

    /// With another `Content-Type` header, or none.
    pub fn content_type(mut self, value: Option<&str>) -> Self {
        self.content_type = value.map(str::to_owned);
        self
    }

    /// With an `Idempotency-Key`, after those it has.
    pub fn key(mut self, key: &str) -> Self {
        self.idempotency_keys.push(key.to_owned());
        self
    }

    /// With a further header, after those it has.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With these records.
    pub fn records(self, records: &Value) -> Self {
        self.body(records.to_string())
    }

    /// Sends it and reads the answer.
    pub async fn send(self) -> Reply {
        let Call {
            world,
            method,
            path,
            query,
            authorization,
            content_type,
            idempotency_keys,
            headers,
            body,
        } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = world
            .http
            .request(method, format!("{}{path}{mark}{query}", world.url));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        if let Some(value) = content_type {
            request = request.header("content-type", value);
        }
        for key in idempotency_keys {
            request = request.header("idempotency-key", key.as_bytes());
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("no answer from {path}: {error:?}"));
        Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.expect("the answer broke off").to_vec(),
        }
    }
}

/// The keys of an object, in order; `serde_json::Map` sorts them.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Keys;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
