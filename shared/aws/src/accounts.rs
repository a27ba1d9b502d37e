//! What robots and operators have in common: the rule for their names, and a password whose check
//! takes the same time whether or not the name is known. Each has a name space of its own.

use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::row::Key;
use crate::{Store, StoreError, passwords};

/// Characters of a name.
const LONGEST_NAME: usize = 128;

/// What [`is_name`] asks of a name.
pub(crate) const NAME_RULE: &str = "the name of a robot or an operator has 1 to 128 characters, \
                                    no control characters and no space at its ends";

/// A row that a name finds and a password opens.
pub(crate) trait Account: DeserializeOwned {
    /// What it is, for an error.
    const WHAT: &'static str;

    /// Where it is.
    fn key(name: &str) -> Key;

    /// The hash of its password.
    fn password(&self) -> &str;
}

pub(crate) fn is_name(name: &str) -> bool {
    let length = name.chars().take(LONGEST_NAME + 1).count();
    (1..=LONGEST_NAME).contains(&length)
        && name == name.trim()
        && !name.chars().any(char::is_control)
}

impl Store {
    /// The account that has this name and this password. An unknown name is refused after the same
    /// work as a wrong password.
    pub(crate) async fn verify_account<A: Account>(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<A>, StoreError> {
        let known: Option<A> = if is_name(name) {
            self.read_lasting_row(A::WHAT, &A::key(name)).await?
        } else {
            None
        };
        let hash = known.as_ref().map(|account| account.password().to_owned());
        let right = passwords::verify(password, hash).await?;
        Ok(known.filter(|_| right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_128_characters() {
        for good in ["robot", "Import Robot", "робот@acme", &"é".repeat(128)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", " robot", "a\0b", &"x".repeat(129)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
