//! The client of the imports API. It distinguishes transient from permanent errors; the commands add
//! the hints for an import.

use muster_api::{CreateUploadRequest, CreateUploadResponse, Page, UploadPartsResponse};
use muster_core::item::{Item, Severity};
use reqwest::{Method, StatusCode, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::http::connection::Connection;
use crate::http::problem;
use crate::http::response::{NoResponse, Response};
use crate::http::server::Server;
use crate::imports::retry::RequestError;
use crate::json::JsonObject;

/// Items per page.
const PAGE_ITEMS: u32 = 1_000;

/// One page of the rejected records.
pub struct RejectedPage {
    /// JSON lines.
    pub lines: Vec<u8>,
    /// Position of the next page.
    pub next: Option<String>,
}

/// A client of the imports API of one server.
pub struct ImportsClient {
    server: Server,
    token: SecretString,
    /// The hint on how to sign in again.
    sign_in: String,
    /// The flags that select the same server and profile on another command line.
    flags: String,
}

impl ImportsClient {
    /// Returns a client, without connecting to the server.
    pub fn new(connection: Connection) -> Result<Self, Failure> {
        Ok(Self {
            server: Server::new(connection.url)?,
            token: connection.token,
            sign_in: connection.sign_in,
            flags: connection.flags,
        })
    }

    /// Returns the server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns the token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Returns the hint on how to sign in again.
    pub fn sign_in(&self) -> &str {
        &self.sign_in
    }

    /// Returns a command line that uses the same server.
    pub fn command(&self, arguments: &str) -> String {
        format!("`muster {arguments}{}`", self.flags)
    }

    /// Starts an upload.
    pub async fn create_upload(
        &self,
        task: u64,
        dry_run: bool,
        override_threshold: bool,
        request: &CreateUploadRequest,
    ) -> Result<CreateUploadResponse, RequestError> {
        let switches = [
            ("dryRun", dry_run),
            ("overrideThreshold", override_threshold),
        ];
        let query: Vec<_> = switches
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| (name, "true".to_owned()))
            .collect();
        let task_id = task.to_string();
        let path = ["import", "user-data", &task_id, "uploads"];
        let body = json!(request);
        let response = self.send(Method::POST, &path, &query, Some(&body)).await?;
        let checked = self.check(response, || task_not_found(task));
        let response = checked.map_err(|error| match error {
            RequestError::Permanent(failure) if failure.exit() == Exit::NotSignedIn => {
                RequestError::Permanent(failure.add_hint(format!(
                    "or, if the robot may not run task {task}, permit it on the task"
                )))
            }
            error => error,
        })?;
        self.read(&response)
    }

    /// Lists the parts of an upload, from a part number on.
    pub async fn parts(&self, id: &str, from: u32) -> Result<UploadPartsResponse, RequestError> {
        let query = [("from", from.to_string())];
        let response = self.request(Method::GET, id, &["parts"], &query).await?;
        self.read(&response)
    }

    /// Uploads a part to its URL.
    pub async fn put_part(&self, part: u32, url: &str, bytes: Vec<u8>) -> Result<(), RequestError> {
        let response = self
            .server
            .put(url, bytes)
            .await
            .map_err(|error| self.no_response(error))?;
        let status = response.status;
        if status.is_success() {
            return Ok(());
        }
        let failure = Failure::failed(format!(
            "the upload store responded to part {part} with {status}"
        ));
        let is_transient = status.is_server_error()
            || matches!(
                status,
                // An expired URL, and the responses of S3 to slow connections and high load.
                StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            )
            || has_code(&response, "RequestTimeout");
        Err(if is_transient {
            RequestError::Transient(failure)
        } else if has_code(&response, "NoSuchUpload") {
            RequestError::Permanent(Failure::failed(
                "the upload has ended: it was cancelled, or started more than 7 days ago",
            ))
        } else {
            RequestError::Permanent(failure)
        })
    }

    /// Completes an upload. A busy task is a permanent error: its import may take hours.
    pub async fn complete(
        &self,
        id: &str,
        busy: impl Fn(&Response) -> Failure,
    ) -> Result<(), RequestError> {
        let response = self
            .send(Method::POST, &["imports", id, "complete"], &[], None)
            .await?;
        if response.status == StatusCode::SERVICE_UNAVAILABLE && problem::of(&response).is_some() {
            return Err(RequestError::Permanent(busy(&response)));
        }
        self.check(response, || self.not_found(id)).map(drop)
    }

    /// Reads the status of an import, as received.
    pub async fn status(&self, id: &str) -> Result<JsonObject, RequestError> {
        let response = self.request(Method::GET, id, &[], &[]).await?;
        self.read_object(&response)
    }

    /// Cancels an import.
    pub async fn cancel(&self, id: &str) -> Result<JsonObject, RequestError> {
        let response = self.request(Method::POST, id, &["cancel"], &[]).await?;
        self.read_object(&response)
    }

    /// Reads a page of the items of an import; `from` is the `next` of the previous page.
    pub async fn items(&self, id: &str, from: Option<&str>) -> Result<Page<Item>, RequestError> {
        let mut query = vec![("limit", PAGE_ITEMS.to_string())];
        query.extend(from.map(|from| ("from", from.to_owned())));
        let response = self.request(Method::GET, id, &["items"], &query).await?;
        self.read(&response)
    }

    /// Reads what is noted about the data of an import as a whole. Notes are an extra: if they cannot
    /// be read, there are none.
    pub async fn notes(&self, id: &str) -> Vec<String> {
        let query = [
            ("severity", Severity::Info.as_str().to_owned()),
            ("limit", PAGE_ITEMS.to_string()),
        ];
        let page = match self.request(Method::GET, id, &["items"], &query).await {
            Ok(response) => self.read::<Page<Item>>(&response).ok(),
            Err(_) => None,
        };
        let items = page.into_iter().flat_map(|page| page.items);
        items
            .filter(|item| item.record.is_none())
            .map(|item| item.to_string())
            .collect()
    }

    /// Reads a page of the rejected records of an import.
    pub async fn rejected(
        &self,
        id: &str,
        from: Option<&str>,
    ) -> Result<RejectedPage, RequestError> {
        let query: Vec<_> = from
            .map(|from| ("from", from.to_owned()))
            .into_iter()
            .collect();
        let response = self.request(Method::GET, id, &["rejected"], &query).await?;
        let is_ndjson = response
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-ndjson"));
        if !is_ndjson {
            return Err(RequestError::Permanent(self.server.unexpected(&response)));
        }
        let next = response.header("link").and_then(next_page);
        if next.is_some() && next.as_deref() == from {
            return Err(RequestError::Permanent(self.server.unexpected(&response)));
        }
        Ok(RejectedPage {
            lines: response.body,
            next,
        })
    }

    /// Sends a request about one import and checks the response.
    async fn request(
        &self,
        method: Method,
        id: &str,
        subpath: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<Response, RequestError> {
        let path = [&["imports", id], subpath].concat();
        let response = self.send(method, &path, query, None).await?;
        self.check(response, || self.not_found(id))
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Response, RequestError> {
        let path = [&["v1"], path].concat();
        let sent = self
            .server
            .call(Some(&self.token), method, &path, query, body);
        sent.await.map_err(|error| self.no_response(error))
    }

    fn no_response(&self, error: NoResponse) -> RequestError {
        RequestError::Transient(match error {
            NoResponse::Unreachable(cause) => self.server.unreachable(&cause),
            NoResponse::Lost(cause) => {
                Failure::failed(format!("the connection was lost ({cause})")).hint("try again")
            }
        })
    }

    fn not_found(&self, id: &str) -> Failure {
        Failure::failed(format!("import {id} was not found")).hint(
            "check the id, and that you are signed in as a robot that may run the import's task",
        )
    }

    /// Returns the response if it is a success.
    fn check(
        &self,
        response: Response,
        not_found: impl Fn() -> Failure,
    ) -> Result<Response, RequestError> {
        let status = response.status;
        if status.is_success() {
            return Ok(response);
        }
        let is_transient = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let Some(problem) = problem::of(&response) else {
            let failure = self.server.unexpected(&response);
            return Err(if is_transient {
                RequestError::Transient(failure)
            } else {
                RequestError::Permanent(failure)
            });
        };
        let text = problem::text(&problem);
        Err(match status {
            StatusCode::UNAUTHORIZED => {
                RequestError::Permanent(Failure::not_signed_in(text).hint(&self.sign_in))
            }
            StatusCode::NOT_FOUND => RequestError::Permanent(not_found()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                RequestError::Transient(Failure::failed(text).hint(response.retry_hint()))
            }
            status if status.is_server_error() => {
                RequestError::Transient(response.server_failure(&text))
            }
            _ => RequestError::Permanent(Failure::failed(text)),
        })
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, RequestError> {
        self.read_object(response)?
            .read()
            .map_err(RequestError::Permanent)
    }

    fn read_object(&self, response: &Response) -> Result<JsonObject, RequestError> {
        JsonObject::from_slice(&response.body)
            .ok_or_else(|| RequestError::Permanent(self.server.unexpected(response)))
    }
}

/// Returns the failure for an unknown task.
pub fn task_not_found(task: u64) -> Failure {
    Failure::failed(format!(
        "task {task} was not found, or belongs to another customer"
    ))
    .hint("check --task, and that you are signed in as a robot of the right customer")
}

/// Returns true if the upload store responded with this error code.
fn has_code(response: &Response, code: &str) -> bool {
    String::from_utf8_lossy(&response.body).contains(&format!("<Code>{code}</Code>"))
}

/// Returns the position of the next page from the header `Link`. Only the position is used, never
/// the server: the user chooses that.
fn next_page(link: &str) -> Option<String> {
    let link = link.split(',').find(|link| link.contains("rel=\"next\""))?;
    let target = link.split_once('<')?.1.split_once('>')?.0;
    let url = Url::parse("http://localhost").ok()?.join(target).ok()?;
    url.query_pairs()
        .find(|(name, _)| name == "from")
        .map(|(_, from)| from.into_owned())
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_position_of_the_next_page_is_taken_from_the_link() {
        let link = r#"</v1/imports/0198c7/rejected?from=17>; rel="next""#;
        assert_eq!(next_page(link).as_deref(), Some("17"));
        let both = r#"<?from=1>; rel="prev", <https://other.example/x?a=b&from=4%2F5>; rel="next""#;
        assert_eq!(next_page(both).as_deref(), Some("4/5"));
        for none in ["", r#"</v1?from=3>; rel="prev""#, r#"</v1>; rel="next""#] {
            assert_eq!(next_page(none), None, "{none}");
        }
    }
}
