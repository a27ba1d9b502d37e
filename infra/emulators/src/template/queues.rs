//! The queues and the bucket of large imports. As with tables, an unknown property is an error;
//! properties that matter only in an AWS account are listed and skipped.

use std::sync::OnceLock;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::document::{STACK_NAME, TEMPLATE, TemplateError, local_parameters, parse, properties};
use super::yaml;

const IMPORTS: &str = "ImportsQueue";
const IMPORTS_DEAD: &str = "ImportsDeadLetters";
const CHUNKS: &str = "ChunksQueue";
const CHUNKS_DEAD: &str = "ChunksDeadLetters";
const BUCKET: &str = "ImportsBucket";

/// The default of SQS.
const DEFAULT_VISIBILITY_SECONDS: u64 = 30;

/// Queue properties without meaning for a queue in memory: encryption, access, retention.
const ACCOUNT_ONLY_QUEUE_PROPERTIES: [&str; 7] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "Tags",
];
/// Bucket properties without meaning for a local bucket. Objects do not expire locally.
const ACCOUNT_ONLY_BUCKET_PROPERTIES: [&str; 9] = [
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
    /// Time for which a received message stays hidden.
    pub visibility: Duration,
    /// Destination of messages that were received too often; `None` keeps them in the queue.
    pub dead_letters: Option<DeadLetters>,
}

/// The redrive policy of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Physical name of the dead-letter queue.
    pub queue: String,
    /// Number of receives before a message moves there.
    pub max_receives: u32,
}

/// The queues and the bucket of large imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportResources {
    /// Queue of uploaded files to read.
    pub imports: QueueDefinition,
    /// Dead letters of `imports`.
    pub imports_dead: QueueDefinition,
    /// Queue of chunks to plan or write.
    pub chunks: QueueDefinition,
    /// Dead letters of `chunks`.
    pub chunks_dead: QueueDefinition,
    /// Name of the bucket of uploads, chunks and chunk outputs.
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

/// An unresolved `RedrivePolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedrivePolicy {
    dead_letter_target_arn: Value,
    max_receive_count: Value,
}

impl ImportResources {
    /// Returns all queues, dead letters included.
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

    /// Returns the resources of the compiled-in template, which is parsed once in a process.
    ///
    /// # Errors
    /// Returns an error if a resource is missing or has an unsupported property.
    pub fn embedded() -> Result<Self, TemplateError> {
        static RESOURCES: OnceLock<ImportResources> = OnceLock::new();
        if let Some(resources) = RESOURCES.get() {
            return Ok(resources.clone());
        }
        let resources = Self::read(TEMPLATE)?;
        Ok(RESOURCES.get_or_init(|| resources).clone())
    }

    /// Reads the resources of a template.
    ///
    /// # Errors
    /// Returns an error if a resource is missing or has an unsupported property.
    pub fn read(template: &str) -> Result<Self, TemplateError> {
        let document = parse(template)?;
        let imports_dead = queue(&document, IMPORTS_DEAD, None)?;
        let chunks_dead = queue(&document, CHUNKS_DEAD, None)?;
        Ok(Self {
            imports: queue(&document, IMPORTS, Some((IMPORTS_DEAD, &imports_dead)))?,
            chunks: queue(&document, CHUNKS, Some((CHUNKS_DEAD, &chunks_dead)))?,
            bucket: read_bucket(&document)
                .map_err(|problem| TemplateError::in_resource(BUCKET, problem))?,
            imports_dead,
            chunks_dead,
        })
    }
}

/// Reads a queue; `dead_letters` is the queue that its redrive policy must name.
fn queue(
    document: &Value,
    logical_id: &str,
    dead_letters: Option<(&str, &QueueDefinition)>,
) -> Result<QueueDefinition, TemplateError> {
    read_queue(document, logical_id, dead_letters)
        .map_err(|problem| TemplateError::in_resource(logical_id, problem))
}

fn read_queue(
    document: &Value,
    logical_id: &str,
    dead_letters: Option<(&str, &QueueDefinition)>,
) -> Result<QueueDefinition, String> {
    let written = properties(document, logical_id, "AWS::SQS::Queue")?;
    let queue: QueueProperties = read(document, written, &ACCOUNT_ONLY_QUEUE_PROPERTIES)?;
    let redrive = written.get("RedrivePolicy");
    let dead_letters = match (dead_letters, redrive) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err("a dead-letter queue must not have a RedrivePolicy".to_owned());
        }
        (Some((to, _)), None) => return Err(format!("expected a RedrivePolicy to {to}")),
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
        visibility: Duration::from_secs(
            queue
                .visibility_timeout
                .unwrap_or(DEFAULT_VISIBILITY_SECONDS),
        ),
        dead_letters,
    })
}

/// Returns the number of receives before a message moves to the queue `to`.
fn max_receives(document: &Value, to: &str, redrive: &Value) -> Result<u32, String> {
    let RedrivePolicy {
        dead_letter_target_arn: target,
        max_receive_count,
    } = RedrivePolicy::deserialize(redrive).map_err(|error| format!("RedrivePolicy: {error}"))?;
    let short = Value::from(format!("{to}.Arn"));
    let long = Value::from(vec![to, "Arn"]);
    if !matches!(target.get("Fn::GetAtt"), Some(found) if *found == short || *found == long) {
        return Err(format!(
            "dead letters must go to {to} (deadLetterTargetArn: !GetAtt {to}.Arn)"
        ));
    }
    let count = yaml::resolve(&max_receive_count, &local_parameters(document))?;
    u32::deserialize(count).map_err(|error| format!("maxReceiveCount: {error}"))
}

fn read_bucket(document: &Value) -> Result<String, String> {
    let written = properties(document, BUCKET, "AWS::S3::Bucket")?;
    let bucket: BucketProperties = read(document, written, &ACCOUNT_ONLY_BUCKET_PROPERTIES)?;
    // CloudFormation generates a name if there is none.
    Ok(bucket
        .bucket_name
        .unwrap_or_else(|| format!("{STACK_NAME}-imports")))
}

/// Reads the properties without those in `account_only`, whose content need not be understood.
fn read<T: DeserializeOwned>(
    document: &Value,
    written: &Value,
    account_only: &[&str],
) -> Result<T, String> {
    let parameters = local_parameters(document);
    let written = written.as_object().into_iter().flatten();
    let local = written.filter(|(name, _)| !account_only.contains(&name.as_str()));
    let local = local
        .map(|(name, value)| Ok((name.clone(), yaml::resolve(value, &parameters)?)))
        .collect::<Result<Map<_, _>, String>>()?;
    serde_json::from_value(Value::Object(local)).map_err(|error| error.to_string())
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
    fn the_compiled_in_template_has_all_resources() {
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
    fn names_visibility_and_redrive_policies_are_read() {
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
    fn an_unsupported_property_is_an_error_that_names_the_resource() {
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
                "expected a RedrivePolicy",
            ),
            (
                "MessageRetentionPeriod: 1209600",
                "RedrivePolicy: {}",
                "ImportsDeadLetters",
                "must not have a RedrivePolicy",
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
