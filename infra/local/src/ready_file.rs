//! The ready file tells other programs the URL and accounts of a running stack. It exists only
//! while the stack accepts requests, and it is replaced atomically.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::data_dir::write_private;
use crate::seed::SeededTenant;
use crate::services::Environment;

/// Content of the ready file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// URL of the HTTP API.
    pub url: String,
    /// Sample tenants with their accounts.
    pub tenants: Vec<SeededTenant>,
    /// Environment for functions in other processes; empty if the services are not on this machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// Converts an environment into the form of the file.
pub fn environment(variables: Environment) -> BTreeMap<String, String> {
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    variables.into_iter().map(owned).collect()
}

/// The file on disk. Dropping this keeps the file; `remove` deletes it.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    content: Vec<u8>,
}

impl ReadyFile {
    /// Deletes the file that a killed process may have left, so that nobody reads it as current.
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

    /// Writes the file atomically, readable by its owner only, since it contains passwords.
    pub fn write(&mut self, ready: &Ready) -> io::Result<()> {
        let content = serde_json::to_vec_pretty(ready)?;
        write_private(&self.path, &content)?;
        self.content = content;
        Ok(())
    }

    /// Deletes the file unless another process has replaced it.
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
    use crate::seed::Credentials;

    fn ready(url: &str) -> Ready {
        Ready {
            url: url.to_owned(),
            tenants: vec![SeededTenant {
                name: "acme".to_owned(),
                task_id: 206,
                robot: Credentials {
                    username: "acme-robot".to_owned(),
                    password: "secret".to_owned(),
                },
                operator: Credentials {
                    username: "acme-operator".to_owned(),
                    password: "secret".to_owned(),
                },
            }],
            environment: BTreeMap::from([("AWS_REGION".to_owned(), "eu-central-1".to_owned())]),
        }
    }

    #[test]
    fn the_file_has_the_documented_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        fs::write(&path, "{\"url\": \"of a killed process\"}").unwrap();
        let mut file = ReadyFile::clear(path.clone()).unwrap();
        assert!(!path.exists(), "the file of a killed process is deleted");

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
    fn a_file_of_another_process_is_kept() {
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
    fn debug_output_contains_no_passwords() {
        assert!(!format!("{:?}", ready("x")).contains("secret"));
    }
}
