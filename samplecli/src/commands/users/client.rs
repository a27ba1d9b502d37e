//! The client of QVALON's user resource: a robot's requests, and refusals that name the flags of the
//! command line.

use clap::Args;
use muster_api::QvalonError;
use muster_core::attribute::Attribute;
use muster_core::login::canon;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use super::flags::{flag_of, spec_of_key};
use super::selector::{FIND_USER_HINT, not_found};
use crate::failure::Failure;
use crate::http::connection::ConnectionArgs;
use crate::http::response::{NoResponse, Response};
use crate::http::server::{Server, runtime};
use crate::json::JsonObject;
use crate::output::escape::escaped;
use crate::output::printer::{OutputFormat, Printer};

/// The arguments of commands for robots.
#[derive(Args)]
pub struct UsersClientArgs {
    /// Output format; json is the response of the server
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl UsersClientArgs {
    /// Returns a client, without connecting to the server.
    pub fn open(&self) -> Result<UsersClient, Failure> {
        let connection = self.connection.resolve()?;
        Ok(UsersClient {
            server: Server::new(connection.url)?,
            token: connection.token,
            sign_in: connection.sign_in,
            runtime: runtime()?,
            printer: Printer::new(self.output),
        })
    }
}

/// A client of the user resource of one server.
pub struct UsersClient {
    server: Server,
    token: SecretString,
    sign_in: String,
    runtime: Runtime,
    /// The printer of responses.
    pub printer: Printer,
}

/// A request.
#[derive(Clone, Copy)]
enum UserRequest<'a> {
    /// Find the user with this login.
    Find(&'a str),
    /// Create a user.
    Create,
    /// Update the user with this id.
    Update(u64),
}

/// The id and the login of a user.
#[derive(Deserialize)]
struct UserSummary {
    id: u64,
    login: String,
}

impl UsersClient {
    /// Returns the id of the user with a login.
    pub fn find(&self, login: &str) -> Result<u64, Failure> {
        let response = self.send(UserRequest::Find(login), None)?;
        let users: Vec<UserSummary> = serde_json::from_slice(&response.body)
            .map_err(|_| self.server.unexpected(&response))?;
        // The filter accepts comma-separated logins, so only an exact match counts.
        users
            .iter()
            .find(|user| canon(&user.login) == canon(login))
            .map(|user| user.id)
            .ok_or_else(|| not_found(login))
    }

    /// Creates a user.
    pub fn create(&self, members: Map<String, Value>) -> Result<JsonObject, Failure> {
        self.write(UserRequest::Create, members)
    }

    /// Updates a user.
    pub fn update(&self, id: u64, members: Map<String, Value>) -> Result<JsonObject, Failure> {
        self.write(UserRequest::Update(id), members)
    }

    fn write(
        &self,
        request: UserRequest<'_>,
        members: Map<String, Value>,
    ) -> Result<JsonObject, Failure> {
        let response = self.send(request, Some(&Value::Object(members)))?;
        JsonObject::from_slice(&response.body).ok_or_else(|| self.server.unexpected(&response))
    }

    fn send(&self, request: UserRequest<'_>, body: Option<&Value>) -> Result<Response, Failure> {
        let (method, id, query) = match request {
            UserRequest::Find(login) => (Method::GET, None, vec![("login", login.to_owned())]),
            UserRequest::Create => (Method::POST, None, Vec::new()),
            UserRequest::Update(id) => (Method::PUT, Some(id), Vec::new()),
        };
        let id = id.map(|id| id.to_string());
        let path: Vec<&str> = ["v1", "orgstruct", "users"]
            .into_iter()
            .chain(id.as_deref())
            .collect();
        let sent = self
            .server
            .call(Some(&self.token), method, &path, &query, body);
        match self.runtime.block_on(sent) {
            Ok(response) if response.status.is_success() => Ok(response),
            Ok(response) => Err(self.failure(request, &response)),
            Err(NoResponse::Unreachable(cause)) => Err(self.server.unreachable(&cause)),
            Err(NoResponse::Lost(cause)) => Err(request.lost(&cause)),
        }
    }

    /// Returns the failure for a response that is not a success.
    fn failure(&self, request: UserRequest<'_>, response: &Response) -> Failure {
        let Ok(error) = serde_json::from_slice::<QvalonError>(&response.body) else {
            return self.unexpected(response);
        };
        let text = request.message(&error);
        match (response.status, request) {
            (StatusCode::UNAUTHORIZED, _) => Failure::not_signed_in(text).hint(format!(
                "{}; the robot needs the scope qvalon: see `muster robot show NAME`",
                self.sign_in
            )),
            (StatusCode::NOT_FOUND, UserRequest::Update(id)) => {
                Failure::failed(format!("user {id} was not found")).hint(FIND_USER_HINT)
            }
            (StatusCode::CONFLICT, UserRequest::Create) => Failure::failed(text)
                .hint("nothing was changed; to change an existing user use `muster users update`"),
            (StatusCode::CONFLICT, _) => {
                Failure::failed(text).hint("nothing was changed: choose another value")
            }
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
                Failure::failed(text).hint(response.retry_hint())
            }
            (status, _) if status.is_server_error() => response.server_failure(&text),
            (StatusCode::BAD_REQUEST, UserRequest::Create | UserRequest::Update(_)) => {
                Failure::failed(text).hint("nothing was changed: correct this and run it again")
            }
            _ => Failure::failed(text),
        }
    }

    /// Returns the failure for a response that is not of the resource.
    fn unexpected(&self, response: &Response) -> Failure {
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            // A gateway in front of the service limits requests, too.
            return Failure::failed("too many requests").hint(response.retry_hint());
        }
        self.server.unexpected(response)
    }
}

impl UserRequest<'_> {
    /// Returns the server's message, with flags in the place of keys.
    fn message(self, error: &QvalonError) -> String {
        let message = escaped(&error.message);
        let problems = self.problems(&message);
        match (problems.as_slice(), &error.field) {
            ([], Some(field)) => match self.argument(field) {
                Some(argument) => format!("{argument}: {message}"),
                None => format!("{}: {message}", escaped(field)),
            },
            ([], None) => message.into_owned(),
            ([only], _) => only.clone(),
            (several, _) => std::iter::once("invalid user".to_owned())
                .chain(several.iter().map(|problem| format!("\n- {problem}")))
                .collect(),
        }
    }

    /// Splits a message into one problem per member: the server joins `key: problem` with `; `.
    /// Returns nothing if the message is not about members.
    fn problems(self, message: &str) -> Vec<String> {
        let mut problems: Vec<String> = Vec::new();
        for piece in message.split("; ") {
            let problem = piece
                .split_once(": ")
                .and_then(|(key, rest)| Some(format!("{}: {rest}", self.argument(key)?)));
            match (problem, problems.last_mut()) {
                (Some(problem), _) => problems.push(problem),
                (None, Some(last)) => {
                    last.push_str("; ");
                    last.push_str(piece);
                }
                (None, None) => return problems,
            }
        }
        problems
    }

    /// Returns the argument that sets a key.
    fn argument(self, key: &str) -> Option<String> {
        match (spec_of_key(key)?.attribute, self) {
            (Attribute::Username, Self::Update(_)) => Some("--new-login".to_owned()),
            (Attribute::Username, Self::Create) => Some("LOGIN".to_owned()),
            (Attribute::Username, Self::Find(_)) => Some("USER".to_owned()),
            (Attribute::ExternalId, _) => Some("--external-id".to_owned()),
            (Attribute::Password, _) => Some("the password".to_owned()),
            (attribute, _) => flag_of(attribute),
        }
    }

    /// Returns the failure for a connection that ended before the response.
    fn lost(self, cause: &str) -> Failure {
        match self {
            Self::Find(_) => {
                Failure::failed(format!("the response was lost ({cause})")).hint("try again")
            }
            Self::Create => Failure::failed(format!(
                "the response was lost ({cause}): the user may have been created"
            ))
            .hint("run it again: if the login is then not available, the user was created"),
            Self::Update(_) => Failure::failed(format!(
                "the response was lost ({cause}): the change may have been made"
            ))
            .hint("it is safe to run it again"),
        }
    }
}
