//! A server of uploads for the tests, as far as the API says: it signs URLs, keeps what is put,
//! and shows its one run in one state after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::peer::{Answer, Peer, Request, json as answer};

/// The server.
pub struct Service {
    /// The bytes of a part.
    pub part_size: usize,
    /// How many parts a window shows.
    pub window: usize,
    pub announced: Value,
    pub parts: BTreeMap<usize, Vec<u8>>,
    /// The URLs signed so far; earlier ones may expire.
    pub signed: usize,
    /// What is answered instead, once each: where (see [`is_at`]), and the answer.
    pub troubles: Vec<(&'static str, Answer)>,
    /// The states of the run, one look after the other.
    pub states: Vec<Value>,
}

impl Service {
    pub fn new(part_size: usize) -> Self {
        Self {
            part_size,
            window: 3,
            announced: Value::Null,
            parts: BTreeMap::new(),
            signed: 0,
            troubles: Vec::new(),
            states: vec![finished()],
        }
    }

    pub fn start(self) -> (Peer, Arc<Mutex<Self>>) {
        let service = Arc::new(Mutex::new(self));
        let shared = Arc::clone(&service);
        let peer = Peer::answering_as(move |request| shared.lock().unwrap().answer(request));
        (peer, service)
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let uri = request.uri.to_string();
        let trouble = (self.troubles.iter()).position(|(place, _)| is_at(&uri, place));
        if let Some(trouble) = trouble {
            return self.troubles.remove(trouble).1;
        }
        match (request.method.as_str(), uri.as_str()) {
            ("POST", uri) if uri.starts_with("/v1/import/user-data/206/uploads") => {
                self.announced = serde_json::from_slice(&request.body).unwrap();
                answer(201, self.window(request, 1).to_string())
            }
            ("PUT", uri) => {
                let number = uri["/store/".len()..].split('?').next().unwrap();
                assert_eq!(request.header("authorization"), "", "the URL is enough");
                self.parts
                    .insert(number.parse().unwrap(), request.body.to_vec());
                answer(200, "")
            }
            ("GET", uri) if uri.starts_with("/v1/imports/0198c7/parts?from=") => {
                let from = uri.rsplit('=').next().unwrap().parse().unwrap();
                answer(200, self.window(request, from).to_string())
            }
            ("POST", "/v1/imports/0198c7/complete") => answer(
                202,
                json!({"import_id": "0198c7", "state": "queued"}).to_string(),
            ),
            ("GET", "/v1/imports/0198c7") => {
                let state = self.states[0].clone();
                if self.states.len() > 1 {
                    self.states.remove(0);
                }
                answer(200, state.to_string())
            }
            _ => problem(404, "there is no such place"),
        }
    }

    fn size(&self) -> usize {
        usize::try_from(self.announced["size"].as_u64().unwrap()).unwrap()
    }

    /// A window on the parts; that of a new upload has neither `received` nor `next`.
    fn window(&mut self, request: &Request, from: usize) -> Value {
        self.signed += 1;
        let count = self.size().div_ceil(self.part_size);
        let numbers = from..(from + self.window).min(count + 1);
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
        let mut window = json!({
            "import_id": "0198c7", "part_size": self.part_size, "part_count": count, "parts": parts,
            "expires_at": "2026-11-22T10:00:00Z",
        });
        if request.method == "GET" {
            window["received"] = json!(received);
            if next <= count {
                window["next"] = json!(next);
            }
        }
        window
    }

    /// What has arrived, in order.
    pub fn bytes(&self) -> Vec<u8> {
        self.parts.values().flatten().copied().collect()
    }
}

/// Whether a URI is the one meant, or has the path that is meant, whatever its query, or is below
/// the folder that is meant. What merely begins alike is another place: which of several parallel
/// requests met the trouble would be chance.
fn is_at(uri: &str, place: &str) -> bool {
    let path = uri.split('?').next().unwrap();
    uri == place || path == place || (place.ends_with('/') && path.starts_with(place))
}

pub fn state(state: &str) -> Value {
    json!({"import_id": "0198c7", "task": 206, "state": state, "dry_run": false, "progress": {}})
}

/// A quarter of the way.
pub fn applying() -> Value {
    let mut run = state("applying");
    run["progress"] = json!({"records": 300, "records_total": 1200});
    run["rate"] = json!(123.4);
    run["eta_seconds"] = json!(7.3);
    run
}

pub fn finished() -> Value {
    let mut run = state("finished");
    let figures = json!({
        "Status": "SUCCESS", "Total Lines": 1200, "Empty IDs": 0, "Ignored Users": 0,
        "Duplicated Users": 0, "Created": 1000, "Updated": 150, "Unchanged": 50,
    });
    run.as_object_mut()
        .unwrap()
        .extend(figures.as_object().unwrap().clone());
    run
}

pub fn problem(status: u16, detail: &str) -> Answer {
    answer(
        status,
        json!({"title": "Trouble", "status": status, "detail": detail}).to_string(),
    )
}
