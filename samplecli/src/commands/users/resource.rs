//! QVALON's resource of users as a client of it: a robot's requests, and their refusals in the
//! words of the command line.

use clap::Args;
use muster_core::attribute::Attribute;
use muster_core::login::canon;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use super::flags::{keyed, word};
use super::{LOOK, nobody};
use crate::admin::Object;
use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::server::{Answer, NoAnswer, Server, runtime};
use crate::terminal::shown;
use crate::view::{Output, View};

/// The arguments of a command that a robot uses.
#[derive(Args)]
pub struct RobotArgs {
    /// How to show the answer; json is the server's
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl RobotArgs {
    /// Takes the robot's place. Nothing is sent yet.
    pub fn open(&self) -> Result<Resource, Failure> {
        let connection = self.connection.resolve()?;
        Ok(Resource {
            server: Server::new(connection.url)?,
            token: connection.token,
            sign_in: connection.sign_in,
            runtime: runtime()?,
            view: View::new(self.output),
        })
    }
}

/// The resource of one server.
pub struct Resource {
    server: Server,
    token: SecretString,
    sign_in: String,
    runtime: Runtime,
    /// How answers are shown.
    pub view: View,
}

/// What is asked.
#[derive(Clone, Copy)]
enum Asked<'a> {
    /// Which user has this login.
    Find(&'a str),
    /// A new user.
    Create,
    /// To change the user with this id.
    Update(u64),
}

/// An error, as the resource writes it.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "status")]
    _status: u16,
    message: String,
    field: Option<String>,
}

/// What has to be known of a user who was looked for.
#[derive(Deserialize)]
struct Found {
    id: u64,
    login: String,
}

impl Resource {
    /// The id of the user with this login.
    pub fn find(&self, login: &str) -> Result<u64, Failure> {
        let answer = self.ask(Asked::Find(login), None)?;
        let found: Vec<Found> =
            serde_json::from_slice(&answer.body).map_err(|_| self.server.foreign(&answer))?;
        // The filter takes several logins with commas between them: only the one that was meant.
        found
            .iter()
            .find(|user| canon(&user.login) == canon(login))
            .map(|user| user.id)
            .ok_or_else(|| nobody(login))
    }

    /// Makes a user.
    pub fn create(&self, members: Map<String, Value>) -> Result<Object, Failure> {
        self.write(Asked::Create, members)
    }

    /// Changes a user.
    pub fn update(&self, id: u64, members: Map<String, Value>) -> Result<Object, Failure> {
        self.write(Asked::Update(id), members)
    }

    fn write(&self, asked: Asked<'_>, members: Map<String, Value>) -> Result<Object, Failure> {
        let answer = self.ask(asked, Some(&Value::Object(members)))?;
        Object::of(&answer).ok_or_else(|| self.server.foreign(&answer))
    }

    fn ask(&self, asked: Asked<'_>, body: Option<&Value>) -> Result<Answer, Failure> {
        let (method, id, query) = match asked {
            Asked::Find(login) => (Method::GET, None, vec![("login", login.to_owned())]),
            Asked::Create => (Method::POST, None, Vec::new()),
            Asked::Update(id) => (Method::PUT, Some(id), Vec::new()),
        };
        let sent = self.server.users(&self.token, method, id, &query, body);
        match self.runtime.block_on(sent) {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(self.failure(asked, &answer)),
            Err(NoAnswer::Unreachable(cause)) => Err(self.server.unreachable(&cause)),
            Err(NoAnswer::Lost(cause)) => Err(asked.lost(&cause)),
        }
    }

    /// What an answer that is no success means.
    fn failure(&self, asked: Asked<'_>, answer: &Answer) -> Failure {
        let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body) else {
            return self.foreign(answer);
        };
        let text = asked.text(&refusal);
        match (answer.status, asked) {
            (StatusCode::UNAUTHORIZED, _) => Failure::not_signed_in(text).next(format!(
                "{}; `muster robot show NAME` tells whether the robot's scopes hold qvalon",
                self.sign_in
            )),
            (StatusCode::NOT_FOUND, Asked::Update(id)) => {
                Failure::failed(format!("user {id} was not found")).next(LOOK)
            }
            (StatusCode::CONFLICT, Asked::Create) => Failure::failed(text).next(
                "nothing was changed; `muster users update` changes a user who is there already",
            ),
            (StatusCode::CONFLICT, _) => {
                Failure::failed(text).next("nothing was changed: choose another one")
            }
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
                Failure::failed(text).next(format!("try again {}", answer.retry_after()))
            }
            (status, _) if status.is_server_error() => answer.gave_up(&text),
            (StatusCode::BAD_REQUEST, Asked::Create | Asked::Update(_)) => {
                Failure::failed(text).next("nothing was changed: put it right and run it again")
            }
            _ => Failure::failed(text),
        }
    }

    /// What an answer means that the resource did not write.
    fn foreign(&self, answer: &Answer) -> Failure {
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            // What stands before the service counts requests, too.
            return Failure::failed("the server takes no more requests from here for now")
                .next(format!("try again {}", answer.retry_after()));
        }
        self.server.foreign(answer)
    }
}

impl Asked<'_> {
    /// What the server says, in the words of the command line.
    fn text(self, refusal: &Refusal) -> String {
        let message = shown(&refusal.message);
        let complaints = self.complaints(&message);
        match (complaints.as_slice(), &refusal.field) {
            ([], Some(field)) => match self.word(field) {
                Some(word) => format!("{word}: {message}"),
                None => format!("{}: {message}", shown(field)),
            },
            ([], None) => message.into_owned(),
            ([only], _) => only.clone(),
            (several, _) => std::iter::once("the server refuses the user".to_owned())
                .chain(several.iter().map(|complaint| format!("\n- {complaint}")))
                .collect(),
        }
    }

    /// What is wrong with each member: the server joins them by `; `, each behind its key. None
    /// if the message is not about members.
    fn complaints(self, message: &str) -> Vec<String> {
        let mut complaints: Vec<String> = Vec::new();
        for piece in message.split("; ") {
            let about_member = piece
                .split_once(": ")
                .and_then(|(key, rest)| Some(format!("{}: {rest}", self.word(key)?)));
            match (about_member, complaints.last_mut()) {
                (Some(complaint), _) => complaints.push(complaint),
                (None, Some(last)) => {
                    last.push_str("; ");
                    last.push_str(piece);
                }
                (None, None) => return complaints,
            }
        }
        complaints
    }

    /// What sets the member of this key.
    fn word(self, key: &str) -> Option<String> {
        match (keyed(key)?.attribute, self) {
            (Attribute::Username, Self::Update(_)) => Some("--new-login".to_owned()),
            (Attribute::Username, Self::Create) => Some("LOGIN".to_owned()),
            (Attribute::Username, Self::Find(_)) => Some("USER".to_owned()),
            (Attribute::ExternalId, _) => Some("--external-id".to_owned()),
            (Attribute::Password, _) => Some("the password".to_owned()),
            (attribute, _) => word(attribute),
        }
    }

    /// The connection ended before the answer: was it done?
    fn lost(self, cause: &str) -> Failure {
        match self {
            Self::Find(_) => {
                Failure::failed(format!("the answer was lost ({cause})")).next("run it again")
            }
            Self::Create => Failure::failed(format!(
                "the answer was lost ({cause}): the user may have been created"
            ))
            .next("run it again: if the login is taken then, the user is there"),
            Self::Update(_) => Failure::failed(format!(
                "the answer was lost ({cause}): the change may have been made"
            ))
            .next("running it again is safe"),
        }
    }
}
