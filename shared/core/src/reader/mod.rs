//! Reads a JSON array of records of any length: splits it into chunks, decodes them in parallel
//! with simd-json, passes on every element once and in order, and reports where the text is not a
//! JSON array. [`Source`] turns gzip and NDJSON into such a text. The reader does not interpret
//! records; [`crate::scan`] does.

mod array;
mod boundary;
mod count;
mod decode;
pub mod dedup;
mod encoding;
mod error;
mod exact;
mod foreign;
mod grammar;
mod keys;
mod long_record;
mod ndjson;
mod object;
mod pipeline;
mod position;
pub mod shared_values;
mod sink;
mod source;
mod text;
mod unpack;

pub use self::array::read_array;
pub use self::count::has_more_elements_than;
pub use self::encoding::{Compression, Format};
pub use self::error::{ReadError, SyntaxError};
pub(crate) use self::exact::{mapped, split_first};
pub use self::foreign::{Foreign, SentAs};
pub use self::keys::{FoundKey, FoundKeys};
pub use self::object::{Object, ObjectError, read_object};
pub use self::position::Position;
pub use self::sink::{RecordSink, Sizes, Totals};
pub use self::source::{FormatError, Source, SourceError, read_source};
pub use self::unpack::{GZIP_MAGIC, UnpackError, unpack};

#[cfg(test)]
mod tests;
