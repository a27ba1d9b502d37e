//! Password hashes: argon2id in PHC form. A hash takes 19 MB and tens of milliseconds, so it runs
//! off the tokio workers and only a few at a time; the rest wait their turn. Generated passwords
//! come from here, too.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::StoreError;

/// KiB of memory, passes and lanes: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Letters and digits that nobody takes for each other: no `0`, `1`, `I`, `O`, `l`, `o`.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a generated password: 139 bits.
const GENERATED: usize = 24;

/// Hashing more at a time than there are processors only takes memory. The bound is the process's,
/// not a store's, because so is the memory.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.clamp(1, 8))
});

/// The hash of nobody's password, with the parameters of every other. `None`: there was no
/// randomness for it.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this one").ok());

/// A new password: 24 letters and digits, made to be copied by hand.
///
/// # Errors
/// `Secrets`, when there is no randomness.
pub fn generate() -> Result<SecretString, StoreError> {
    // As large as it gets, so that no piece of it is left behind in memory.
    let mut password = String::with_capacity(GENERATED);
    while password.len() < GENERATED {
        let mut random = [0_u8; 2 * GENERATED];
        SysRng.try_fill_bytes(&mut random).map_err(secrets)?;
        let letters = random.iter().filter_map(|byte| letter(*byte));
        password.extend(letters.take(GENERATED - password.len()));
    }
    Ok(password.into())
}

/// The letter that a random byte stands for. Each has the same four bytes; those that are left
/// over stand for none, or they would favour some.
fn letter(byte: u8) -> Option<char> {
    let (round, place) = (
        usize::from(byte) / ALPHABET.len(),
        usize::from(byte) % ALPHABET.len(),
    );
    ALPHABET
        .get(place)
        .filter(|_| round < 4)
        .map(|letter| char::from(*letter))
}

/// Hashes a password with a salt of its own.
///
/// # Errors
/// `Secrets`, when there is no randomness or memory.
pub async fn hash(password: SecretString) -> Result<String, StoreError> {
    in_turn(move || hash_now(password.expose_secret())).await
}

/// Hashes a password, if there is one.
pub(crate) async fn hash_some(
    password: Option<SecretString>,
) -> Result<Option<String>, StoreError> {
    match password {
        Some(password) => hash(password).await.map(Some),
        None => Ok(None),
    }
}

/// Whether `password` is the one that was hashed. Without a hash the answer is no, after the same
/// time as with one.
///
/// # Errors
/// `Secrets`, when a stored hash is not one.
pub async fn verify(password: SecretString, hash: Option<String>) -> Result<bool, StoreError> {
    in_turn(move || verify_now(password.expose_secret(), hash.as_deref())).await
}

async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let turn = TURNS.acquire().await.map_err(secrets)?;
    // The turn goes along: a caller that gives up does not let the next one in early.
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
    .map_err(secrets)?
}

fn hash_now(password: &str) -> Result<String, StoreError> {
    let hash = hasher()?
        .hash_password(password.as_bytes())
        .map_err(secrets)?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: Option<&str>) -> Result<bool, StoreError> {
    // Looked at in both cases: whoever comes first pays for making it.
    let nobody = NOBODY.as_deref();
    let known = hash.is_some();
    let Some(hash) = hash.or(nobody) else {
        return Err(StoreError::Secrets("no randomness for a salt".to_owned()));
    };
    let parsed = PasswordHash::new(hash).map_err(secrets)?;
    match hasher()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => Ok(known),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(secrets(error)),
    }
}

fn hasher() -> Result<Argon2<'static>, StoreError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(secrets)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn secrets(error: impl std::fmt::Display) -> StoreError {
    StoreError::Secrets(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[test]
    fn a_generated_password_is_24_letters_that_nobody_confuses() {
        let one = generate().unwrap();
        let text = one.expose_secret();
        assert_eq!(text.len(), GENERATED);
        assert!(!text.contains(['0', '1', 'I', 'O', 'l', 'o']), "{text}");
        assert_ne!(text, generate().unwrap().expose_secret());
    }

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        let mut counts = std::collections::BTreeMap::new();
        for letter in (0..=u8::MAX).filter_map(letter) {
            *counts.entry(letter).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 56);
        assert!(counts.values().all(|count| *count == 4), "{counts:?}");
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let hash = hash(secret("correct horse")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            verify(secret("correct horse"), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!verify(secret("wrong"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_s_password_opens_nothing() {
        assert!(!verify(secret("nobody has this one"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_that_is_none_is_an_error_and_not_a_wrong_password() {
        let broken = verify(secret("x"), Some("not a hash".to_owned())).await;
        assert!(matches!(broken, Err(StoreError::Secrets(_))));
    }
}
