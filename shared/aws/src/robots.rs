//! Robots: who may sign in to the API. They are not users; their names are unique across tenants
//! in a name space of their own, compared exactly.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::row::{self, Key, millis};
use crate::{Creation, Store, StoreError, passwords};

/// Characters of a name.
const LONGEST_NAME: usize = 128;
const NAME_RULE: &str =
    "a robot's name has 1 to 128 characters, no control characters and no space at its ends";

/// A robot that has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Robot {
    /// The tenant it works for.
    pub tenant: String,
    /// Its name.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
struct RobotRow {
    tenant: String,
    name: String,
    /// Argon2id, PHC form.
    password: String,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

fn is_name(name: &str) -> bool {
    let length = name.chars().take(LONGEST_NAME + 1).count();
    (1..=LONGEST_NAME).contains(&length)
        && name == name.trim()
        && !name.chars().any(char::is_control)
}

fn key(name: &str) -> Key {
    Key::new(format!("ROBOT#{name}"), "ROBOT")
}

impl Store {
    /// Makes a robot of `tenant`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create_robot(
        &self,
        tenant: &str,
        name: &str,
        password: SecretString,
        now: Timestamp,
    ) -> Result<Creation, StoreError> {
        if !is_name(name) {
            return Ok(Creation::BadName(NAME_RULE));
        }
        let robot = RobotRow {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            password: passwords::hash(password).await?,
            created_at: now,
        };
        let row = row::encode("a robot", &key(name), &robot)?;
        Ok(if self.put_if_absent(row).await? {
            Creation::Created
        } else {
            Creation::Taken
        })
    }

    /// The robot that has this name and this password. An unknown name is refused after the same
    /// work as a wrong password. Ask [`Store::begin_login`] first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn verify_robot(
        &self,
        name: &str,
        password: SecretString,
    ) -> Result<Option<Robot>, StoreError> {
        let known: Option<RobotRow> = if is_name(name) {
            self.read_lasting_row("a robot", &key(name)).await?
        } else {
            None
        };
        let hash = known.as_ref().map(|robot| robot.password.clone());
        let right = passwords::verify(password, hash).await?;
        Ok(known
            .filter(|_| right)
            .map(|RobotRow { tenant, name, .. }| Robot { tenant, name }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_s_name_is_one_line_of_at_most_128_characters() {
        for good in ["robot", "Import Robot", "робот@acme", &"é".repeat(128)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", " robot", "a\0b", &"x".repeat(129)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
