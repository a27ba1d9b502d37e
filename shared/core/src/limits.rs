//! Limits (contract.md#limits), each defined in one place.

/// Maximum characters of a text.
pub const MAX_TEXT_CHARS: usize = 1_024;
/// Maximum code points of a login, after NFC.
pub const MAX_LOGIN_CHARS: usize = 128;
/// Maximum characters of a password.
pub const MAX_PASSWORD_CHARS: usize = 128;
/// Maximum characters of an e-mail address.
pub const MAX_EMAIL_CHARS: usize = 254;
/// Maximum bytes of `custom_info`, Base64-encoded.
pub const MAX_ENCODED_OBJECT_BYTES: usize = 32 * 1_024;
/// Maximum items of a list.
pub const MAX_LIST_ITEMS: usize = 5_000;
/// Maximum nesting depth of arrays and objects, including the outermost array.
pub const MAX_NESTING_LEVELS: usize = 1_024;
/// Maximum bytes of a stored user, attribute names and values together.
pub const MAX_STORED_USER_BYTES: usize = 256 * 1_024;
/// Maximum bytes of the body of a synchronous import.
pub const MAX_SYNC_BYTES: usize = 4_000_000;
/// Maximum records of a synchronous import.
pub const MAX_SYNC_RECORDS: usize = 20_000;
/// Maximum warnings in a reply; the last string counts the others.
pub const MAX_REPLY_WARNINGS: usize = 10_000;
/// Maximum bytes of all warnings in a reply.
pub const MAX_REPLY_WARNING_BYTES: usize = 4_000_000;
/// Maximum bytes of one record. Chunks of a large import have the same limit, so any record fits.
pub const MAX_RECORD_BYTES: usize = 8_000_000;
/// Maximum bytes of a rejected element that is no object and is returned.
pub const MAX_RETURNED_ELEMENT_BYTES: usize = 1_000_000;
/// Maximum records of a chunk of a large import.
pub const MAX_CHUNK_RECORDS: u32 = 2_000;
/// Maximum bytes of a chunk's records and their separators: one record always fits.
pub const MAX_CHUNK_BYTES: usize = MAX_RECORD_BYTES;
/// Maximum bytes of an upload as sent.
pub const MAX_UPLOAD_BYTES: u64 = 32_000_000_000;
/// Maximum bytes of an upload after decompression.
pub const MAX_EXPANDED_BYTES: u64 = 64_000_000_000;
/// Maximum parts of an upload for which one response returns URLs.
pub const MAX_SIGNED_PARTS: u32 = 500;
/// Exclusive upper bound of the absolute value of an integer, 2^53: every JSON reader represents
/// smaller integers exactly.
pub const INTEGER_LIMIT: i64 = 1 << 53;

/// Maximum characters of a task's title.
pub const MAX_TITLE_CHARS: usize = 200;
/// Maximum characters of a task's description and of its notes.
pub const MAX_DESCRIPTION_CHARS: usize = 10_000;
/// Maximum characters of a mapped JSON key.
pub const MAX_JSON_KEY_CHARS: usize = 256;
/// Maximum robots that one task permits.
pub const MAX_PERMITTED_ROBOTS: usize = 500;
/// Maximum of a task's `retry_after_seconds`.
pub const MAX_RETRY_AFTER_SECONDS: u32 = 86_400;
/// Maximum of a task's `undo_days`.
pub const MAX_UNDO_DAYS: u32 = 90;
/// Maximum characters of a role.
pub const MAX_ROLE_CHARS: usize = 256;
/// Maximum roles of one tenant.
pub const MAX_TENANT_ROLES: usize = 500;
/// Maximum bytes of all roles of a tenant together: they share a row, and a row holds 400 KB.
pub const MAX_TENANT_ROLES_BYTES: usize = 300_000;

/// Maximum parts of an upload in S3.
const MAX_PARTS: u64 = 10_000;
/// Minimum bytes of a part.
const MIN_PART_BYTES: u64 = 8 << 20;
/// Part sizes are multiples of this number of bytes.
const PART_STEP_BYTES: u64 = 1 << 20;

/// Returns the size in bytes of every part but the last for an upload of `size` bytes: the smallest
/// number of MiB, at least 8, that gives at most 10,000 parts.
#[must_use]
pub const fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(MAX_PARTS);
    if least <= MIN_PART_BYTES {
        MIN_PART_BYTES
    } else {
        least.div_ceil(PART_STEP_BYTES) * PART_STEP_BYTES
    }
}

/// Maximum entries of each list of a task's value formats.
pub const MAX_FORMAT_ENTRIES: usize = 20;
/// Maximum characters of a text in a task's value formats.
pub const MAX_FORMAT_TEXT_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_8_mib_unless_there_would_be_too_many() {
        for size in [0, 1, 8 << 20, 10_000 * (8 << 20)] {
            assert_eq!(part_size(size), 8 << 20, "{size}");
        }
        assert_eq!(part_size(10_000 * (8 << 20) + 1), 9 << 20);
        assert_eq!(part_size(10_000 * (9 << 20)), 9 << 20);
        assert_eq!(part_size(10_000 * (9 << 20) + 1), 10 << 20);
    }

    #[test]
    fn the_largest_upload_has_at_most_10_000_parts() {
        let size = part_size(MAX_UPLOAD_BYTES);
        assert!(MAX_UPLOAD_BYTES.div_ceil(size) <= MAX_PARTS);
        assert_eq!(size % PART_STEP_BYTES, 0);
    }
}
