//! The operator's API as the commands use it: one call, one page of a list, and what stands in
//! the way, said with the next step. What an object holds is the commands' business.

mod place;
mod problem;

use std::future::Future;

use clap::Args;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

pub use place::Place;

use crate::connection::{CONNECTION, ServerArgs};
use crate::failure::{Exit, Failure};
use crate::profile::Who;
use crate::server::{Answer, NoAnswer, Server, runtime};
use crate::view::{Output, Sheet, View};

/// The arguments of every command that an operator uses.
#[derive(Args)]
pub struct AdminArgs {
    /// How to show the answer; json is the server's
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    server: ServerArgs,

    /// The operator's token; better put into MUSTER_OPERATOR_TOKEN, for other users of the machine
    /// can see arguments
    #[arg(
        long,
        env = "MUSTER_OPERATOR_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = CONNECTION
    )]
    operator_token: Option<String>,
}

impl AdminArgs {
    /// Takes the operator's place. Nothing is sent yet.
    pub fn open(&self) -> Result<Admin, Failure> {
        let connection = self
            .server
            .resolve(Who::Operator, self.operator_token.as_deref())?;
        Admin::new(
            Server::new(connection.url)?,
            connection.token,
            connection.sign_in,
            View::new(self.output),
        )
    }
}

/// What the server answered: an object, as received.
pub struct Object(Box<RawValue>);

impl Object {
    /// The object of an answer, if it holds one.
    pub fn of(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).map(Self).ok()
    }

    /// Reads of it what the caller needs.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.0.get()).map_err(|error| {
            Failure::failed(format!("the server's answer cannot be read: {error}"))
                .next("is this client older than the server? `muster --version` says which it is")
        })
    }

    /// Its text.
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// The same with one more member, of which the server knows nothing.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, Failure> {
        let open = self.json().trim_end();
        let open = open.strip_suffix('}').unwrap_or(open);
        let (name, value) = (Value::from(name), Value::from(value));
        RawValue::from_string(format!("{open},{name}:{value}}}"))
            .map(Self)
            .map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// The body of a request: members that are `null` are not given, and left out.
pub fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// What a list is asked for.
pub type Query = Vec<(&'static str, String)>;

/// The operator's API of one server.
pub struct Admin {
    server: Server,
    token: SecretString,
    sign_in: String,
    runtime: Runtime,
    /// How answers are shown.
    pub view: View,
}

impl Admin {
    /// The API of this server, with this token.
    pub fn new(
        server: Server,
        token: SecretString,
        sign_in: String,
        view: View,
    ) -> Result<Self, Failure> {
        Ok(Self {
            server,
            token,
            sign_in,
            runtime: runtime()?,
            view,
        })
    }

    /// Runs something to its end.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Reads one object.
    pub fn get(&self, place: &Place) -> Result<Object, Failure> {
        self.call(Method::GET, place, None)
    }

    /// Makes one request that answers an object.
    pub fn call(
        &self,
        method: Method,
        place: &Place,
        body: Option<Value>,
    ) -> Result<Object, Failure> {
        self.wait(self.ask(method, place, &Vec::new(), body))
    }

    /// Makes one request whose answer is empty.
    pub fn tell(&self, method: Method, place: &Place) -> Result<(), Failure> {
        self.wait(self.send(method, place, &Vec::new(), None))
            .map(drop)
    }

    /// One page of a list, and where the next begins.
    pub async fn page(
        &self,
        place: &Place,
        query: &Query,
    ) -> Result<(Vec<Object>, Option<String>), Failure> {
        let page: Page = self.ask(Method::GET, place, query, None).await?.read()?;
        Ok((page.items.into_iter().map(Object).collect(), page.next))
    }

    /// Every object of a list that the query matches.
    pub async fn every<T: DeserializeOwned>(
        &self,
        place: &Place,
        mut query: Query,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        query.push(("limit", "1000".to_owned()));
        loop {
            let (objects, next) = self.page(place, &query).await?;
            for object in &objects {
                all.push(object.read()?);
            }
            let Some(next) = next else { return Ok(all) };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next));
        }
    }

    /// Shows an object in the form that was asked for.
    pub fn show<T: Sheet>(&self, object: &Object) -> Result<Exit, Failure> {
        self.view.object::<T>(object)?;
        Ok(Exit::Ok)
    }

    async fn ask(
        &self,
        method: Method,
        place: &Place,
        query: &Query,
        body: Option<Value>,
    ) -> Result<Object, Failure> {
        let answer = self.send(method, place, query, body).await?;
        Object::of(&answer).ok_or_else(|| self.server.foreign(&answer))
    }

    async fn send(
        &self,
        method: Method,
        place: &Place,
        query: &Query,
        body: Option<Value>,
    ) -> Result<Answer, Failure> {
        let sent = self.server.admin(
            Some(&self.token),
            method.clone(),
            &place.path,
            query,
            body.as_ref(),
        );
        match sent.await {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(problem::failure(
                &self.server,
                &answer,
                Some(place),
                &self.sign_in,
            )),
            Err(NoAnswer::Unreachable(cause)) => Err(self.server.unreachable(&cause)),
            Err(NoAnswer::Lost(cause)) => Err(lost(&method, place, &cause)),
        }
    }
}

/// What is wrong with an answer to a request that needs no session.
pub fn refused(server: &Server, answer: &Answer, sign_in: &str) -> Failure {
    problem::failure(server, answer, None, sign_in)
}

/// The connection ended before the answer: was it done?
fn lost(method: &Method, place: &Place, cause: &str) -> Failure {
    if *method == Method::GET {
        return Failure::failed(format!("the answer was lost ({cause})")).next("run it again");
    }
    let next = if place.repeatable || *method != Method::POST {
        "running it again is safe".to_owned()
    } else {
        format!("look before running it again: `{}`", place.look)
    };
    Failure::failed(format!(
        "the answer was lost ({cause}): the change may have been made"
    ))
    .next(next)
}
