//! Imports that outlast a request: uploads in parts, and the status of an import.

use jiff::Timestamp;
use muster_core::reader::{Compression, Format};
use muster_core::run::{ImportState, Status};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::Extensible;

/// Data to be uploaded in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(as = Announcement, example = json!({"size": 52_428_800, "format": "ndjson", "compression": "gzip"}))
)]
pub struct CreateUploadRequest {
    /// Size in bytes, as sent.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 32_000_000_000_u64))]
    pub size: u64,
    /// Format of the text.
    #[serde(default)]
    pub format: Format,
    /// Compression of the text.
    #[serde(default)]
    pub compression: Compression,
    /// SHA-256 of the bytes as sent. Data with another digest is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, pattern = "^[0-9a-fA-F]{64}$")
    )]
    pub sha256: Option<Sha256Hex>,
}

/// A SHA-256 digest as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// Parses 64 hexadecimal digits in either case.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let valid = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(digits.to_ascii_lowercase()))
    }

    /// Returns the digits.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for Sha256Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Self::parse(&digits)
            .ok_or_else(|| D::Error::custom("invalid SHA-256: expected 64 hexadecimal digits"))
    }
}

/// A new upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewUpload))]
pub struct CreateUploadResponse {
    /// The import's id; also in the header `Import-Id`.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")
    )]
    pub import_id: String,
    /// Size in bytes of every part but the last: part n starts at byte (n - 1) × `part_size`.
    #[cfg_attr(feature = "openapi", schema(example = 8_388_608))]
    pub part_size: u64,
    /// Number of parts.
    pub part_count: u32,
    /// The first 500 parts.
    pub parts: Vec<SignedPart>,
    /// When the URLs expire.
    #[serde(serialize_with = "crate::time::millis")]
    pub expires_at: Timestamp,
}

/// Up to 500 consecutive parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UploadParts))]
pub struct UploadPartsResponse {
    /// The import's id.
    pub import_id: String,
    /// Size in bytes of every part but the last.
    #[cfg_attr(feature = "openapi", schema(example = 8_388_608))]
    pub part_size: u64,
    /// Number of parts.
    pub part_count: u32,
    /// The parts that were received.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub received: Vec<ReceivedPart>,
    /// The parts that are missing, with their URLs.
    pub parts: Vec<SignedPart>,
    /// Value of `from` for the parts after these; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u32))]
    pub next: Option<u32>,
    /// When the URLs expire.
    #[serde(serialize_with = "crate::time::millis")]
    pub expires_at: Timestamp,
}

/// A part to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedPart {
    /// The part's number, from 1.
    pub number: u32,
    /// URL to PUT the part's bytes to. It needs neither headers nor a token.
    pub url: String,
}

/// A part that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceivedPart {
    /// The part's number, from 1.
    pub number: u32,
    /// The part's size in bytes.
    pub size: u64,
}

/// An import that runs in the background, or has just ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AcceptedImport))]
pub struct AcceptedImportResponse {
    /// The import's id; also in the header `Import-Id`.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")
    )]
    pub import_id: String,
    /// State of the import.
    #[cfg_attr(feature = "openapi", schema(value_type = ImportState, example = "queued"))]
    pub state: Extensible<ImportState>,
}

/// Status of an import. Unknown members are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Import))]
pub struct ImportResponse {
    /// The import's id.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "019aa96b-3a64-7c1e-9f52-6d1c2f1b8a70")
    )]
    pub import_id: String,
    /// The task's id.
    #[cfg_attr(feature = "openapi", schema(example = 206))]
    pub task: u64,
    /// State of the import.
    #[cfg_attr(feature = "openapi", schema(value_type = ImportState))]
    pub state: Extensible<ImportState>,
    /// True if the import is a dry run, which writes nothing.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub dry_run: bool,
    /// Size of the data in bytes, as sent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub size: u64,
    /// When the import started.
    #[serde(serialize_with = "crate::time::millis")]
    pub started_at: Timestamp,
    /// When the import ended.
    #[serde(
        serialize_with = "crate::time::millis_option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(required = false, value_type = Timestamp)
    )]
    pub ended_at: Option<Timestamp>,
    /// Progress within the state.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub progress: ImportProgress,
    /// Records per second since the import entered its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = f64))]
    pub rate: Option<f64>,
    /// Estimated seconds until the import leaves its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub eta_seconds: Option<u64>,
    /// Result of the import, once it has ended.
    #[serde(flatten)]
    pub outcome: ImportOutcome,
}

/// Progress of an import. Unknown members are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportProgress {
    /// Bytes read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub bytes: Option<u64>,
    /// Bytes in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub bytes_total: Option<u64>,
    /// Records completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub records: Option<u64>,
    /// Records in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub records_total: Option<u64>,
    /// Chunks of records completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub chunks: Option<u64>,
    /// Chunks in total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub chunks_total: Option<u64>,
}

/// Result of an import, with the keys of the synchronous import's reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EndedImport))]
pub struct ImportOutcome {
    /// Result in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = Status))]
    pub status: Option<Extensible<Status>>,
    /// Why the import failed or was cancelled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errors: Vec<String>,
    /// Records in total.
    #[serde(rename = "Total Lines", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub total: Option<u64>,
    /// Records without a user name, or without the external id that identifies the person.
    #[serde(rename = "Empty IDs", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub empty: Option<u64>,
    /// Records that were rejected.
    #[serde(rename = "Ignored Users", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub ignored: Option<u64>,
    /// Records with the user name of an earlier record, or with its external id where that identifies
    /// the person.
    #[serde(rename = "Duplicated Users", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub duplicated: Option<u64>,
    /// Present and true if the import was a dry run.
    #[serde(rename = "Dry Run", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = bool))]
    pub dry_run: Option<bool>,
    /// Users created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub created: Option<u64>,
    /// Users updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub updated: Option<u64>,
    /// Users that were already up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub unchanged: Option<u64>,
    /// Updated users who have another user name now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub renamed: Option<u64>,
    /// Created and updated users who got an external id that another record took from its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub moved: Option<u64>,
    /// Updated users who were active and are blocked now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub blocked: Option<u64>,
    /// Updated users who were blocked and are active now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub unblocked: Option<u64>,
    /// Values of updated users that were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = u64))]
    pub cleared: Option<u64>,
}
