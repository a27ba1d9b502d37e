//! The arguments and the session of commands for operators.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::http::admin::AdminClient;
use crate::http::admin_resource::AdminResource;
use crate::http::connection::{CONNECTION_HEADING, ServerArgs};
use crate::http::server::Server;
use crate::output::cell::DetailView;
use crate::output::printer::{OutputFormat, Printer};
use crate::profile::Identity;

/// The arguments of every command for operators.
#[derive(Args)]
pub struct AdminArgs {
    /// Output format; json is the response of the server
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,

    #[command(flatten)]
    server: ServerArgs,

    /// Session token of an operator; prefer MUSTER_OPERATOR_TOKEN, because other users of the
    /// machine can see arguments
    #[arg(
        long,
        env = "MUSTER_OPERATOR_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = CONNECTION_HEADING
    )]
    operator_token: Option<String>,
}

impl AdminArgs {
    /// Opens the operator's session, without connecting to the server.
    pub fn open(&self) -> Result<Admin, Failure> {
        let token = self.operator_token.as_deref();
        let connection = self.server.resolve(Identity::Operator, token)?;
        let server = Server::new(connection.url)?;
        Ok(Admin {
            client: AdminClient::new(server, connection.token, connection.sign_in)?,
            printer: Printer::new(self.output),
        })
    }
}

/// The session of an operator.
pub struct Admin {
    /// The client of the API.
    pub client: AdminClient,
    /// The printer of responses.
    pub printer: Printer,
}

impl Admin {
    /// Sends a request and prints the object in the response.
    pub fn call_and_print<T: DetailView>(
        &self,
        method: Method,
        resource: &AdminResource,
        body: Option<Value>,
    ) -> Result<Exit, Failure> {
        let object = self.client.call(method, resource, body)?;
        self.printer.object::<T>(&object)
    }

    /// Reads an object and prints it.
    pub fn get_and_print<T: DetailView>(&self, resource: &AdminResource) -> Result<Exit, Failure> {
        self.call_and_print::<T>(Method::GET, resource, None)
    }
}
