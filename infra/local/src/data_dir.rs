//! The directory of `--data`: the database, the objects, the accounts' passwords, and a lock
//! against a second process. Passwords are generated on first use and readable by the directory's
//! owner only.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use tempfile::NamedTempFile;
use thiserror::Error;

/// Length of a password of letters and digits: 142 bits.
const PASSWORD_CHARS: usize = 24;

/// An error from using the data directory.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// Another process holds the lock.
    #[error(
        "the data directory {} is in use by another muster-local: stop it, or choose another \
         directory with --data", .0.display()
    )]
    InUse(PathBuf),
    /// The directory or a file in it cannot be created, read or written.
    #[error("cannot use {}: {cause}", .path.display())]
    Io {
        /// The directory or a file in it.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The password file is invalid.
    #[error(
        "{} does not contain the passwords ({cause}): restore it, or choose another \
         directory with --data", .path.display()
    )]
    Credentials {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: serde_json::Error,
    },
}

/// Passwords by account name.
pub type Passwords = BTreeMap<String, String>;

/// A data directory, locked until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // The lock is released with the file handle, however the process ends.
    _lock: File,
}

impl DataDir {
    /// Creates the directory if it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| DataDirError::Io { path, cause }
        };
        create_private_dir(path).map_err(io(path))?;
        let lock_file = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_file)
            .map_err(io(&lock_file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_path_buf())),
            Err(TryLockError::Error(cause)) => Err(io(&lock_file)(cause)),
        }
    }

    /// Returns the path of the database file.
    pub fn database(&self) -> PathBuf {
        self.path.join("dynamodb.sqlite")
    }

    /// Returns the folder of the bucket.
    pub fn objects(&self) -> PathBuf {
        self.path.join("s3")
    }

    /// Returns the passwords of `accounts`. Missing ones are generated and stored first, so a crash
    /// never loses a password that was used.
    pub fn passwords(&self, accounts: &[&str]) -> Result<Passwords, DataDirError> {
        let path = self.path.join("credentials.json");
        let io = |cause| DataDirError::Io {
            path: path.clone(),
            cause,
        };
        let stored = match fs::read(&path) {
            Ok(json) => {
                serde_json::from_slice(&json).map_err(|cause| DataDirError::Credentials {
                    path: path.clone(),
                    cause,
                })?
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Passwords::new(),
            Err(cause) => return Err(io(cause)),
        };
        let mut passwords = stored.clone();
        for (account, password) in random_passwords(accounts) {
            passwords.entry(account).or_insert(password);
        }
        if passwords != stored {
            let json = serde_json::to_vec_pretty(&passwords).map_err(io::Error::from);
            json.and_then(|json| write_private(&path, &json))
                .map_err(io)?;
        }
        Ok(passwords)
    }
}

/// Generates a password for each account.
pub fn random_passwords(accounts: &[&str]) -> Passwords {
    let mut random = rand::rng();
    accounts
        .iter()
        .map(|account| {
            let password = Alphanumeric.sample_string(&mut random, PASSWORD_CHARS);
            ((*account).to_owned(), password)
        })
        .collect()
}

/// Replaces a file atomically with one that only its owner can read.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // Created with mode 0600.
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(content)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that [`write_private`] can create files in the folder of `path`. Leaves no file behind.
pub fn check_private_writable(path: &Path) -> io::Result<()> {
    NamedTempFile::new_in(folder_of(path))?.close()
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_random_stable_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let first = DataDir::open(&path).unwrap().passwords(&["a"]).unwrap();
        assert_eq!(first["a"].len(), PASSWORD_CHARS);

        let again = DataDir::open(&path).unwrap();
        let both = again.passwords(&["a", "b"]).unwrap();
        assert_eq!(both["a"], first["a"], "an existing password is kept");
        assert_ne!(both["a"], both["b"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(path.join("credentials.json")), 0o600);
            assert_eq!(mode(path), 0o700);
        }
    }

    #[test]
    fn a_locked_directory_is_refused_until_the_lock_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("in use by another muster-local"), "{error}");
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn an_invalid_password_file_is_named_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        fs::write(&path, "{\"a\": 1").unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let error = data.passwords(&["a"]).unwrap_err().to_string();
        assert!(error.contains("credentials.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\": 1");
    }

    #[test]
    fn a_file_where_the_directory_should_be_is_an_error() {
        let file = NamedTempFile::new().unwrap();
        let error = DataDir::open(file.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Io { .. }), "{error}");
    }
}
