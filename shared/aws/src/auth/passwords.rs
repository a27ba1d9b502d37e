//! Password hashes: Argon2id in PHC form. A hash takes 19 MB and tens of milliseconds, so hashing
//! runs off the tokio workers and only a few hashes run at a time; the others wait. This module
//! also generates passwords.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use muster_core::text::opaque;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::StoreError;

/// KiB of memory, passes and lanes: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Letters and digits that are not easily confused: no `0`, `1`, `I`, `O`, `l`, `o`.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a generated password: 139 bits.
const GENERATED_CHARS: usize = 24;

/// Limits concurrent hashing: more hashes than processors only take memory. The limit belongs to
/// the process and not to a store, because the memory does, too.
static HASHING_PERMITS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    Semaphore::new(processors.clamp(1, 8))
});

/// Hash that is verified for unknown names, with the same parameters as every other. `None` if
/// there was no randomness for it.
static UNKNOWN_NAME_HASH: LazyLock<Option<String>> =
    LazyLock::new(|| hash_now("nobody has this one").ok());

/// Generates a password of 24 letters and digits that is easy to copy by hand.
///
/// # Errors
/// Returns `Secrets` if no randomness is available.
pub fn generate() -> Result<SecretString, StoreError> {
    // Allocated at its full size, so that no piece of it is left behind in memory.
    let mut password = String::with_capacity(GENERATED_CHARS);
    while password.len() < GENERATED_CHARS {
        let mut random = [0_u8; 2 * GENERATED_CHARS];
        SysRng.try_fill_bytes(&mut random).map_err(secrets)?;
        let letters = random.iter().filter_map(|byte| letter(*byte));
        password.extend(letters.take(GENERATED_CHARS - password.len()));
    }
    Ok(password.into())
}

/// Returns the letter of a random byte. Each letter has four bytes; the remaining bytes have none,
/// because they would favour some letters.
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

/// Hashes a password with a new salt.
///
/// # Errors
/// Returns `Secrets` if no randomness or memory is available.
pub async fn hash(password: SecretString) -> Result<String, StoreError> {
    with_hashing_permit(move || hash_now(password.expose_secret())).await
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

/// Returns true if `hash` is the hash of `password`. Without a hash it returns false, after the
/// same time as with one.
///
/// # Errors
/// Returns `Secrets` if the stored hash is malformed.
pub async fn verify(password: SecretString, hash: Option<String>) -> Result<bool, StoreError> {
    with_hashing_permit(move || verify_now(password.expose_secret(), hash.as_deref())).await
}

async fn with_hashing_permit<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let permit = HASHING_PERMITS.acquire().await.map_err(secrets)?;
    // The permit moves into the task, so that a caller that is cancelled does not let the next one
    // start early.
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    })
    .await
    .map_err(secrets)?
}

/// Hashes the form of a password that does not depend on the keyboard.
fn hash_now(password: &str) -> Result<String, StoreError> {
    let hash = hasher()?
        .hash_password(opaque(password).as_bytes())
        .map_err(secrets)?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, hash: Option<&str>) -> Result<bool, StoreError> {
    // Evaluated in both cases, so that the cost of creating it does not depend on the name.
    let unknown_name_hash = UNKNOWN_NAME_HASH.as_deref();
    let known = hash.is_some();
    let Some(hash) = hash.or(unknown_name_hash) else {
        return Err(StoreError::Secrets("no randomness for a salt".to_owned()));
    };
    let parsed = PasswordHash::new(hash).map_err(secrets)?;
    let normal = opaque(password);
    if matches(&normal, &parsed)? {
        return Ok(known);
    }
    // An earlier build hashed passwords as they were sent.
    let as_sent = *normal != *password && matches(password, &parsed)?;
    Ok(as_sent && known)
}

fn matches(password: &str, hash: &PasswordHash) -> Result<bool, StoreError> {
    match hasher()?.verify_password(password.as_bytes(), hash) {
        Ok(()) => Ok(true),
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
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[test]
    fn a_generated_password_has_24_unambiguous_characters() {
        let one = generate().unwrap();
        let text = one.expose_secret();
        assert_eq!(text.len(), GENERATED_CHARS);
        assert!(!text.contains(['0', '1', 'I', 'O', 'l', 'o']), "{text}");
        assert_ne!(text, generate().unwrap().expose_secret());
    }

    #[test]
    fn every_letter_is_equally_likely() {
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

    #[test]
    fn a_password_matches_in_every_form_that_a_keyboard_sends() {
        let hash = hash_now("caf\u{e9} cr\u{e8}me").unwrap();
        for same in [
            "caf\u{e9} cr\u{e8}me",
            "cafe\u{301} cre\u{300}me",
            "caf\u{e9}\u{a0}cre\u{300}me",
        ] {
            assert!(verify_now(same, Some(&hash)).unwrap(), "{same:?}");
        }
        for other in [
            "cafe creme",
            "caf\u{e9}  cr\u{e8}me",
            "CAF\u{c9} CR\u{c8}ME",
        ] {
            assert!(!verify_now(other, Some(&hash)).unwrap(), "{other:?}");
        }
    }

    #[test]
    fn a_hash_of_a_password_as_it_was_sent_is_still_good() {
        let sent = "cafe\u{301}\u{a0}creme";
        let hash = hasher().unwrap().hash_password(sent.as_bytes()).unwrap();
        let hash = hash.to_string();
        assert!(verify_now(sent, Some(&hash)).unwrap());
        assert!(!verify_now("cafe creme", Some(&hash)).unwrap());
        assert!(!verify_now(sent, None).unwrap());
    }

    #[tokio::test]
    async fn the_password_of_the_unknown_name_hash_is_refused() {
        assert!(!verify(secret("nobody has this one"), None).await.unwrap());
    }

    #[test]
    fn an_unknown_name_takes_as_long_as_a_known_one() {
        let known = hash_now("correct horse").unwrap();
        let mut shortest = [Duration::MAX; 2];
        for _ in 0..8 {
            for (hash, shortest) in [Some(&*known), None].into_iter().zip(&mut shortest) {
                let begun = thread_cpu_time();
                assert!(!verify_now("wrong", hash).unwrap());
                *shortest = (thread_cpu_time() - begun).min(*shortest);
            }
        }
        let [known, unknown] = shortest.map(|time| time.as_secs_f64());
        // CPU time, which other programs cannot prolong.
        assert!(
            (0.5..2.0).contains(&(known / unknown)),
            "{known} s, {unknown} s"
        );
    }

    fn thread_cpu_time() -> Duration {
        clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
    }

    #[tokio::test]
    async fn a_malformed_hash_is_an_error() {
        let broken = verify(secret("x"), Some("not a hash".to_owned())).await;
        assert!(matches!(broken, Err(StoreError::Secrets(_))));
    }
}
