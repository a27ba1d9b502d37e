//! `POST /authenticate`: robots sign in.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// User name and password of a robot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(as = SignIn, example = json!({"username": "acme-robot", "password": "its password"}))
)]
pub struct AuthenticateRequest {
    /// The robot's name.
    pub username: String,
    /// The robot's password.
    #[serde(serialize_with = "crate::secret::password")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Password))]
    pub password: SecretString,
}

/// Result of a sign-in, successful or not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SignedIn))]
pub struct AuthenticateResponse {
    /// Bearer token, valid for 30 minutes; empty if the sign-in failed.
    pub token: String,
    /// `SUCCESS`, or the reason why the sign-in failed.
    pub status: String,
}
