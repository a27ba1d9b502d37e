//! `seed`: creates the sample tenants in the tables of a deployment.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use muster_aws::{Account, Config, Store};

use super::outcome::CommandOutcome;
use super::output::ReadyOutput;
use crate::data_dir::{check_private_writable, random_passwords};
use crate::error::LocalError;
use crate::ready_file::Ready;
use crate::seed;

/// Creates the sample tenants and writes the ready file, which stays.
pub(crate) async fn seed(ready_file: &Path, url: String) -> Result<CommandOutcome, LocalError> {
    let store = Store::connect(&Config::from_env(&Account::from_env()?)?).await;
    let mut file = ReadyOutput::clear(ready_file.to_path_buf())?;
    // The file is the only place for the passwords, so it must be writable before any tenant
    // exists.
    check_private_writable(file.path()).map_err(|cause| LocalError::ReadyFile {
        path: file.path().to_path_buf(),
        cause,
    })?;
    let passwords = random_passwords(&seed::account_names());
    let tenants = seed::seed(&store, &passwords, Timestamp::now()).await?;
    file.write(&Ready {
        url,
        tenants,
        environment: BTreeMap::new(),
    })?;
    Ok(CommandOutcome::Completed)
}
