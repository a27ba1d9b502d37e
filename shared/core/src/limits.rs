//! The limits of CONTRACT §0 and §1, each in one place.

/// Characters of a text.
pub const TEXT: usize = 1_024;
/// Code points of a login, after NFC.
pub const LOGIN: usize = 128;
/// Characters of a password.
pub const PASSWORD: usize = 128;
/// Characters of an e-mail address.
pub const EMAIL: usize = 254;
/// Bytes of `custom_info`, in its base64 form.
pub const ENCODED_OBJECT: usize = 32 * 1_024;
/// Items of a list.
pub const LIST_ITEMS: usize = 5_000;
/// Levels of arrays and objects within each other, the outermost array included.
pub const NESTING: usize = 1_024;
/// Bytes of a stored user, names and values together.
pub const STORED_USER: usize = 256 * 1_024;
/// Bytes of a synchronous import's body.
pub const SYNC_BYTES: usize = 4_000_000;
/// Records of a synchronous import.
pub const SYNC_RECORDS: usize = 20_000;
/// Warnings of a reply; further ones are counted in its last string.
pub const REPLY_WARNINGS: usize = 10_000;
/// Bytes of all warnings of a reply.
pub const REPLY_WARNING_BYTES: usize = 4_000_000;
/// Bytes of one record: a chunk of a large import is never larger, so no record can be.
pub const RECORD_BYTES: usize = 8_000_000;
/// Integers that every JSON reader represents exactly end below this: 2^53.
pub const INTEGER: i64 = 1 << 53;
