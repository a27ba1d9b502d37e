//! A peer on the loopback that gives the answers it was told and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio::runtime::Runtime;

/// What the peer was asked.
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

/// The peer, listening until it is dropped.
pub struct Peer {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    _runtime: Runtime,
}

/// An answer: status, headers, body; no status means that none ever comes.
#[derive(Clone)]
pub struct Answer {
    pub status: Option<u16>,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

pub fn json(status: u16, body: impl Into<String>) -> Answer {
    Answer {
        status: Some(status),
        headers: vec![("content-type", "application/json".into())],
        body: body.into(),
    }
}

impl Answer {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Peer {
    /// Gives one answer to every request.
    pub fn answering(answer: Answer) -> Self {
        Self::answering_each([answer])
    }

    /// Gives one answer after the other, and the last one again and again.
    pub fn answering_each(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.into_iter().collect();
        let mut given = 0;
        Self::answering_as(move |_| {
            let answer = answers[given.min(answers.len() - 1)].clone();
            given += 1;
            answer
        })
    }

    /// Gives each request the answer that is made for it.
    pub fn answering_as(answer: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log: Arc<Mutex<Vec<Request>>> = Arc::clone(&requests);
        let answer = Arc::new(Mutex::new(answer));
        let router = Router::new().fallback(
            move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let request = Request {
                    method,
                    uri,
                    headers,
                    body,
                };
                let mut log = log.lock().unwrap();
                let answer = (answer.lock().unwrap())(&request);
                log.push(request);
                reply(answer)
            },
        );
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            requests,
            _runtime: runtime,
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The one request that there was.
    #[track_caller]
    pub fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].clone()
    }
}

async fn reply(answer: Answer) -> Response<Body> {
    let Some(status) = answer.status else {
        return std::future::pending().await;
    };
    let mut response = Response::builder().status(status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}
