//! What stands between the SDKs' clients and their connections: whatever implements [`Passage`] sees
//! each request on its way, and decides what becomes of it. What an SDK tries again is a request of
//! its own here.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use serde_json::Value;

const TARGET: &str = "x-amz-target";

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The tables.
    DynamoDb,
    /// The bucket.
    S3,
    /// The queues.
    Sqs,
}

impl Service {
    /// Whether a request for this operation can have an effect.
    #[must_use]
    pub fn is_changed_by(self, operation: &str) -> bool {
        match self {
            Self::DynamoDb => !matches!(operation, "GetItem" | "BatchGetItem" | "Query"),
            Self::S3 => !matches!(operation, "GET" | "HEAD"),
            Self::Sqs => operation.starts_with("Send"),
        }
    }
}

/// What a request comes to.
pub type Answer = Result<HttpResponse, ConnectorError>;

/// The way from a client to its connection.
pub trait Passage: fmt::Debug + Send + Sync + 'static {
    /// Lets a request pass to the connection `behind`, or does something else.
    fn pass(
        self: Arc<Self>,
        request: HttpRequest,
        behind: SharedHttpConnector,
    ) -> impl Future<Output = Answer> + Send;
}

/// A client's connection, through this passage.
pub fn through<P: Passage>(
    passage: &Arc<P>,
    behind: Option<SharedHttpClient>,
) -> impl HttpClient + 'static {
    Between {
        passage: Arc::clone(passage),
        behind: behind.expect("a client has a connection"),
    }
}

#[derive(Debug)]
struct Between<P> {
    passage: Arc<P>,
    behind: SharedHttpClient,
}

impl<P: Passage> HttpClient for Between<P> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Way {
            passage: Arc::clone(&self.passage),
            behind: self.behind.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct Way<P> {
    passage: Arc<P>,
    behind: SharedHttpConnector,
}

impl<P: Passage> HttpConnector for Way<P> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let passage = Arc::clone(&self.passage);
        HttpConnectorFuture::new(passage.pass(request, self.behind.clone()))
    }
}

/// What a request asks for, and of whom.
pub fn asked(request: &HttpRequest) -> (Service, String) {
    let target = request.headers().get(TARGET).unwrap_or_default();
    match target.split_once('.') {
        Some(("AmazonSQS", operation)) => (Service::Sqs, operation.to_owned()),
        Some((_, operation)) => (Service::DynamoDb, operation.to_owned()),
        None => (Service::S3, request.method().to_owned()),
    }
}

/// A request's body, as far as it is text.
pub fn text(request: &HttpRequest) -> Value {
    let body = request.body().bytes().unwrap_or_default();
    serde_json::from_slice(body).unwrap_or_default()
}

/// An answer all of whose body has come: then its request has taken effect.
pub(crate) async fn whole(mut answer: HttpResponse) -> HttpResponse {
    let body = ByteStream::new(answer.take_body()).collect().await;
    // One that is cut short is as good as none at all; who asked finds out.
    let body = body.map(|body| body.into_bytes()).unwrap_or_default();
    *answer.body_mut() = SdkBody::from(body);
    answer
}

/// Gives a request another body.
pub(crate) fn set_body(request: &mut HttpRequest, body: &Value) {
    let body = body.to_string();
    let headers = request.headers_mut();
    headers.insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}
