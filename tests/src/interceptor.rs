//! Interceptors between the SDKs' clients and their connections: an [`Interceptor`] sees each
//! request before it is sent and decides on its response. An SDK's retries are requests of their own
//! here.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use serde_json::Value;

/// The DynamoDB operation that sends statements.
pub const BATCH_EXECUTE_STATEMENT: &str = "BatchExecuteStatement";
/// The DynamoDB operation that sends transactions.
pub const TRANSACT_WRITE_ITEMS: &str = "TransactWriteItems";

const TARGET_HEADER: &str = "x-amz-target";

/// An AWS service.
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
    /// Returns true if requests for this operation can have an effect.
    #[must_use]
    pub fn is_changed_by(self, operation: &str) -> bool {
        match self {
            Self::DynamoDb => !matches!(operation, "GetItem" | "BatchGetItem" | "Query"),
            Self::S3 => !matches!(operation, "GET" | "HEAD"),
            Self::Sqs => operation.starts_with("Send"),
        }
    }
}

/// The result of a request.
pub type Response = Result<HttpResponse, ConnectorError>;

/// Handles the requests of a client in place of its connection.
pub trait Interceptor: fmt::Debug + Send + Sync + 'static {
    /// Sends a request on to the connection `next`, or does something else with it.
    fn intercept(
        self: Arc<Self>,
        request: HttpRequest,
        next: SharedHttpConnector,
    ) -> impl Future<Output = Response> + Send;
}

/// Returns an HTTP client that passes all requests through the interceptor and on to `client`, or
/// without it to a client for HTTP: the emulated services have no TLS.
pub fn intercepted<I: Interceptor>(
    interceptor: &Arc<I>,
    client: Option<SharedHttpClient>,
) -> impl HttpClient + 'static {
    InterceptedClient {
        interceptor: Arc::clone(interceptor),
        next: client.unwrap_or_else(|| Builder::new().build_http()),
    }
}

#[derive(Debug)]
struct InterceptedClient<I> {
    interceptor: Arc<I>,
    next: SharedHttpClient,
}

impl<I: Interceptor> HttpClient for InterceptedClient<I> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(InterceptedConnector {
            interceptor: Arc::clone(&self.interceptor),
            next: self.next.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct InterceptedConnector<I> {
    interceptor: Arc<I>,
    next: SharedHttpConnector,
}

impl<I: Interceptor> HttpConnector for InterceptedConnector<I> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let interceptor = Arc::clone(&self.interceptor);
        HttpConnectorFuture::new(interceptor.intercept(request, self.next.clone()))
    }
}

/// Returns the service and the operation of a request; for S3, the HTTP method.
pub fn operation(request: &HttpRequest) -> (Service, String) {
    let target = request.headers().get(TARGET_HEADER).unwrap_or_default();
    match target.split_once('.') {
        Some(("AmazonSQS", operation)) => (Service::Sqs, operation.to_owned()),
        Some((_, operation)) => (Service::DynamoDb, operation.to_owned()),
        None => (Service::S3, request.method().to_owned()),
    }
}

/// Returns a request's body, or null if it is not JSON.
pub fn json_body(request: &HttpRequest) -> Value {
    let body = request.body().bytes().unwrap_or_default();
    serde_json::from_slice(body).unwrap_or_default()
}

/// Reads the whole body of a response: after that, its request has taken effect.
pub(crate) async fn with_collected_body(mut response: HttpResponse) -> HttpResponse {
    let body = ByteStream::new(response.take_body()).collect().await;
    // A truncated body is handled like an empty one: the SDK rejects both.
    let body = body.map(|body| body.into_bytes()).unwrap_or_default();
    *response.body_mut() = SdkBody::from(body);
    response
}

/// Replaces the body of a request.
pub(crate) fn set_body(request: &mut HttpRequest, body: &Value) {
    let body = body.to_string();
    let headers = request.headers_mut();
    headers.insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}
