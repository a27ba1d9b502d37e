//! Requests to a server. Redirects are not followed, so that a token never reaches a server that
//! the user did not name.

use std::error::Error;
use std::time::Duration;

use reqwest::header;
use reqwest::{Client, Method, RequestBuilder, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::http::response::{NoResponse, Response};
use crate::http::url::ServerUrl;

/// A server responds within half a minute; slow connections may need longer for the file itself.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(180);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Several parts of an upload share one slow connection.
const PART_TIMEOUT: Duration = Duration::from_secs(900);

/// The parameters of a query.
pub type Query = Vec<(&'static str, String)>;

/// The options of an import in one request.
#[derive(Clone, Copy)]
pub struct ImportOptions<'a> {
    /// Asks for warnings in the response.
    pub debug: bool,
    /// Predicts the outcome without writing.
    pub dry_run: bool,
    /// Imports even if the task's safety threshold is exceeded.
    pub override_threshold: bool,
    /// Identifies a repeated request.
    pub idempotency_key: Option<&'a str>,
    /// Asks for a response before the import has ended.
    pub respond_async: bool,
}

/// A client of one server.
pub struct Server {
    url: ServerUrl,
    http: Client,
}

impl Server {
    /// Returns a client of a server, without connecting to it.
    ///
    /// # Errors
    /// Returns an error if the TLS configuration of the machine cannot be loaded.
    pub fn new(url: ServerUrl) -> Result<Self, Failure> {
        let mut builder = Client::builder()
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT);
        if url.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::failed(format!("cannot set up HTTP: {}", cause(&error))))?;
        Ok(Self { url, http })
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Requests a robot's token.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Response, NoResponse> {
        let credentials = json!({"username": username, "password": password.expose_secret()});
        let url = self.url.join(["authenticate"]);
        send(self.http.post(url).json(&credentials)).await
    }

    /// Imports users into a task.
    pub async fn import(
        &self,
        token: &SecretString,
        task: u64,
        options: &ImportOptions<'_>,
        users: Vec<u8>,
    ) -> Result<Response, NoResponse> {
        let mut url = self
            .url
            .join(["v1", "import", "user-data", &task.to_string()]);
        let switches = [
            ("debug", options.debug),
            ("dryRun", options.dry_run),
            ("overrideThreshold", options.override_threshold),
        ];
        let on: Vec<&str> = switches
            .into_iter()
            .filter_map(|(name, on)| on.then_some(name))
            .collect();
        url.set_query(Some(on.join("&").as_str()).filter(|query| !query.is_empty()));
        let mut request = self
            .http
            .post(url)
            .bearer_auth(token.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(users);
        if let Some(key) = options.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if options.respond_async {
            request = request.header("prefer", "respond-async");
        }
        send(request).await
    }

    /// Calls an API with a JSON request and a JSON response. The segments of the path are not yet
    /// escaped.
    pub async fn call(
        &self,
        token: Option<&SecretString>,
        method: Method,
        path: &[&str],
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Response, NoResponse> {
        let mut url: Url = self.url.join(path.iter().copied());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self
            .http
            .request(method, url)
            .header(header::ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        send(request).await
    }

    /// Uploads bytes to a signed URL, without a token: the URL itself grants the permission.
    pub async fn put(&self, url: &str, bytes: Vec<u8>) -> Result<Response, NoResponse> {
        send_within(self.http.put(url).body(bytes), PART_TIMEOUT).await
    }

    /// Returns the failure for a server that cannot be reached.
    pub fn unreachable(&self, cause: &str) -> Failure {
        Failure::failed(format!("cannot reach {}: {cause}", self.url)).hint(
            "check --url or MUSTER_URL, and that the server is running (on this machine: \
             `muster-local up`)",
        )
    }

    /// Returns the failure for a response that is not of this API: that of another server, or of
    /// a failing gateway in front of it.
    pub fn unexpected(&self, response: &Response) -> Failure {
        let status = response.status;
        if status.is_server_error() {
            return response.server_failure("no reason given");
        }
        match response
            .header("location")
            .filter(|_| status.is_redirection())
        {
            Some(target) => Failure::failed(format!(
                "{} responded with {status}, a redirect to {target}",
                self.url
            ))
            .hint("if that is the right server, pass its URL as --url"),
            None => Failure::failed(format!(
                "{} responded with {status}, but not as a Muster server does",
                self.url
            ))
            .hint("check --url: expected the URL of the server, without the paths of the API"),
        }
    }
}

/// Returns a runtime for requests. One thread is enough for them, and one runtime for all requests
/// of a command keeps the connection open between them.
pub fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the network client: {error}")))
}

/// Runs one future to completion.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(runtime()?.block_on(future))
}

async fn send(request: RequestBuilder) -> Result<Response, NoResponse> {
    send_within(request, RESPONSE_TIMEOUT).await
}

async fn send_within(request: RequestBuilder, timeout: Duration) -> Result<Response, NoResponse> {
    let classify = |error: reqwest::Error| {
        if error.is_connect() || error.is_builder() {
            NoResponse::Unreachable(cause(&error))
        } else if error.is_timeout() {
            NoResponse::Lost(format!("no response within {} seconds", timeout.as_secs()))
        } else {
            NoResponse::Lost(cause(&error))
        }
    };
    let response = request.timeout(timeout).send().await.map_err(classify)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(classify)?.to_vec();
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// Returns the innermost cause: the outer ones only state that a request failed.
fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
