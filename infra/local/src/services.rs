//! The emulated services with everything functions need: DynamoDB with tables and sample tenants,
//! S3 with its bucket, SQS with its queues. `aws` runs them alone, a `Stack` adds the HTTP API.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::background::{BUCKET, QUEUE_CHUNKS, QUEUE_IMPORTS};
use muster_aws::config::{TABLE_CONTROL, TABLE_DIRECTORY};
use muster_aws::{Background, BackgroundConfig, Config, Store, Tables};
use muster_emulators::dynamodb::{DynamoDb, ensure_tables};
use muster_emulators::loopback::{PortError, listen};
use muster_emulators::s3::{ACCESS_KEY, S3};
use muster_emulators::sqs::Sqs;
use muster_emulators::template::{ImportResources, QueueDefinition, REGION, TableDefinitions};
use tempfile::TempDir;

use crate::data_dir::{DataDir, DataDirError, Passwords, random_passwords};
use crate::error::LocalError;
use crate::seed::{self, SeededRows, SeededTenant};

/// The environment variables from which a function finds the services: names and values.
pub type Environment = [(&'static str, String); 11];

/// The listening sockets of the services.
#[derive(Debug)]
pub struct Listeners {
    dynamodb: TcpListener,
    s3: TcpListener,
    sqs: TcpListener,
}

impl Listeners {
    /// Listens on `port` for DynamoDB and on the next two for S3 and SQS; 0 selects any free ports.
    pub fn from_port(port: u16) -> Result<Self, PortError> {
        let next = |distance| match port {
            0 => 0,
            _ => port.saturating_add(distance),
        };
        Ok(Self {
            dynamodb: listen(port)?,
            s3: listen(next(1))?,
            sqs: listen(next(2))?,
        })
    }
}

/// Overrides of the services' settings in the template.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceOptions {
    /// Queue of uploaded files.
    pub imports: QueueOptions,
    /// Queue of chunks.
    pub chunks: QueueOptions,
}

/// Overrides of a queue's settings; `None` keeps the template's.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueueOptions {
    /// Time for which a received message stays hidden.
    pub visibility: Option<Duration>,
    /// Receives of a message before it moves to the dead letters.
    pub max_receives: Option<u32>,
}

impl ServiceOptions {
    fn apply(self, mut resources: ImportResources) -> ImportResources {
        let Self { imports, chunks } = self;
        imports.apply(&mut resources.imports);
        chunks.apply(&mut resources.chunks);
        resources
    }
}

impl QueueOptions {
    fn apply(self, queue: &mut QueueDefinition) {
        let Self {
            visibility,
            max_receives,
        } = self;
        queue.visibility = visibility.unwrap_or(queue.visibility);
        if let Some(dead_letters) = &mut queue.dead_letters {
            dead_letters.max_receives = max_receives.unwrap_or(dead_letters.max_receives);
        }
    }
}

/// Storage of the services, kept while anything may write to it.
#[derive(Debug)]
enum Storage {
    /// A data directory that outlives the process.
    DataDir(DataDir),
    /// Memory, and a temporary folder for objects.
    Temporary(TempDir),
}

impl Storage {
    fn new(data_dir: Option<DataDir>) -> Result<Self, LocalError> {
        match data_dir {
            Some(data_dir) => Ok(Self::DataDir(data_dir)),
            None => tempfile::tempdir()
                .map(Self::Temporary)
                .map_err(LocalError::TemporaryFolder),
        }
    }

    fn database(&self) -> Option<PathBuf> {
        match self {
            Self::DataDir(data_dir) => Some(data_dir.database()),
            Self::Temporary(_) => None,
        }
    }

    fn objects(&self) -> PathBuf {
        match self {
            Self::DataDir(data_dir) => data_dir.objects(),
            Self::Temporary(folder) => folder.path().to_path_buf(),
        }
    }

    fn passwords(&self) -> Result<Passwords, DataDirError> {
        let accounts = seed::account_names();
        match self {
            Self::DataDir(data_dir) => data_dir.passwords(&accounts),
            Self::Temporary(_) => Ok(random_passwords(&accounts)),
        }
    }
}

/// Running emulators with sample tenants.
#[derive(Debug)]
pub struct Services {
    /// A store that uses a real SDK client.
    pub store: Store,
    /// Real SDK clients of the bucket and the queues.
    pub background: Background,
    /// Sample tenants.
    pub tenants: Vec<SeededTenant>,
    dynamodb: DynamoDb,
    s3: S3,
    sqs: Sqs,
    resources: ImportResources,
    _storage: Storage,
}

impl Services {
    /// Starts all services on `listeners`, with data in `data_dir` or in temporary storage, and
    /// with the sample tenants of another stack or with new ones.
    pub async fn start(
        listeners: Listeners,
        data_dir: Option<DataDir>,
        options: ServiceOptions,
        seeded: Option<&SeededRows>,
    ) -> Result<Self, LocalError> {
        let definitions = TableDefinitions::embedded()?;
        let resources = options.apply(ImportResources::embedded()?);
        let storage = Storage::new(data_dir)?;
        let dynamodb = DynamoDb::start(listeners.dynamodb, storage.database().as_deref())?;
        let s3 = S3::start(listeners.s3, &storage.objects(), &resources.bucket)?;
        let sqs = Sqs::start(listeners.sqs, resources.queues()).map_err(LocalError::Sqs)?;
        let background = BackgroundConfig::local(
            &s3.endpoint(),
            &sqs.endpoint(),
            &resources.bucket,
            &sqs.url(&resources.imports.name),
            &sqs.url(&resources.chunks.name),
        );
        let tables = Tables {
            directory: definitions.directory.name.clone(),
            control: definitions.control.name.clone(),
        };
        let store = Store::connect(&Config::local(dynamodb.endpoint(), tables)).await;
        ensure_tables(store.client(), &definitions).await?;
        let tenants = match seeded {
            Some(rows) => rows.write(&store).await?,
            None => seed::seed(&store, &storage.passwords()?, Timestamp::now()).await?,
        };
        Ok(Self {
            store,
            background: Background::connect(&background).await,
            tenants,
            dynamodb,
            s3,
            sqs,
            resources,
            _storage: storage,
        })
    }

    /// Returns the environment from which a function finds these services. S3 requires these
    /// credentials, the others accept any.
    pub fn environment(&self) -> Environment {
        let Tables { directory, control } = self.store.tables.clone();
        let ImportResources {
            imports,
            chunks,
            bucket,
            ..
        } = &self.resources;
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb.endpoint()),
            ("AWS_ENDPOINT_URL_S3", self.s3.endpoint()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs.endpoint()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", ACCESS_KEY.to_owned()),
            (TABLE_DIRECTORY, directory),
            (TABLE_CONTROL, control),
            (BUCKET, bucket.clone()),
            (QUEUE_IMPORTS, self.sqs.url(&imports.name)),
            (QUEUE_CHUNKS, self.sqs.url(&chunks.name)),
        ]
    }

    /// Returns the endpoint URL of DynamoDB.
    pub fn dynamodb_endpoint(&self) -> String {
        self.dynamodb.endpoint()
    }

    /// Deletes expired rows, as DynamoDB does in the background, and returns their number.
    pub async fn delete_expired_rows(&self) -> Result<usize, LocalError> {
        Ok(self.dynamodb.delete_expired_rows().await?)
    }

    /// Stops all services. A data directory keeps its content.
    pub async fn stop(self) -> Result<(), LocalError> {
        let Self {
            dynamodb, s3, sqs, ..
        } = self;
        let sqs = sqs.stop().await;
        let s3 = s3.stop().await;
        dynamodb.stop().await?;
        s3?;
        sqs.map_err(LocalError::Sqs)
    }
}

/// Opens and locks the data directory, if a path is given.
pub(crate) fn open_data_dir(path: Option<&Path>) -> Result<Option<DataDir>, LocalError> {
    Ok(path.map(DataDir::open).transpose()?)
}
