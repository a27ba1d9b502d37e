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
/// Records of a chunk of a large import.
pub const CHUNK_RECORDS: u32 = 2_000;
/// Bytes of a chunk's records, with what separates them: one record always fits.
pub const CHUNK_BYTES: usize = RECORD_BYTES;
/// Bytes of an upload, as they are sent.
pub const UPLOAD_BYTES: u64 = 32_000_000_000;
/// Bytes of an upload when it is unpacked.
pub const EXPANDED_BYTES: u64 = 64_000_000_000;
/// Parts of an upload for which one answer gives URLs.
pub const PARTS_SIGNED: u32 = 500;
/// Integers that every JSON reader represents exactly end below this: 2^53.
pub const INTEGER: i64 = 1 << 53;

/// Parts of an upload; the store's limit.
const PARTS: u64 = 10_000;
/// Bytes of the smallest parts.
const PART: u64 = 8 << 20;
/// Parts are whole multiples of this.
const PART_STEP: u64 = 1 << 20;

/// Bytes of each part but the last of an upload of `size` bytes: the fewest MiB, at least 8, that
/// make at most 10,000 parts.
#[must_use]
pub const fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(PARTS);
    if least <= PART {
        PART
    } else {
        least.div_ceil(PART_STEP) * PART_STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_8_mib_until_that_would_make_too_many() {
        for size in [0, 1, 8 << 20, 10_000 * (8 << 20)] {
            assert_eq!(part_size(size), 8 << 20, "{size}");
        }
        assert_eq!(part_size(10_000 * (8 << 20) + 1), 9 << 20);
        assert_eq!(part_size(10_000 * (9 << 20)), 9 << 20);
        assert_eq!(part_size(10_000 * (9 << 20) + 1), 10 << 20);
    }

    #[test]
    fn the_largest_upload_fits_into_10_000_parts() {
        let size = part_size(UPLOAD_BYTES);
        assert!(UPLOAD_BYTES.div_ceil(size) <= PARTS);
        assert_eq!(size % PART_STEP, 0);
    }
}
