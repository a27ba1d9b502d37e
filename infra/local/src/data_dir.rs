//! The directory of `--data`: the database, the objects, the robots' passwords, and the lock that
//! keeps a second process out. Passwords are made at random when a robot is first asked for; nobody
//! but the owner of the directory can read them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::distr::{Alphanumeric, SampleString};
use tempfile::NamedTempFile;
use thiserror::Error;

/// Letters and digits of a password: 142 bits.
const PASSWORD_LENGTH: usize = 24;

/// The data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "the data directory {} is in use by another muster-local: stop it, or choose another \
         directory with --data", .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be made, read or written.
    #[error("{} cannot be used: {cause}", .path.display())]
    Io {
        /// The directory or a file in it.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file of passwords holds something else.
    #[error(
        "{} does not hold the robots' passwords ({cause}): restore it, or start with another \
         directory (--data)", .path.display()
    )]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

/// Passwords by robot name.
pub type Passwords = BTreeMap<String, String>;

/// A data directory that this process has to itself until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // The lock ends with the file, however the process ends.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if there is none, and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |cause| DataDirError::Io { path, cause }
        };
        make_private_dir(path).map_err(io(path))?;
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

    /// The file of the database.
    pub fn database(&self) -> PathBuf {
        self.path.join("dynamodb.sqlite")
    }

    /// The folder of the bucket.
    pub fn objects(&self) -> PathBuf {
        self.path.join("s3")
    }

    /// The passwords of `robots`; those of robots that have none yet are made and stored first,
    /// so a password that was once used is never lost to a crash.
    pub fn passwords(&self, robots: &[&str]) -> Result<Passwords, DataDirError> {
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
        for (robot, password) in random_passwords(robots) {
            passwords.entry(robot).or_insert(password);
        }
        if passwords != stored {
            let json = serde_json::to_vec_pretty(&passwords).map_err(io::Error::from);
            json.and_then(|json| write_private(&path, &json))
                .map_err(io)?;
        }
        Ok(passwords)
    }
}

/// A new password for each robot.
pub fn random_passwords(robots: &[&str]) -> Passwords {
    let mut random = rand::rng();
    robots
        .iter()
        .map(|robot| {
            let password = Alphanumeric.sample_string(&mut random, PASSWORD_LENGTH);
            ((*robot).to_owned(), password)
        })
        .collect()
}

/// Replaces a file in one step with one that only its owner can read: whoever looks sees the old
/// content or the new one, never half of it.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // Made with mode 0600.
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(content)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether [`write_private`] could, as far as its folder is concerned. Nothing is left there.
pub fn can_write_private(path: &Path) -> io::Result<()> {
    NamedTempFile::new_in(folder_of(path))?.close()
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn make_private_dir(path: &Path) -> io::Result<()> {
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
    fn passwords_are_random_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let first = DataDir::open(&path).unwrap().passwords(&["a"]).unwrap();
        assert_eq!(first["a"].len(), PASSWORD_LENGTH);

        let again = DataDir::open(&path).unwrap();
        let both = again.passwords(&["a", "b"]).unwrap();
        assert_eq!(both["a"], first["a"], "a password that is known stays");
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
    fn a_second_user_of_the_directory_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("in use by another muster-local"), "{error}");
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn a_broken_file_of_passwords_is_named_and_left_alone() {
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
