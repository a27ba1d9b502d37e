//! HTTP calls and replies as a client sees them: exact bytes and all headers. A test changes any
//! part of a [`Call`] before it sends it.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// An HTTP reply.
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
    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the reply is not UTF-8")
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the reply is not JSON ({error}): {self}"),
        }
    }

    /// Returns the JSON body without whitespace between its tokens, key order kept.
    #[track_caller]
    pub fn compact(&self) -> String {
        compact(&self.body)
    }

    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header is not text"))
    }

    /// Returns the media type without its parameters.
    pub fn media_type(&self) -> Option<&str> {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .map(str::trim)
    }

    /// Returns the keys of the JSON object in the order of the body.
    #[track_caller]
    pub fn keys(&self) -> Vec<String> {
        match serde_json::from_slice::<Keys>(&self.body) {
            Ok(Keys(keys)) => keys,
            Err(error) => panic!("the reply is not a JSON object ({error}): {self}"),
        }
    }

    /// Returns Total Lines, Empty IDs, Ignored Users, Duplicated Users.
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

    /// Returns the warnings; none if the key is absent.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        self.strings("Warnings")
    }

    /// Returns the errors; none if the key is absent.
    #[track_caller]
    pub fn errors(&self) -> Vec<String> {
        self.strings("Errors")
    }

    /// Returns the HTTP status, the import status and the counts, which most import tests compare.
    #[track_caller]
    pub fn outcome(&self) -> (u16, String, [u64; 4]) {
        let status = self.json()["Status"]
            .as_str()
            .unwrap_or("no Status")
            .to_owned();
        assert!(self.status == 200, "not a finished import: {self}");
        (self.status, status, self.counts())
    }

    /// Asserts the shape that all refusals of an import share, with at least one error text.
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

    /// Asserts an RFC 9457 problem.
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

    /// Asserts an import of `total` records without warnings or errors.
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
                .map(|text| {
                    text.as_str()
                        .unwrap_or_else(|| panic!("{key:?} contains {text}, which is not a string"))
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

/// Removes the whitespace between the tokens of JSON text, key order kept.
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

/// A request to be sent. Its fields are public, so that tests can make any part of it wrong.
#[derive(Clone)]
pub struct Call<'w> {
    client: &'w reqwest::Client,
    base_url: &'w str,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query after the question mark; empty for none.
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

impl<'w> Call<'w> {
    /// Creates a call without query, headers and body.
    pub fn new(client: &'w reqwest::Client, base_url: &'w str, method: Method, path: &str) -> Self {
        Self {
            client,
            base_url,
            method,
            path: path.to_owned(),
            query: String::new(),
            authorization: None,
            content_type: None,
            idempotency_keys: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets the URL of the API, without a slash at the end.
    pub fn base_url(mut self, url: &'w str) -> Self {
        self.base_url = url;
        self
    }

    /// Sets the method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Sets the path of an import into a task; `task` may be anything in place of an id.
    pub fn task(mut self, task: impl std::fmt::Display) -> Self {
        self.path = format!("/v1/import/user-data/{task}");
        self
    }

    /// Sets the query.
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// Asks for warnings in the reply.
    pub fn debug(self) -> Self {
        self.query("debug")
    }

    /// Sets or removes the `Authorization` header.
    pub fn authorization(mut self, value: Option<&str>) -> Self {
        self.authorization = value.map(str::to_owned);
        self
    }

    /// Sets the bearer token.
    pub fn token(self, token: &str) -> Self {
        self.authorization(Some(&format!("Bearer {token}")))
    }

    /// Sets or removes the `Content-Type` header.
    pub fn content_type(mut self, value: Option<&str>) -> Self {
        self.content_type = value.map(str::to_owned);
        self
    }

    /// Adds an `Idempotency-Key` header.
    pub fn key(mut self, key: &str) -> Self {
        self.idempotency_keys.push(key.to_owned());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to these records.
    pub fn records(self, records: &Value) -> Self {
        self.body(records.to_string())
    }

    /// Sends the request and reads the whole reply.
    pub async fn send(self) -> Reply {
        let Call {
            client,
            base_url,
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
        let mut request = client.request(method, format!("{base_url}{path}{mark}{query}"));
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
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("no response from {path}: {error:?}"));
        Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response
                .bytes()
                .await
                .expect("the response was cut short")
                .to_vec(),
        }
    }
}

/// The keys of a JSON object in document order; `serde_json::Map` sorts them.
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
