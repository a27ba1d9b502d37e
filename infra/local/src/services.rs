//! The emulated services with everything in them that functions need: DynamoDB, its tables, the
//! first tenants; S3 with its bucket; SQS with its queues. `aws` serves these alone, a `Stack` puts
//! the HTTP API before them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::background::{BUCKET, QUEUE_CHUNKS, QUEUE_IMPORTS};
use muster_aws::config::{TABLE_CONTROL, TABLE_DIRECTORY};
use muster_aws::{Background, BackgroundConfig, Config, Store, Tables};
use tempfile::TempDir;

use crate::LocalError;
use crate::data_dir::{DataDir, DataDirError, Passwords, random_passwords};
use crate::dynamodb::DynamoDb;
use crate::loopback::{PortError, listen};
use crate::s3::{CREDENTIALS, S3};
use crate::seed::{self, TenantAccess};
use crate::sqs::Sqs;
use crate::tables::ensure_tables;
use crate::template::{ImportResources, QueueDefinition, REGION, TableDefinitions};

/// What a function's environment must hold to find the services: names of variables, and values.
pub type Environment = [(&'static str, String); 11];

/// Where the services listen.
#[derive(Debug)]
pub struct Listeners {
    dynamodb: TcpListener,
    s3: TcpListener,
    sqs: TcpListener,
}

impl Listeners {
    /// DynamoDB on this port, S3 and SQS on the two after it; 0 takes any free ones.
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

/// What the services do otherwise than on an account.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceOptions {
    /// The queue of files to be read.
    pub imports: QueueOptions,
    /// The queue of chunks to be written.
    pub chunks: QueueOptions,
}

/// What a queue does otherwise; `None`: as on an account.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueueOptions {
    /// How long a received message stays hidden.
    pub visibility: Option<Duration>,
    /// How often a message is received before it goes to the dead letters.
    pub max_receives: Option<u32>,
}

impl ServiceOptions {
    fn applied_to(self, mut resources: ImportResources) -> ImportResources {
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

/// Where everything is kept, for as long as anything may write there.
#[derive(Debug)]
enum Place {
    /// In a directory that outlives the process.
    Kept(DataDir),
    /// In memory; objects in a folder that goes with the process.
    Passing(TempDir),
}

impl Place {
    fn of(data: Option<DataDir>) -> Result<Self, LocalError> {
        match data {
            Some(data) => Ok(Self::Kept(data)),
            None => tempfile::tempdir()
                .map(Self::Passing)
                .map_err(LocalError::Temporary),
        }
    }

    fn database(&self) -> Option<PathBuf> {
        match self {
            Self::Kept(data) => Some(data.database()),
            Self::Passing(_) => None,
        }
    }

    fn objects(&self) -> PathBuf {
        match self {
            Self::Kept(data) => data.objects(),
            Self::Passing(folder) => folder.path().to_path_buf(),
        }
    }

    fn passwords(&self) -> Result<Passwords, DataDirError> {
        let robots = seed::names();
        match self {
            Self::Kept(data) => data.passwords(&robots),
            Self::Passing(_) => Ok(random_passwords(&robots)),
        }
    }
}

/// Running emulators, seeded.
#[derive(Debug)]
pub struct Services {
    /// A real SDK client against them.
    pub store: Store,
    /// Real SDK clients of the bucket and the queues.
    pub background: Background,
    /// Who can sign in.
    pub tenants: Vec<TenantAccess>,
    /// The emulated DynamoDB.
    pub dynamodb: DynamoDb,
    s3: S3,
    sqs: Sqs,
    resources: ImportResources,
    _place: Place,
}

impl Services {
    /// Starts everything on `listeners`, in `data` or in passing.
    pub async fn start(
        listeners: Listeners,
        data: Option<DataDir>,
        options: ServiceOptions,
    ) -> Result<Self, LocalError> {
        let definitions = TableDefinitions::embedded()?;
        let resources = options.applied_to(ImportResources::embedded()?);
        let place = Place::of(data)?;
        let passwords = place.passwords()?;
        let dynamodb = DynamoDb::start(listeners.dynamodb, place.database().as_deref())?;
        let s3 = S3::start(listeners.s3, &place.objects(), &resources.bucket)?;
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
        let tenants = seed::seed(&store, &passwords, Timestamp::now()).await?;
        Ok(Self {
            store,
            background: Background::connect(&background).await,
            tenants,
            dynamodb,
            s3,
            sqs,
            resources,
            _place: place,
        })
    }

    /// What a function's environment must hold to find these services. S3 wants these credentials,
    /// the others take any.
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
            ("AWS_ACCESS_KEY_ID", CREDENTIALS.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.to_owned()),
            (TABLE_DIRECTORY, directory),
            (TABLE_CONTROL, control),
            (BUCKET, bucket.clone()),
            (QUEUE_IMPORTS, self.sqs.url(&imports.name)),
            (QUEUE_CHUNKS, self.sqs.url(&chunks.name)),
        ]
    }

    /// Stops them; what is stored in a data directory stays.
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

/// Opens and locks the data directory, if there is to be one.
pub(crate) fn open_data(path: Option<&Path>) -> Result<Option<DataDir>, LocalError> {
    Ok(path.map(DataDir::open).transpose()?)
}
