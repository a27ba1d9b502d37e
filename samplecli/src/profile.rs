//! Profiles: where a person signed in, one small file each below the configuration directory.
//! A profile holds the server's URL, the user name and a token, never a password, and only its
//! owner can read it.

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

/// What is stored after signing in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The server.
    pub url: String,
    /// The user name that signed in.
    pub username: String,
    /// The token that the server gave.
    pub token: String,
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
    use super::ProfileName;

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
