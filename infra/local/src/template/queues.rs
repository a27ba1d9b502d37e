//! The queues and the bucket of large imports, as far as they are the same on this machine. As
//! with tables, a property nobody here knows is an error; those that only an account has are named.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{STACK_NAME, TEMPLATE, TemplateError, here, properties, yaml};

const IMPORTS: &str = "ImportsQueue";
const IMPORTS_DEAD: &str = "ImportsDeadLetters";
const CHUNKS: &str = "ChunksQueue";
const CHUNKS_DEAD: &str = "ChunksDeadLetters";
const BUCKET: &str = "ImportsBucket";

/// What the service does with a queue that says nothing of it.
const VISIBILITY: u64 = 30;

/// Queue properties that mean nothing to a queue in memory: who reads its disk, who may use it, how
/// long it keeps what nobody fetches.
const ACCOUNT_ONLY: [&str; 7] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "Tags",
];
/// The same of a bucket. Nothing expires on this machine.
const ACCOUNT_ONLY_OF_BUCKETS: [&str; 9] = [
    "AccelerateConfiguration",
    "BucketEncryption",
    "LifecycleConfiguration",
    "LoggingConfiguration",
    "MetricsConfigurations",
    "NotificationConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
];

/// A standard queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDefinition {
    /// Physical name.
    pub name: String,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// Where messages go that were received too often; `None`: they stay.
    pub dead_letters: Option<DeadLetters>,
}

/// What becomes of a message that nobody gets done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Physical name of the queue it goes to.
    pub queue: String,
    /// How often it is received before.
    pub max_receives: u32,
}

/// What large imports go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportResources {
    /// Runs to be read.
    pub imports: QueueDefinition,
    /// Runs that nobody could read.
    pub imports_dead: QueueDefinition,
    /// Chunks to be written.
    pub chunks: QueueDefinition,
    /// Chunks that nobody could write.
    pub chunks_dead: QueueDefinition,
    /// Name of the bucket of uploads, chunks and items.
    pub bucket: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct QueueProperties {
    queue_name: String,
    visibility_timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BucketProperties {
    bucket_name: Option<String>,
}

/// `RedrivePolicy`, its intrinsics as they are written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Redrive {
    dead_letter_target_arn: Value,
    max_receive_count: Value,
}

impl ImportResources {
    /// All queues.
    pub fn queues(&self) -> [&QueueDefinition; 4] {
        let Self {
            imports,
            imports_dead,
            chunks,
            chunks_dead,
            bucket: _,
        } = self;
        [imports, imports_dead, chunks, chunks_dead]
    }

    /// The resources of the template this program was built with.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::read(TEMPLATE)
    }

    /// The resources of a template.
    pub fn read(template: &str) -> Result<Self, TemplateError> {
        let document = yaml::parse(template).map_err(|what| TemplateError {
            resource: None,
            what,
        })?;
        let imports_dead = queue(&document, IMPORTS_DEAD, None)?;
        let chunks_dead = queue(&document, CHUNKS_DEAD, None)?;
        Ok(Self {
            imports: queue(&document, IMPORTS, Some((IMPORTS_DEAD, &imports_dead)))?,
            chunks: queue(&document, CHUNKS, Some((CHUNKS_DEAD, &chunks_dead)))?,
            bucket: read_bucket(&document).map_err(|what| of(BUCKET, what))?,
            imports_dead,
            chunks_dead,
        })
    }
}

fn of(logical_id: &str, what: String) -> TemplateError {
    TemplateError {
        resource: Some(logical_id.to_owned()),
        what,
    }
}

/// A queue, and the one that its dead letters must go to.
fn queue(
    document: &Value,
    logical_id: &str,
    dead_letters: Option<(&str, &QueueDefinition)>,
) -> Result<QueueDefinition, TemplateError> {
    read_queue(document, logical_id, dead_letters).map_err(|what| of(logical_id, what))
}

fn read_queue(
    document: &Value,
    logical_id: &str,
    dead_letters: Option<(&str, &QueueDefinition)>,
) -> Result<QueueDefinition, String> {
    let written = properties(document, logical_id, "AWS::SQS::Queue")?;
    let queue: QueueProperties = read(document, written, &ACCOUNT_ONLY)?;
    let redrive = written.get("RedrivePolicy");
    let dead_letters = match (dead_letters, redrive) {
        (None, None) => None,
        (None, Some(_)) => return Err("dead letters have no dead letters".to_owned()),
        (Some((to, _)), None) => return Err(format!("it has no RedrivePolicy to {to}")),
        (Some((to, queue)), Some(redrive)) => {
            let max_receives = max_receives(document, to, redrive)?;
            let queue = queue.name.clone();
            Some(DeadLetters {
                queue,
                max_receives,
            })
        }
    };
    Ok(QueueDefinition {
        name: queue.queue_name,
        visibility: Duration::from_secs(queue.visibility_timeout.unwrap_or(VISIBILITY)),
        dead_letters,
    })
}

/// How often a message is received before it goes to the queue `to`.
fn max_receives(document: &Value, to: &str, redrive: &Value) -> Result<u32, String> {
    let Redrive {
        dead_letter_target_arn: target,
        max_receive_count,
    } = Redrive::deserialize(redrive).map_err(|error| format!("RedrivePolicy: {error}"))?;
    let short = Value::from(format!("{to}.Arn"));
    let long = Value::from(vec![to, "Arn"]);
    if !matches!(target.get("Fn::GetAtt"), Some(found) if *found == short || *found == long) {
        return Err(format!(
            "its dead letters must go to {to} (deadLetterTargetArn: !GetAtt {to}.Arn)"
        ));
    }
    let count = yaml::resolve(&max_receive_count, &here(document))?;
    u32::deserialize(count).map_err(|error| format!("maxReceiveCount: {error}"))
}

fn read_bucket(document: &Value) -> Result<String, String> {
    let written = properties(document, BUCKET, "AWS::S3::Bucket")?;
    let bucket: BucketProperties = read(document, written, &ACCOUNT_ONLY_OF_BUCKETS)?;
    // Without a name, CloudFormation makes one up.
    Ok(bucket
        .bucket_name
        .unwrap_or_else(|| format!("{STACK_NAME}-imports")))
}

/// Properties without those that only an account has; what is in these need not be understood.
fn read<T: DeserializeOwned>(
    document: &Value,
    written: &Value,
    account_only: &[&str],
) -> Result<T, String> {
    let here = here(document);
    let written = written.as_object().into_iter().flatten();
    let kept = written.filter(|(name, _)| !account_only.contains(&name.as_str()));
    let kept = kept
        .map(|(name, value)| Ok((name.clone(), yaml::resolve(value, &here)?)))
        .collect::<Result<Map<_, _>, String>>()?;
    serde_json::from_value(Value::Object(kept)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        Parameters:
          Receives: { Type: Number, Default: 5 }
        Resources:
          ImportsBucket:
            Type: AWS::S3::Bucket
            Properties:
              BucketEncryption: { Whatever: !GetAtt Key.Arn }
              LifecycleConfiguration:
                Rules: [{ Id: runs, Prefix: runs/, Status: Enabled, ExpirationInDays: 8 }]
          ImportsQueue:
            Type: AWS::SQS::Queue
            Properties:
              QueueName: !Sub "${AWS::StackName}-imports"
              VisibilityTimeout: 960
              SqsManagedSseEnabled: true
              RedrivePolicy:
                deadLetterTargetArn: !GetAtt ImportsDeadLetters.Arn
                maxReceiveCount: !Ref Receives
          ImportsDeadLetters:
            Type: AWS::SQS::Queue
            Properties:
              QueueName: !Sub "${AWS::StackName}-imports-dead"
              MessageRetentionPeriod: 1209600
          ChunksQueue:
            Type: AWS::SQS::Queue
            Properties:
              QueueName: !Sub "${AWS::StackName}-chunks"
              VisibilityTimeout: 180
              RedrivePolicy:
                deadLetterTargetArn:
                  Fn::GetAtt: [ChunksDeadLetters, Arn]
                maxReceiveCount: 7
          ChunksDeadLetters:
            Type: AWS::SQS::Queue
            Properties:
              QueueName: !Sub "${AWS::StackName}-chunks-dead"
    "#;

    fn dead_letters(name: &str) -> QueueDefinition {
        QueueDefinition {
            name: name.to_owned(),
            visibility: Duration::from_secs(30),
            dead_letters: None,
        }
    }

    #[test]
    fn the_template_of_this_program_has_all_of_them() {
        let ImportResources {
            imports,
            imports_dead,
            chunks,
            chunks_dead,
            bucket,
        } = ImportResources::embedded().unwrap();
        for (queue, dead, name) in [
            (imports, imports_dead, "muster-local-imports"),
            (chunks, chunks_dead, "muster-local-chunks"),
        ] {
            assert_eq!(queue.name, name);
            assert_eq!(dead.name, format!("{name}-dead"));
            assert_eq!(queue.dead_letters.unwrap().queue, dead.name);
        }
        assert_eq!(bucket, "muster-local-imports");
    }

    #[test]
    fn queues_and_bucket_are_read_with_their_names_and_figures() {
        let queue = |name: &str, visibility, max_receives| QueueDefinition {
            name: name.to_owned(),
            visibility: Duration::from_secs(visibility),
            dead_letters: Some(DeadLetters {
                queue: format!("{name}-dead"),
                max_receives,
            }),
        };
        assert_eq!(
            ImportResources::read(SMALL).unwrap(),
            ImportResources {
                imports: queue("muster-local-imports", 960, 5),
                imports_dead: dead_letters("muster-local-imports-dead"),
                chunks: queue("muster-local-chunks", 180, 7),
                chunks_dead: dead_letters("muster-local-chunks-dead"),
                bucket: "muster-local-imports".to_owned(),
            }
        );
    }

    #[test]
    fn a_bucket_can_have_a_name_of_its_own() {
        let named = SMALL.replace(
            "BucketEncryption: {",
            "BucketName: files\n              Tags: {",
        );
        assert_eq!(ImportResources::read(&named).unwrap().bucket, "files");
    }

    #[test]
    fn what_a_local_queue_or_bucket_cannot_be_is_an_error_that_names_it() {
        for (from, to, resource, named) in [
            (
                "VisibilityTimeout: 960",
                "FifoQueue: true",
                "ImportsQueue",
                "FifoQueue",
            ),
            (
                "VisibilityTimeout: 180",
                "VisibilityTimeout: soon",
                "ChunksQueue",
                "soon",
            ),
            (
                "!GetAtt ImportsDeadLetters.Arn",
                "!GetAtt ChunksDeadLetters.Arn",
                "ImportsQueue",
                "must go to ImportsDeadLetters",
            ),
            (
                "maxReceiveCount: 7",
                "maxReceiveCount: often",
                "ChunksQueue",
                "maxReceiveCount",
            ),
            ("maxReceiveCount: 7", "", "ChunksQueue", "maxReceiveCount"),
            (
                "SqsManagedSseEnabled: true\n              RedrivePolicy",
                "RedriveAllowPolicy",
                "ImportsQueue",
                "no RedrivePolicy",
            ),
            (
                "MessageRetentionPeriod: 1209600",
                "RedrivePolicy: {}",
                "ImportsDeadLetters",
                "no dead letters",
            ),
            (
                "ChunksDeadLetters:\n",
                "ChunkLetters:\n",
                "ChunksDeadLetters",
                "no such resource",
            ),
            (
                "Type: AWS::S3::Bucket",
                "Type: AWS::S3Express::DirectoryBucket",
                "ImportsBucket",
                "Type",
            ),
            (
                "LifecycleConfiguration",
                "VersioningConfiguration",
                "ImportsBucket",
                "VersioningConfiguration",
            ),
            (
                "${AWS::StackName}-imports-dead",
                "${Stage}",
                "ImportsDeadLetters",
                "Stage",
            ),
        ] {
            assert!(SMALL.contains(from), "{from}");
            let error = ImportResources::read(&SMALL.replacen(from, to, 1));
            let error = error.unwrap_err().to_string();
            assert!(
                error.contains(&format!("resource {resource}: ")),
                "{to}: {error}"
            );
            assert!(error.contains(named), "{to}: {error}");
        }
    }
}
