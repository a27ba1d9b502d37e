//! The HTTP API as the client uses it: its requests, and what came back, unjudged. Redirects are
//! not followed, for a token must not travel to a place that nobody named.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::terminal::shown;

/// A server answers within half a minute; slow lines may need longer for the file itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(180);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Several parts of an upload share one slow line.
const PART_WITHIN: Duration = Duration::from_secs(900);

/// The address of a server, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Takes an http or https URL; a path before the API's own is kept.
    pub fn parse(text: &str) -> Result<Self, String> {
        let hint = "it should look like http://127.0.0.1:9000 or https://users.example.com";
        let mut url = Url::parse(text)
            .map_err(|error| format!("'{text}' is not a server URL ({error}): {hint}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("'{text}' is not a server URL: {hint}"));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(format!(
                "a server URL holds no user name, password or query: {hint}"
            ));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    fn endpoint(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }

    /// Whether what is sent can be read on the way.
    pub fn is_exposed(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// What a server answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When to come back, in words: `in 30 seconds`.
    pub fn retry_after(&self) -> String {
        let Some(value) = self.header("retry-after") else {
            return "in a minute".to_owned();
        };
        match value.parse::<u64>() {
            Ok(1) => "in 1 second".to_owned(),
            Ok(seconds) => format!("in {seconds} seconds"),
            Err(_) => format!("after {value}"),
        }
    }

    /// What to say when the server failed, with what finds the request in its log.
    pub fn gave_up(&self, text: &str) -> Failure {
        let request = self
            .header("x-request-id")
            .map(|id| format!("\n(request {})", shown(id)))
            .unwrap_or_default();
        Failure::failed(format!(
            "the server failed with {}: {text}{request}",
            self.status
        ))
        .next("run it again; if it stays so, the server's log has the cause")
    }
}

/// How an import is to be done.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// With the warnings in the reply.
    pub debug: bool,
    /// Without writing anything.
    pub dry_run: bool,
    /// Under a name by which the server knows the request again.
    pub idempotency_key: Option<&'a str>,
    /// Without waiting for what becomes of it.
    pub respond_async: bool,
}

/// Why there is no answer.
pub enum NoAnswer {
    /// There was no connection: the request never left.
    Unreachable(String),
    /// The connection ended, or the time did, before the answer came: the request may have
    /// arrived.
    Lost(String),
}

/// A client of one server.
pub struct Server {
    url: ServerUrl,
    http: Client,
}

#[derive(Serialize)]
struct Credentials<'a> {
    username: &'a str,
    password: &'a str,
}

impl Server {
    /// A client of the server at this address. Nothing is sent yet.
    pub fn new(url: ServerUrl) -> Result<Self, Failure> {
        let mut builder = Client::builder()
            .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN);
        if url.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::failed(format!("cannot set up HTTP: {}", cause(&error))))?;
        Ok(Self { url, http })
    }

    /// The server's address.
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Asks for a token.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Answer, NoAnswer> {
        let credentials = Credentials {
            username,
            password: password.expose_secret(),
        };
        send(
            self.http
                .post(self.url.endpoint("/authenticate"))
                .json(&credentials),
        )
        .await
    }

    /// Sends the users to a task.
    pub async fn import(
        &self,
        token: &SecretString,
        task: u64,
        asked: &Asked<'_>,
        users: Vec<u8>,
    ) -> Result<Answer, NoAnswer> {
        let query = match (asked.debug, asked.dry_run) {
            (false, false) => "",
            (true, false) => "?debug",
            (false, true) => "?dryRun",
            (true, true) => "?debug&dryRun",
        };
        let mut request = self
            .http
            .post(
                self.url
                    .endpoint(&format!("/v1/import/user-data/{task}{query}")),
            )
            .bearer_auth(token.expose_secret())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(users);
        if let Some(key) = asked.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if asked.respond_async {
            request = request.header("prefer", "respond-async");
        }
        send(request).await
    }

    /// Asks the operator's API.
    pub async fn admin(
        &self,
        token: Option<&SecretString>,
        method: Method,
        segments: &[String],
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let path = ["admin", "v1"]
            .into_iter()
            .chain(segments.iter().map(String::as_str));
        let mut request = self.request(method, path, query, body);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        send(request).await
    }

    /// Asks QVALON's resource of users: for one of them, or for all.
    pub async fn users(
        &self,
        token: &SecretString,
        method: Method,
        id: Option<u64>,
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let id = id.map(|id| id.to_string());
        let path = ["v1", "orgstruct", "users"]
            .into_iter()
            .chain(id.as_deref());
        let request = self.request(method, path, query, body);
        send(request.bearer_auth(token.expose_secret())).await
    }

    /// Asks a robot's API of imports that outlast a request, below `/v1`.
    pub async fn imports(
        &self,
        token: &SecretString,
        method: Method,
        path: &[&str],
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let path = ["v1"].into_iter().chain(path.iter().copied());
        let request = self.request(method, path, query, body);
        send(request.bearer_auth(token.expose_secret())).await
    }

    /// Puts bytes where a signed URL says. No token goes along: the URL itself is the permission.
    pub async fn put(&self, url: &str, bytes: Vec<u8>) -> Result<Answer, NoAnswer> {
        send_within(self.http.put(url).body(bytes), PART_WITHIN).await
    }

    /// A request of one of the APIs that take and give JSON; the path's segments are not yet
    /// escaped.
    fn request<'a>(
        &self,
        method: Method,
        path: impl Iterator<Item = &'a str>,
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> RequestBuilder {
        let mut url = self.url.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self
            .http
            .request(method, url)
            .header(header::ACCEPT, "application/json");
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// What to say when the server cannot be reached.
    pub fn unreachable(&self, cause: &str) -> Failure {
        Failure::failed(format!("cannot reach {}: {cause}", self.url))
            .next("check --url or MUSTER_URL, and that the server runs (on this machine: `muster-local up`)")
    }

    /// What to say when the answer is none of this API's: another server's, or one's in front of
    /// it that fails.
    pub fn foreign(&self, answer: &Answer) -> Failure {
        let status = answer.status;
        if status.is_server_error() {
            return answer.gave_up("it gave no reason");
        }
        match answer
            .header("location")
            .filter(|_| status.is_redirection())
        {
            Some(place) => Failure::failed(format!(
                "{} answers {status} and points to {place}",
                self.url
            ))
            .next("if that is the right server, give its address as --url"),
            None => Failure::failed(format!(
                "{} answered {status}, but not as a Muster server does",
                self.url
            ))
            .next("check --url: it names the server, without the API's paths"),
        }
    }
}

/// What requests run on. One thread is enough for them, and one runtime for all requests of a
/// command keeps the connection between them.
pub fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the network client: {error}")))
}

async fn send(request: RequestBuilder) -> Result<Answer, NoAnswer> {
    send_within(request, ANSWER_WITHIN).await
}

async fn send_within(request: RequestBuilder, within: Duration) -> Result<Answer, NoAnswer> {
    let sorted = |error: reqwest::Error| {
        if error.is_connect() || error.is_builder() {
            NoAnswer::Unreachable(cause(&error))
        } else if error.is_timeout() {
            NoAnswer::Lost(format!("no answer within {} seconds", within.as_secs()))
        } else {
            NoAnswer::Lost(cause(&error))
        }
    };
    let response = request.timeout(within).send().await.map_err(sorted)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(sorted)?.to_vec();
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// The innermost cause: the outer ones only say that a request failed.
fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn a_server_url_keeps_its_path_and_loses_its_slash() {
        for (given, kept) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            (
                "https://api.example.com/prod/",
                "https://api.example.com/prod",
            ),
        ] {
            assert_eq!(ServerUrl::parse(given).unwrap().to_string(), kept);
        }
        for wrong in [
            "127.0.0.1:9000",
            "localhost",
            "ftp://x",
            "http://u:p@x",
            "http://x/?a=b",
            "file:///etc",
        ] {
            assert!(ServerUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_is_exposed_except_on_this_machine() {
        let exposed = |url| ServerUrl::parse(url).unwrap().is_exposed();
        assert!(exposed("http://users.example.com"));
        assert!(!exposed("https://users.example.com"));
        assert!(!exposed("http://localhost:9000"));
        assert!(!exposed("http://127.0.0.2:9000"));
        assert!(!exposed("http://[::1]:9000"));
    }
}
