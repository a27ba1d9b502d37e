//! The client of the operators' API: single requests, pages of lists, and refusals with a hint on
//! what to do next. The commands interpret the objects.

use muster_api::Page;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::http::admin_resource::AdminResource;
use crate::http::problem;
use crate::http::response::{NoResponse, Response};
use crate::http::server::{Query, Server, runtime};
use crate::json::JsonObject;
use crate::output::escape::escaped;

/// Maximum objects per page.
pub const MAX_PAGE_ITEMS: u64 = 1_000;

/// A client of the operators' API of one server.
pub struct AdminClient {
    server: Server,
    token: SecretString,
    /// The hint on how to sign in again.
    sign_in: String,
    runtime: Runtime,
}

impl AdminClient {
    /// Returns a client, without connecting to the server.
    pub fn new(server: Server, token: SecretString, sign_in: String) -> Result<Self, Failure> {
        Ok(Self {
            server,
            token,
            sign_in,
            runtime: runtime()?,
        })
    }

    /// Runs a future to completion.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Reads an object.
    pub fn get(&self, resource: &AdminResource) -> Result<JsonObject, Failure> {
        self.call(Method::GET, resource, None)
    }

    /// Sends a request that returns an object.
    pub fn call(
        &self,
        method: Method,
        resource: &AdminResource,
        body: Option<Value>,
    ) -> Result<JsonObject, Failure> {
        self.block_on(self.request(method, resource, &Vec::new(), body))
    }

    /// Sends a request that returns no body.
    pub fn call_without_body(
        &self,
        method: Method,
        resource: &AdminResource,
    ) -> Result<(), Failure> {
        self.block_on(self.send(method, resource, &Vec::new(), None))
            .map(drop)
    }

    /// Reads one page of a list.
    pub async fn page(
        &self,
        resource: &AdminResource,
        query: &Query,
    ) -> Result<Page<JsonObject>, Failure> {
        self.request(Method::GET, resource, query, None)
            .await?
            .read()
    }

    /// Reads all pages of a list.
    pub async fn all<T: DeserializeOwned>(
        &self,
        resource: &AdminResource,
        mut query: Query,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        query.push(("limit", MAX_PAGE_ITEMS.to_string()));
        loop {
            let page = self.page(resource, &query).await?;
            for object in &page.items {
                all.push(object.read()?);
            }
            let Some(next) = page.next else {
                return Ok(all);
            };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next));
        }
    }

    async fn request(
        &self,
        method: Method,
        resource: &AdminResource,
        query: &Query,
        body: Option<Value>,
    ) -> Result<JsonObject, Failure> {
        let response = self.send(method, resource, query, body).await?;
        JsonObject::from_slice(&response.body).ok_or_else(|| self.server.unexpected(&response))
    }

    async fn send(
        &self,
        method: Method,
        resource: &AdminResource,
        query: &Query,
        body: Option<Value>,
    ) -> Result<Response, Failure> {
        let path: Vec<&str> = ["admin", "v1"]
            .into_iter()
            .chain(resource.path.iter().map(String::as_str))
            .collect();
        let token = Some(&self.token);
        let sent = self
            .server
            .call(token, method.clone(), &path, query, body.as_ref());
        match sent.await {
            Ok(response) if response.status.is_success() => Ok(response),
            Ok(response) => Err(refusal(
                &self.server,
                &response,
                Some(resource),
                &self.sign_in,
            )),
            Err(NoResponse::Unreachable(cause)) => Err(self.server.unreachable(&cause)),
            Err(NoResponse::Lost(cause)) => Err(lost(&method, resource, &cause)),
        }
    }
}

/// Returns the failure for a response that is not a success.
pub fn refusal(
    server: &Server,
    response: &Response,
    resource: Option<&AdminResource>,
    sign_in: &str,
) -> Failure {
    let Some(problem) = problem::of(response) else {
        return server.unexpected(response);
    };
    let text = problem::text(&problem);
    match response.status {
        StatusCode::UNAUTHORIZED => Failure::not_signed_in(text).hint(sign_in),
        StatusCode::FORBIDDEN => Failure::failed(text).hint(
            "`muster whoami` shows your role; an operator with the role manage can do this, or \
             change your role: `muster operator update NAME --role manage`",
        ),
        StatusCode::NOT_FOUND => match resource {
            Some(resource) => {
                Failure::failed(format!("{} was not found", escaped(&resource.label)))
                    .hint(format!("see `{}`", resource.list_command))
            }
            None => server.unexpected(response),
        },
        StatusCode::CONFLICT => match resource.and_then(|resource| resource.conflict_hint) {
            Some(hint) => Failure::failed(text).hint(hint),
            None => Failure::failed(text),
        },
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Failure::failed(text).hint("nothing was changed: correct this and run it again")
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Failure::failed(text).hint(response.retry_hint())
        }
        status if status.is_server_error() => response.server_failure(&text),
        _ => Failure::failed(text),
    }
}

/// Returns the failure for a connection that ended before the response.
fn lost(method: &Method, resource: &AdminResource, cause: &str) -> Failure {
    if *method == Method::GET {
        return Failure::failed(format!("the response was lost ({cause})")).hint("try again");
    }
    let hint = if resource.is_repeatable || *method != Method::POST {
        "it is safe to run it again".to_owned()
    } else {
        format!("check before running it again: `{}`", resource.list_command)
    };
    Failure::failed(format!(
        "the response was lost ({cause}): the change may have been made"
    ))
    .hint(hint)
}
