//! Generation and form of bearer tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::SecretString;

use crate::error::StoreError;

/// Characters of a token: 256 bits in base64 without padding.
const TOKEN_CHARS: usize = 43;

/// Generates a token.
pub(super) fn random_token() -> Result<SecretString, StoreError> {
    let mut bits = [0_u8; 32];
    SysRng
        .try_fill_bytes(&mut bits)
        .map_err(|error| StoreError::Secrets(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bits).into())
}

/// Returns true if `text` has the form of a token. Any text can follow `Bearer`; only texts of this
/// form are hashed and looked up.
pub(super) fn has_form(text: &str) -> bool {
    text.len() == TOKEN_CHARS
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_43_characters_of_url_safe_base64_are_looked_up() {
        assert!(has_form(&"aZ0-_".repeat(9)[..43]));
        for malformed in ["", "short", &"a".repeat(44), &"a".repeat(100_000)] {
            assert!(!has_form(malformed));
        }
        assert!(!has_form(&"é".repeat(21)) && !has_form(&format!("{}=", "a".repeat(42))));
    }
}
