//! A mock of the uploads API: it signs URLs, stores parts, and reports one state of its only import
//! after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::mock_server::{MockResponse, MockServer, Request, json_response, problem};

/// The service.
pub struct UploadService {
    /// Bytes per part.
    pub part_size: usize,
    /// Maximum parts per response.
    pub page_parts: usize,
    pub upload_request: Value,
    pub parts: BTreeMap<usize, Vec<u8>>,
    /// Number of responses with signed URLs so far.
    pub signed: usize,
    /// Responses to return once each instead, by location (see [`matches`]).
    pub failures: Vec<(&'static str, MockResponse)>,
    /// The states of the import, one per request.
    pub states: Vec<Value>,
}

impl UploadService {
    pub fn new(part_size: usize) -> Self {
        Self {
            part_size,
            page_parts: 3,
            upload_request: Value::Null,
            parts: BTreeMap::new(),
            signed: 0,
            failures: Vec::new(),
            states: vec![finished()],
        }
    }

    pub fn start(self) -> (MockServer, Arc<Mutex<Self>>) {
        let service = Arc::new(Mutex::new(self));
        let shared = Arc::clone(&service);
        let server =
            MockServer::responding_with(move |request| shared.lock().unwrap().respond(request));
        (server, service)
    }

    fn respond(&mut self, request: &Request) -> MockResponse {
        let uri = request.uri.to_string();
        let failure = (self.failures.iter()).position(|(location, _)| matches(&uri, location));
        if let Some(failure) = failure {
            return self.failures.remove(failure).1;
        }
        match (request.method.as_str(), uri.as_str()) {
            ("POST", uri) if uri.starts_with("/v1/import/user-data/206/uploads") => {
                self.upload_request = serde_json::from_slice(&request.body).unwrap();
                json_response(201, self.parts_page(request, 1).to_string())
            }
            ("PUT", uri) => {
                let number = uri["/store/".len()..].split('?').next().unwrap();
                assert_eq!(request.header("authorization"), "", "the URL is enough");
                self.parts
                    .insert(number.parse().unwrap(), request.body.to_vec());
                json_response(200, "")
            }
            ("GET", uri) if uri.starts_with("/v1/imports/0198c7/parts?from=") => {
                let from = uri.rsplit('=').next().unwrap().parse().unwrap();
                json_response(200, self.parts_page(request, from).to_string())
            }
            ("POST", "/v1/imports/0198c7/complete") => json_response(
                202,
                json!({"import_id": "0198c7", "state": "queued"}).to_string(),
            ),
            ("GET", "/v1/imports/0198c7") => {
                let state = self.states[0].clone();
                if self.states.len() > 1 {
                    self.states.remove(0);
                }
                json_response(200, state.to_string())
            }
            _ => problem(404, "not found"),
        }
    }

    fn size(&self) -> usize {
        usize::try_from(self.upload_request["size"].as_u64().unwrap()).unwrap()
    }

    /// Returns a page of parts; that of a new upload has neither `received` nor `next`.
    fn parts_page(&mut self, request: &Request, from: usize) -> Value {
        self.signed += 1;
        let count = self.size().div_ceil(self.part_size);
        let numbers = from..(from + self.page_parts).min(count + 1);
        let next = numbers.end;
        let host = request.header("host");
        let (received, missing): (Vec<_>, Vec<_>) =
            numbers.partition(|number| self.parts.contains_key(number));
        let received: Vec<_> = received
            .iter()
            .map(|number| json!({"number": number, "size": self.parts[number].len()}))
            .collect();
        let parts: Vec<_> = missing
            .iter()
            .map(|number| json!({"number": number, "url": format!("http://{host}/store/{number}?signed={}", self.signed)}))
            .collect();
        let mut page = json!({
            "import_id": "0198c7", "part_size": self.part_size, "part_count": count, "parts": parts,
            "expires_at": "2026-11-22T10:00:00Z",
        });
        if request.method == "GET" {
            page["received"] = json!(received);
            if next <= count {
                page["next"] = json!(next);
            }
        }
        page
    }

    /// Returns the bytes received, in order.
    pub fn bytes(&self) -> Vec<u8> {
        self.parts.values().flatten().copied().collect()
    }
}

/// Returns true if a location is the URI, its path, or a folder above it (with a trailing slash).
/// Other prefixes do not match: which of several parallel requests failed would be random.
fn matches(uri: &str, location: &str) -> bool {
    let path = uri.split('?').next().unwrap();
    uri == location || path == location || (location.ends_with('/') && path.starts_with(location))
}

/// Returns the status of an import.
pub fn state(state: &str) -> Value {
    json!({
        "import_id": "0198c7", "task": 206, "state": state, "dry_run": false, "progress": {},
        "size": 0, "started_at": "2026-11-22T01:02:03.004Z",
    })
}

/// Returns the status of an import that has ended, with its counters.
pub fn ended(state: &str, counters: &Value) -> Value {
    let mut import = self::state(state);
    let members = import.as_object_mut().unwrap();
    members.extend(counters.as_object().unwrap().clone());
    import
}

/// Returns the status of an import that has applied a quarter of its records.
pub fn applying() -> Value {
    let mut run = state("applying");
    run["progress"] = json!({"records": 300, "records_total": 1200});
    run["rate"] = json!(123.4);
    run["eta_seconds"] = json!(7);
    run
}

pub fn finished() -> Value {
    let counters = json!({
        "Status": "SUCCESS", "Total Lines": 1200, "Empty IDs": 0, "Ignored Users": 0,
        "Duplicated Users": 0, "Created": 1000, "Updated": 150, "Unchanged": 50,
    });
    ended("finished", &counters)
}
