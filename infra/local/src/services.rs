//! The emulated services with everything in them that functions need: DynamoDB, its tables, the
//! first tenants. `aws` serves these alone, a `Stack` puts the HTTP API before them.

use std::net::TcpListener;
use std::path::Path;

use jiff::Timestamp;
use muster_aws::config::{TABLE_CONTROL, TABLE_DIRECTORY};
use muster_aws::{Config, Store, Tables};

use crate::LocalError;
use crate::data_dir::{DataDir, random_passwords};
use crate::dynamodb::DynamoDb;
use crate::seed::{self, TenantAccess};
use crate::tables::ensure_tables;
use crate::template::{REGION, TableDefinitions};

/// Running emulators, seeded.
#[derive(Debug)]
pub struct Services {
    /// A real SDK client against them.
    pub store: Store,
    /// Who can sign in.
    pub tenants: Vec<TenantAccess>,
    /// The emulated DynamoDB.
    pub dynamodb: DynamoDb,
    // Held as long as anything may write to the directory.
    _data: Option<DataDir>,
}

impl Services {
    /// Starts everything on `listener`, in memory or in `data`.
    pub async fn start(listener: TcpListener, data: Option<DataDir>) -> Result<Self, LocalError> {
        let definitions = TableDefinitions::embedded()?;
        let robots = seed::names();
        let passwords = match &data {
            Some(data) => data.passwords(&robots)?,
            None => random_passwords(&robots),
        };
        let file = data.as_ref().map(DataDir::database);
        let dynamodb = DynamoDb::start(listener, file.as_deref())?;
        let tables = Tables {
            directory: definitions.directory.name.clone(),
            control: definitions.control.name.clone(),
        };
        let store = Store::connect(&Config::local(dynamodb.endpoint(), tables)).await;
        ensure_tables(&store.client, &definitions).await?;
        let tenants = seed::seed(&store, &passwords, Timestamp::now()).await?;
        Ok(Self {
            store,
            tenants,
            dynamodb,
            _data: data,
        })
    }

    /// What a function's environment must hold to find these services. The emulator takes any
    /// key; the SDK wants one.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        let Tables { directory, control } = self.store.tables.clone();
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb.endpoint()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            (TABLE_DIRECTORY, directory),
            (TABLE_CONTROL, control),
        ]
    }

    /// Stops them; what is stored in a data directory stays.
    pub async fn stop(self) -> Result<(), LocalError> {
        Ok(self.dynamodb.stop().await?)
    }
}

/// Opens and locks the data directory, if there is to be one.
pub(crate) fn open_data(path: Option<&Path>) -> Result<Option<DataDir>, LocalError> {
    Ok(path.map(DataDir::open).transpose()?)
}
