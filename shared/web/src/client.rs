//! The address of the client.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::Extensions;
use http::request::Parts;
use lambda_http::request::RequestContext;

/// The client's address: from API Gateway, or else the peer of the connection. Headers such as
/// `X-Forwarded-For` are not used, because the client can set them.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

impl ClientAddress {
    fn of(extensions: &Extensions) -> Self {
        if let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>()
            && let Some(address) = &context.http.source_ip
        {
            return Self(address.clone());
        }
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        Self(peer.map_or_else(|| "unknown".to_owned(), |peer| peer.0.ip().to_string()))
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}
