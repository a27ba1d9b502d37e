//! The ready file: how another program learns that the stack answers, where, and who may sign
//! in. It is there only while the stack answers, and never half written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::data_dir::write_private;
use crate::seed::TenantAccess;
use crate::services::Environment;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Where the HTTP API answers.
    pub url: String,
    /// The tenants that can be used at once.
    pub tenants: Vec<TenantAccess>,
    /// What functions in other processes must have in their environment; empty where the services
    /// are not on this machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// The environment as the file has it.
pub fn environment(variables: Environment) -> BTreeMap<String, String> {
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    variables.into_iter().map(owned).collect()
}

/// The file on disk. Dropping it leaves it there; `remove` takes it away.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    content: Vec<u8>,
}

impl ReadyFile {
    /// Takes away the file a killed process may have left, so that nobody reads it as the news.
    pub fn clear(path: PathBuf) -> io::Result<Self> {
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            path,
            content: Vec::new(),
        })
    }

    /// Writes it, in one step, readable by its owner alone: it holds passwords.
    pub fn write(&mut self, ready: &Ready) -> io::Result<()> {
        let content = serde_json::to_vec_pretty(ready)?;
        write_private(&self.path, &content)?;
        self.content = content;
        Ok(())
    }

    /// Takes it away, unless another process has put its own there meanwhile.
    pub fn remove(self) -> io::Result<()> {
        match fs::read(&self.path) {
            Ok(found) if found.trim_ascii_end() == self.content => fs::remove_file(&self.path),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seed::SignIn;

    fn ready(url: &str) -> Ready {
        Ready {
            url: url.to_owned(),
            tenants: vec![TenantAccess {
                name: "acme".to_owned(),
                task_id: 206,
                robot: SignIn {
                    username: "acme-robot".to_owned(),
                    password: "secret".to_owned(),
                },
                operator: SignIn {
                    username: "acme-operator".to_owned(),
                    password: "secret".to_owned(),
                },
            }],
            environment: BTreeMap::from([("AWS_REGION".to_owned(), "eu-central-1".to_owned())]),
        }
    }

    #[test]
    fn its_shape_is_the_agreed_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        fs::write(&path, "{\"url\": \"of a killed process\"}").unwrap();
        let mut file = ReadyFile::clear(path.clone()).unwrap();
        assert!(!path.exists(), "what a killed process left is gone");

        file.write(&ready("http://127.0.0.1:9000")).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            found,
            json!({"url": "http://127.0.0.1:9000", "tenants": [{
                "name": "acme", "task_id": 206,
                "robot": {"username": "acme-robot", "password": "secret"},
                "operator": {"username": "acme-operator", "password": "secret"},
            }], "environment": {"AWS_REGION": "eu-central-1"}})
        );
        file.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn the_file_of_another_process_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let mut first = ReadyFile::clear(path.clone()).unwrap();
        first.write(&ready("http://127.0.0.1:9000")).unwrap();
        let mut second = ReadyFile::clear(path.clone()).unwrap();
        second.write(&ready("http://127.0.0.1:9001")).unwrap();
        first.remove().unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("9001"));
    }

    #[test]
    fn passwords_are_not_in_what_debug_prints() {
        assert!(!format!("{:?}", ready("x")).contains("secret"));
    }
}
