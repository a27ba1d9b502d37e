//! Profiles: where a person signed in, one small file each below the configuration directory.
//! A profile holds the server's URL, user names and tokens, never a password, and only its owner
//! can read it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::terminal;

/// The profile that is used when none is named.
pub const DEFAULT: &str = "default";

/// The name of a profile, safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileName(String);

impl ProfileName {
    /// Takes 1 to 64 ASCII letters, digits, `-`, `_` or `.`, not starting with a dot.
    pub fn parse(name: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(allowed)
        {
            return Err("a profile name is 1 to 64 letters, digits, '-', '_' or '.', and starts with no dot".to_owned());
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is stored after signing in: the server, and who signed in to it. A robot and an operator
/// stand side by side.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The server.
    pub url: String,
    /// The robot, which imports.
    #[serde(flatten)]
    pub robot: Option<SignIn>,
    /// The operator, who does the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<SignIn>,
}

/// Somebody who signed in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignIn {
    /// The user name that signed in.
    pub username: String,
    /// The token that the server gave; absent: signed out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Which of the two a command acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A robot: it sends data.
    Robot,
    /// An operator: manages tasks, robots and users.
    Operator,
}

impl Who {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Robot => "robot",
            Self::Operator => "operator",
        }
    }

    /// What makes `muster login` and `muster logout` mean this one.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Robot => "",
            Self::Operator => " --operator",
        }
    }
}

impl Profile {
    /// A profile in which nobody has signed in yet.
    pub fn new(url: String) -> Self {
        Self {
            url,
            robot: None,
            operator: None,
        }
    }

    /// Who signed in last, of the two.
    pub fn sign_in(&self, who: Who) -> Option<&SignIn> {
        match who {
            Who::Robot => self.robot.as_ref(),
            Who::Operator => self.operator.as_ref(),
        }
    }

    /// Puts a sign-in in the place of the last one.
    pub fn set(&mut self, who: Who, sign_in: SignIn) {
        match who {
            Who::Robot => self.robot = Some(sign_in),
            Who::Operator => self.operator = Some(sign_in),
        }
    }
}

/// The file of a profile.
pub fn path(name: &ProfileName) -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy().map_err(|_| {
        Failure::failed("cannot tell where profiles are kept: there is no home directory")
            .next("set XDG_CONFIG_HOME")
    })?;
    Ok(base
        .config_dir()
        .join("muster")
        .join("profiles")
        .join(format!("{}.json", name.as_str())))
}

/// Reads a profile; `None` if there is none of that name.
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
        Failure::failed(format!(
            "the profile {} is damaged: {error}",
            path.display()
        ))
        .next("run `muster login --url URL --username NAME` to write it anew")
    })
}

/// Writes a profile, whole or not at all, readable by its owner only.
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
    // Temporary files are created with mode 0600; the rename keeps it, whatever was there before.
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
        terminal::say(&format!(
            "warning: other users can read the token in {0}; run `chmod 600 {0}`",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::{Profile, ProfileName, Who};

    #[test]
    fn a_profile_from_before_operators_signed_in_is_read_and_written_as_it_was() {
        let old = r#"{"url":"http://127.0.0.1:9000","username":"hr-robot","token":"t"}"#;
        let profile: Profile = serde_json::from_str(old).unwrap();
        let robot = profile.sign_in(Who::Robot).unwrap();
        assert_eq!(robot.username, "hr-robot");
        assert_eq!(robot.token.as_deref(), Some("t"));
        assert!(profile.sign_in(Who::Operator).is_none());
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
