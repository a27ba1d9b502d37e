//! Profiles: one small file each in the configuration directory, for each server a user signs in to.
//! A profile holds the URL of the server, user names and tokens, never a password; only its owner
//! can read it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::output::stderr;

/// The name of the default profile.
pub const DEFAULT_PROFILE: &str = "default";

/// The name of a profile, which is safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileName(String);

impl ProfileName {
    /// Parses 1 to 64 ASCII letters, digits, `-`, `_` or `.`, not starting with a dot.
    pub fn parse(name: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(allowed)
        {
            return Err(
                "expected 1 to 64 letters, digits, '-', '_' or '.', not starting with a dot"
                    .to_owned(),
            );
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The server and the sign-ins of a profile: that of a robot and that of an operator.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The URL of the server.
    pub url: String,
    /// The sign-in of the robot, for imports.
    #[serde(flatten)]
    pub robot: Option<SignIn>,
    /// The sign-in of the operator, for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<SignIn>,
}

/// A user name and its token.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignIn {
    /// The user name.
    pub username: String,
    /// The token; absent after signing out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The identity that a command acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A robot, which imports users.
    Robot,
    /// An operator, who manages tasks, robots and users.
    Operator,
}

impl Identity {
    /// Returns the name of the identity.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Robot => "robot",
            Self::Operator => "operator",
        }
    }

    /// Returns the flag that selects it in `muster login` and `muster logout`.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Robot => "",
            Self::Operator => " --operator",
        }
    }
}

impl Profile {
    /// Returns a profile without sign-ins.
    pub fn new(url: String) -> Self {
        Self {
            url,
            robot: None,
            operator: None,
        }
    }

    /// Returns the last sign-in of an identity.
    pub fn sign_in(&self, identity: Identity) -> Option<&SignIn> {
        match identity {
            Identity::Robot => self.robot.as_ref(),
            Identity::Operator => self.operator.as_ref(),
        }
    }

    /// Replaces the sign-in of an identity.
    pub fn set(&mut self, identity: Identity, sign_in: SignIn) {
        match identity {
            Identity::Robot => self.robot = Some(sign_in),
            Identity::Operator => self.operator = Some(sign_in),
        }
    }
}

/// Returns the path of a profile.
pub fn path(name: &ProfileName) -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy().map_err(|_| {
        Failure::failed("cannot locate the profiles: there is no home directory")
            .hint("set XDG_CONFIG_HOME")
    })?;
    Ok(base
        .config_dir()
        .join("muster")
        .join("profiles")
        .join(format!("{}.json", name.as_str())))
}

/// Reads a profile; `None` if it does not exist.
pub fn load(name: &ProfileName) -> Result<Option<Profile>, Failure> {
    let path = path(name)?;
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::failed(format!(
                "cannot read the profile {}: {error}",
                path.display()
            )));
        }
    };
    warn_if_others_can_read(&path);
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Failure::failed(format!("invalid profile {}: {error}", path.display()))
            .hint("run `muster login --url URL --username NAME` to replace it")
    })
}

/// Writes a profile atomically, readable by its owner only.
pub fn store(name: &ProfileName, profile: &Profile) -> Result<PathBuf, Failure> {
    let path = path(name)?;
    write(&path, profile).map_err(|error| {
        Failure::failed(format!(
            "cannot write the profile {}: {error}",
            path.display()
        ))
    })?;
    Ok(path)
}

fn write(path: &Path, profile: &Profile) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private_folder(folder)?;
    // Temporary files are created with mode 0600, which the rename keeps.
    let mut file = tempfile::Builder::new()
        .prefix(".profile")
        .tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, profile)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        stderr::println(&format!(
            "warning: other users can read the token in {0}; run `chmod 600 {0}`",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::{Identity, Profile, ProfileName};

    #[test]
    fn a_profile_without_an_operator_is_read_and_written_unchanged() {
        let old = r#"{"url":"http://127.0.0.1:9000","username":"hr-robot","token":"t"}"#;
        let profile: Profile = serde_json::from_str(old).unwrap();
        let robot = profile.sign_in(Identity::Robot).unwrap();
        assert_eq!(robot.username, "hr-robot");
        assert_eq!(robot.token.as_deref(), Some("t"));
        assert!(profile.sign_in(Identity::Operator).is_none());
        assert_eq!(serde_json::to_string(&profile).unwrap(), old);
    }

    #[test]
    fn a_profile_name_cannot_leave_the_folder() {
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "ünïcode",
            &"x".repeat(65),
        ] {
            assert!(ProfileName::parse(name).is_err(), "{name}");
        }
        assert!(ProfileName::parse("default").is_ok());
        assert!(ProfileName::parse("shop-2.test_1").is_ok());
    }
}
