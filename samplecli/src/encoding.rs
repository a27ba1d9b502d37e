//! Format and compression of a file of records, as `muster import` and `muster check` decide them.

use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use muster_core::reader::{Compression, Format, GZIP_MAGIC};

use crate::failure::Failure;

/// Bytes from the start of a file that decide its compression.
pub const START_BYTES: usize = GZIP_MAGIC.len();

/// The options about a file.
#[derive(Args, Clone, Copy)]
pub struct EncodingArgs {
    /// Format of the file [default: ndjson for .ndjson and .jsonl, otherwise json]
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Option<Format>,

    /// Compression of the file [default: detected from its first bytes]
    #[arg(long, value_name = "METHOD", value_parser = compression())]
    compression: Option<Compression>,
}

/// The format and the compression of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The format after decompression.
    pub format: Format,
    /// The compression.
    pub compression: Compression,
}

impl EncodingArgs {
    /// Returns the encoding given; by default the format by the file name, and the compression by
    /// the first bytes, which are more reliable than the name. `name` is the file in messages.
    pub fn resolve(self, path: &Path, name: &str, start: &[u8]) -> Result<Encoding, Failure> {
        let is_gzip = start.starts_with(&GZIP_MAGIC);
        let compression = match self.compression {
            Some(Compression::Gzip) if !is_gzip => {
                return Err(Failure::failed(format!("{name} is not gzip data"))
                    .hint("omit --compression: gzip is detected"));
            }
            Some(given) => given,
            None if is_gzip => Compression::Gzip,
            None => Compression::None,
        };
        Ok(Encoding {
            format: self.format.unwrap_or_else(|| format_of_name(path)),
            compression,
        })
    }
}

impl Encoding {
    /// Returns true if the data can be sent in one request.
    pub fn is_plain_json(self) -> bool {
        self.format == Format::Json && self.compression == Compression::None
    }
}

/// Returns the parser of `--format`.
fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new([
        PossibleValue::new("json").help("A JSON array of records"),
        PossibleValue::new("ndjson").help("One record per line"),
    ])
    .map(|name| match name.as_str() {
        "ndjson" => Format::Ndjson,
        _ => Format::Json,
    })
}

/// Returns the parser of `--compression`.
fn compression() -> impl TypedValueParser<Value = Compression> {
    PossibleValuesParser::new([
        PossibleValue::new("none").help("Not compressed"),
        PossibleValue::new("gzip").help("gzip"),
    ])
    .map(|name| match name.as_str() {
        "gzip" => Compression::Gzip,
        _ => Compression::None,
    })
}

/// Returns the format by the extension of a file, ignoring `.gz`.
fn format_of_name(path: &Path) -> Format {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
        Format::Ndjson
    } else {
        Format::Json
    }
}
