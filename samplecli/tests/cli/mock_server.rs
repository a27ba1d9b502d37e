//! A server on the loopback interface with canned responses, which records requests.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::serve::ListenerExt as _;
use serde_json::json;
use tokio::runtime::Runtime;

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Longest wait for a request that must come.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The requests so far, and a signal for each new one.
#[derive(Default)]
struct RequestLog {
    requests: Mutex<Vec<Request>>,
    added: Condvar,
}

/// The server, which listens until it is dropped.
pub struct MockServer {
    pub url: String,
    log: Arc<RequestLog>,
    _runtime: Runtime,
}

/// A response: status, headers and body. Without a status the server never responds.
#[derive(Clone)]
pub struct MockResponse {
    pub status: Option<u16>,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Returns an RFC 9457 problem.
pub fn problem(status: u16, detail: &str) -> MockResponse {
    let body = json!({"title": "Refused", "status": status, "detail": detail});
    json_response(status, body.to_string())
}

/// Returns a response without a body.
pub fn empty(status: u16) -> MockResponse {
    MockResponse {
        status: Some(status),
        headers: Vec::new(),
        body: String::new(),
    }
}

/// Returns no response at all.
pub fn silence() -> MockResponse {
    MockResponse {
        status: None,
        ..empty(0)
    }
}

/// Returns a response with a JSON body.
pub fn json_response(status: u16, body: impl Into<String>) -> MockResponse {
    MockResponse {
        status: Some(status),
        headers: vec![("content-type", "application/json".into())],
        body: body.into(),
    }
}

impl MockResponse {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl MockServer {
    /// Returns the same response to every request.
    pub fn returning(response: MockResponse) -> Self {
        Self::returning_each([response])
    }

    /// Returns one response after the other, and then the last one repeatedly.
    pub fn returning_each(responses: impl IntoIterator<Item = MockResponse>) -> Self {
        let responses: Vec<MockResponse> = responses.into_iter().collect();
        let mut count = 0;
        Self::responding_with(move |_| {
            let response = responses[count.min(responses.len() - 1)].clone();
            count += 1;
            response
        })
    }

    /// Computes the response to each request.
    pub fn responding_with(
        response: impl FnMut(&Request) -> MockResponse + Send + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let log = Arc::new(RequestLog::default());
        let recorder = Arc::clone(&log);
        let response = Arc::new(Mutex::new(response));
        let router = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let request = Request {
                    method,
                    uri,
                    headers,
                    body,
                };
                let mut requests = recorder.requests.lock().unwrap();
                let response = (response.lock().unwrap())(&request);
                requests.push(request);
                recorder.added.notify_all();
                reply(response)
            },
        );
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // Otherwise, a small response waits 40 ms for the acknowledgement of the previous one.
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            log,
            _runtime: runtime,
        }
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    /// Waits until the requests so far fulfil the condition.
    pub fn wait_until(&self, condition: impl Fn(&[Request]) -> bool) {
        let requests = self.log.requests.lock().unwrap();
        let (requests, waited) = self
            .log
            .added
            .wait_timeout_while(requests, MAX_WAIT, |requests| !condition(requests))
            .unwrap();
        assert!(!waited.timed_out(), "{} requests came", requests.len());
    }

    /// Returns the only request.
    #[track_caller]
    pub fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].clone()
    }
}

async fn reply(response: MockResponse) -> Response<Body> {
    let Some(status) = response.status else {
        return std::future::pending().await;
    };
    let mut builder = Response::builder().status(status);
    for (name, value) in response.headers {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(response.body)).unwrap()
}
