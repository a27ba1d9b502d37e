//! Bearer tokens: 256 random bits, stored only as their SHA-256, so that neither the table nor a
//! backup of it grants access. An expired token counts as unknown. Each use of a token checks its
//! rights against the row of its robot: disabling the robot, or removing a scope from it, takes
//! effect at once. Tokens that operators issue have titles and are listed ([`api`]).

pub mod api;
mod last_use;
mod sign_in;

pub use self::sign_in::Token;
pub use super::scope::Scope;
use crate::digest::sha256_hex;
use crate::dynamodb::row::Key;
use crate::store::Store;

/// The kind of row, for errors.
const ROW: &str = "a token";

/// Handle of the tokens of robots.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'s> {
    store: &'s Store,
}

impl Store {
    /// Returns the handle of tokens.
    #[must_use]
    pub const fn tokens(&self) -> Tokens<'_> {
        Tokens { store: self }
    }
}

/// Returns the key of the token with this digest.
fn key(digest: &str) -> Key {
    Key::new(format!("TOKEN#{digest}"), "TOKEN")
}

/// Returns the digest of a token.
fn digest(token: &str) -> String {
    sha256_hex(token.as_bytes())
}
