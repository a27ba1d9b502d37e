//! The API of imports that outlast a request, as a robot uses it: uploads, where a run stands, and
//! what it did not take. What passes by itself is told from what does not; what a failure means to
//! an import is the commands' business.

mod outcome;
mod patience;
mod view;
mod wire;

use reqwest::{Method, StatusCode, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::admin::Object;
use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::problem::Problem;
use crate::server::{Answer, NoAnswer, Server};

pub use outcome::Outcome;
pub use patience::{PAUSES, Trouble, patiently, wait};
pub use view::{ImportView, State};
pub use wire::{Announced, Begun, Cancelled, Items, Part, Rejected, Window};

/// The imports of one server.
pub struct Imports {
    server: Server,
    token: SecretString,
    sign_in: String,
    /// What names the server and the profile on another command line.
    flags: String,
}

impl Imports {
    /// The imports of the server of this connection.
    pub fn new(connection: Connection) -> Result<Self, Failure> {
        Ok(Self {
            server: Server::new(connection.url)?,
            token: connection.token,
            sign_in: connection.sign_in,
            flags: connection.flags,
        })
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The token to show it.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// How to sign in again.
    pub fn sign_in(&self) -> &str {
        &self.sign_in
    }

    /// A command line that goes to the same server.
    pub fn command(&self, words: &str) -> String {
        format!("`muster {words}{}`", self.flags)
    }

    /// Begins an upload.
    pub async fn begin(
        &self,
        task: u64,
        dry_run: bool,
        announced: &Announced<'_>,
    ) -> Result<Begun, Trouble> {
        let query = if dry_run {
            vec![("dryRun", "true".to_owned())]
        } else {
            Vec::new()
        };
        let task_id = task.to_string();
        let path = ["import", "user-data", &task_id, "uploads"];
        let body = json!(announced);
        let answer = self.send(Method::POST, &path, &query, Some(&body)).await?;
        let missing = || {
            Failure::failed(format!(
                "task {task} was not found, or belongs to another customer"
            ))
            .next("check --task, and that you signed in as a robot of the right customer")
        };
        let begun = self
            .judged(answer, missing)
            .map_err(|trouble| match trouble {
                Trouble::Lasting(failure) if failure.exit() == Exit::NotSignedIn => {
                    Trouble::Lasting(failure.then(format!(
                        "or, if the robot may not run task {task}, have it permitted there"
                    )))
                }
                trouble => trouble,
            });
        self.read(&begun?)
    }

    /// A window on the parts of an upload, from this number on.
    pub async fn parts(&self, run: &str, from: u64) -> Result<Window, Trouble> {
        let query = [("from", from.to_string())];
        let answer = self.ask(Method::GET, run, &["parts"], &query).await?;
        self.read(&answer)
    }

    /// Puts a part where its URL says.
    pub async fn put(&self, part: u64, url: &str, bytes: Vec<u8>) -> Result<(), Trouble> {
        let answer = self
            .server
            .put(url, bytes)
            .await
            .map_err(|no| self.silence(no))?;
        let status = answer.status;
        if status.is_success() {
            return Ok(());
        }
        let failure = Failure::failed(format!(
            "the store of uploads answered part {part} with {status}"
        ));
        let passing = status.is_server_error()
            || matches!(
                status,
                // An expired URL; and what S3 answers on slow lines and in a hurry.
                StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            )
            || says(&answer, "RequestTimeout");
        Err(if passing {
            Trouble::Passing(failure)
        } else if says(&answer, "NoSuchUpload") {
            Trouble::Lasting(Failure::failed(
                "the upload has ended: it was cancelled, or begun more than 7 days ago",
            ))
        } else {
            Trouble::Lasting(failure)
        })
    }

    /// Says that everything has arrived. A task that is busy is no passing trouble: its import may
    /// take hours.
    pub async fn complete(
        &self,
        run: &str,
        busy: impl Fn(&Answer) -> Failure,
    ) -> Result<(), Trouble> {
        let answer = self
            .send(Method::POST, &["imports", run, "complete"], &[], None)
            .await?;
        if answer.status == StatusCode::SERVICE_UNAVAILABLE && Problem::of(&answer).is_some() {
            return Err(Trouble::Lasting(busy(&answer)));
        }
        self.judged(answer, || self.missing(run)).map(drop)
    }

    /// Where a run stands, as received.
    pub async fn run(&self, run: &str) -> Result<Object, Trouble> {
        let answer = self.ask(Method::GET, run, &[], &[]).await?;
        self.read_object(&answer)
    }

    /// Stops a run.
    pub async fn cancel(&self, run: &str) -> Result<Object, Trouble> {
        let answer = self.ask(Method::POST, run, &["cancel"], &[]).await?;
        self.read_object(&answer)
    }

    /// A page of a run's items: what it has to say about its records.
    pub async fn items<T: DeserializeOwned>(
        &self,
        run: &str,
        after: Option<&str>,
    ) -> Result<Items<T>, Trouble> {
        let mut query = vec![("limit", "1000".to_owned())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        let answer = self.ask(Method::GET, run, &["items"], &query).await?;
        self.read(&answer)
    }

    /// A page of the records that a run did not take.
    pub async fn rejected(&self, run: &str, from: Option<&str>) -> Result<Rejected, Trouble> {
        let query: Vec<_> = from
            .map(|from| ("from", from.to_owned()))
            .into_iter()
            .collect();
        let answer = self.ask(Method::GET, run, &["rejected"], &query).await?;
        let is_lines = answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-ndjson"));
        if !is_lines {
            return Err(Trouble::Lasting(self.server.foreign(&answer)));
        }
        let next = answer.header("link").and_then(next_page);
        if next.is_some() && next.as_deref() == from {
            return Err(Trouble::Lasting(self.server.foreign(&answer)));
        }
        Ok(Rejected {
            lines: answer.body,
            next,
        })
    }

    async fn ask(
        &self,
        method: Method,
        run: &str,
        below: &[&str],
        query: &[(&'static str, String)],
    ) -> Result<Answer, Trouble> {
        let path = [&["imports", run], below].concat();
        let answer = self.send(method, &path, query, None).await?;
        self.judged(answer, || self.missing(run))
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&'static str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, Trouble> {
        let sent = self.server.imports(&self.token, method, path, query, body);
        sent.await.map_err(|no| self.silence(no))
    }

    fn silence(&self, no: NoAnswer) -> Trouble {
        Trouble::Passing(match no {
            NoAnswer::Unreachable(cause) => self.server.unreachable(&cause),
            NoAnswer::Lost(cause) => {
                Failure::failed(format!("the connection was lost ({cause})")).next("run it again")
            }
        })
    }

    fn missing(&self, run: &str) -> Failure {
        Failure::failed(format!("import {run} was not found")).next(
            "check the id, and that you signed in as a robot that is permitted on the import's task",
        )
    }

    /// The answer, if it is none that refuses.
    fn judged(&self, answer: Answer, missing: impl Fn() -> Failure) -> Result<Answer, Trouble> {
        let status = answer.status;
        if status.is_success() {
            return Ok(answer);
        }
        let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let Some(problem) = Problem::of(&answer) else {
            let failure = self.server.foreign(&answer);
            return Err(if is_passing {
                Trouble::Passing(failure)
            } else {
                Trouble::Lasting(failure)
            });
        };
        let text = problem.text();
        Err(match status {
            StatusCode::UNAUTHORIZED => {
                Trouble::Lasting(Failure::not_signed_in(text).next(&self.sign_in))
            }
            StatusCode::NOT_FOUND => Trouble::Lasting(missing()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Trouble::Passing(
                Failure::failed(text).next(format!("try again {}", answer.retry_after())),
            ),
            status if status.is_server_error() => Trouble::Passing(answer.gave_up(&text)),
            _ => Trouble::Lasting(Failure::failed(text)),
        })
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Trouble> {
        self.read_object(answer)?.read().map_err(Trouble::Lasting)
    }

    fn read_object(&self, answer: &Answer) -> Result<Object, Trouble> {
        Object::of(answer).ok_or_else(|| Trouble::Lasting(self.server.foreign(answer)))
    }
}

/// Whether the store of uploads gives this reason.
fn says(answer: &Answer, code: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(&format!("<Code>{code}</Code>"))
}

/// Where the next page begins, by the header `Link`. Only the position is taken from it: where the
/// server is, was said by the person.
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
    fn the_next_page_is_where_the_link_says() {
        let link = r#"</v1/imports/0198c7/rejected?from=17>; rel="next""#;
        assert_eq!(next_page(link).as_deref(), Some("17"));
        let both = r#"<?from=1>; rel="prev", <https://other.example/x?a=b&from=4%2F5>; rel="next""#;
        assert_eq!(next_page(both).as_deref(), Some("4/5"));
        for none in ["", r#"</v1?from=3>; rel="prev""#, r#"</v1>; rel="next""#] {
            assert_eq!(next_page(none), None, "{none}");
        }
    }
}
