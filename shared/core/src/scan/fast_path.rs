//! Recognises most valid records several times as fast as a full validation. Every rule here is
//! sufficient, none is necessary: unrecognised records are validated in full.

use crate::attribute::{Attribute, AttributeKind};
use crate::json::Json;
use crate::limits;
use crate::rules::Rules;
use crate::short_text::ShortText;
use crate::text::{has_only_clean_characters, is_clean};
use crate::validate::Element;
use crate::value::{Assignment, ReadContext, Reading, read};

/// Slots of attributes by type, for recognising valid records. Checking type by type avoids
/// branches that depend on the record.
pub(super) struct FastPath<'r> {
    context: ReadContext<'r>,
    role: usize,
    email: usize,
    /// Some of the strings that map to a role.
    roles: Vec<ShortText>,
    external_id: usize,
    /// Texts and lists of texts, including the external id.
    texts: Vec<usize>,
    flags: Vec<usize>,
    other_kinds: Vec<(usize, AttributeKind)>,
}

/// Slot of an attribute that is not mapped; no mapped attribute has this slot.
const UNMAPPED: usize = usize::MAX;

/// A user that would be created without a warning.
pub(super) struct FastPathUser<'a> {
    /// ASCII only; see [`crate::login::canon`].
    pub(super) login: &'a str,
    pub(super) external_id: Option<&'a str>,
}

impl<'r> FastPath<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        let context = rules.read_context();
        let mut fast_path = Self {
            context,
            role: UNMAPPED,
            email: UNMAPPED,
            roles: context
                .roles
                .keys()
                .filter_map(|text| ShortText::of(text))
                .take(16)
                .collect(),
            external_id: UNMAPPED,
            texts: Vec::new(),
            flags: Vec::new(),
            other_kinds: Vec::new(),
        };
        for (slot, (attribute, _)) in rules.keys().iter().enumerate() {
            if *attribute == Attribute::ExternalId {
                fast_path.external_id = slot;
            }
            match attribute.kind() {
                AttributeKind::Login => {}
                AttributeKind::Role => fast_path.role = slot,
                AttributeKind::Email => fast_path.email = slot,
                // The manager could be the user.
                AttributeKind::Text | AttributeKind::Identifier | AttributeKind::TextList
                    if *attribute != Attribute::ManagerUid =>
                {
                    fast_path.texts.push(slot);
                }
                AttributeKind::Flag { .. } => fast_path.flags.push(slot),
                kind => fast_path.other_kinds.push((slot, kind)),
            }
        }
        fast_path
    }

    /// Returns the user of a record that is known to be valid. `unescaped` is the result of
    /// [`is_unescaped`] for the text that contains the record.
    #[inline]
    pub(super) fn match_user<'a>(
        &self,
        element: &Element<'a>,
        unescaped: bool,
    ) -> Option<FastPathUser<'a>> {
        let Element::Object(slots) = element else {
            return None;
        };
        if self.context.formats.changes_texts() && self.changes_a_text(slots) {
            return None;
        }
        let text_in = |slot: usize| match slots.get(slot) {
            Some(Json::Text(text)) => Some(*text),
            _ => None,
        };
        // Without role and e-mail address no user is created.
        let (login, role, email) = (text_in(0)?, text_in(self.role)?, text_in(self.email)?);
        let texts_are_plain = self.texts.iter().all(|slot| match slots.get(*slot) {
            Some(Json::Absent) => true,
            Some(Json::Text(text)) => is_plain_text(text, unescaped),
            _ => false,
        });
        let flags_are_plain = self
            .flags
            .iter()
            .all(|slot| matches!(slots.get(*slot), Some(Json::Absent | Json::Bool(_))));
        let is_plain = texts_are_plain
            && flags_are_plain
            && ShortText::of(role)?.is_in(&self.roles)
            && is_plain_login(login)
            && is_plain_email(email.as_bytes())
            && self
                .other_kinds
                .iter()
                .all(|(slot, kind)| match slots.get(*slot) {
                    Some(Json::Absent) => true,
                    Some(json) => self.is_small_and_valid(*kind, *json),
                    None => false,
                });
        is_plain.then_some(FastPathUser {
            login,
            external_id: text_in(self.external_id),
        })
    }

    /// Returns `true` if a text of the record does not mean what it says.
    fn changes_a_text(&self, slots: &[Json<'_>]) -> bool {
        let formats = self.context.formats;
        let is_empty =
            |json: &Json<'_>| matches!(json, Json::Text(text) if formats.is_empty(text.trim()));
        let is_replaced = match slots.first() {
            Some(Json::Text(login)) => formats.username(login) != *login,
            _ => false,
        };
        is_replaced || slots.iter().any(is_empty)
    }

    /// Returns `true` if a value is valid and so small that all such values of a user stay below
    /// the size limit.
    fn is_small_and_valid(&self, kind: AttributeKind, json: Json<'_>) -> bool {
        let is_small = match kind {
            AttributeKind::Phone
            | AttributeKind::Language
            | AttributeKind::TimeZone
            | AttributeKind::Gender
            | AttributeKind::Date
            | AttributeKind::Choice(_)
            | AttributeKind::UserId
            | AttributeKind::Integer => true,
            AttributeKind::Login
            | AttributeKind::Text
            | AttributeKind::Identifier
            | AttributeKind::Role
            | AttributeKind::Email
            | AttributeKind::Flag { .. }
            | AttributeKind::TextList
            | AttributeKind::IdList
            | AttributeKind::EncodedObject
            | AttributeKind::Secret => false,
        };
        is_small
            && matches!(
                read(kind, json, self.context),
                Ok(Reading {
                    assignment: Some(Assignment::Set(_)),
                    warning: None,
                })
            )
    }
}

/// Returns `true` if no string of a JSON text that is ASCII has a control character: the text has no
/// escape, and no DEL, the only control character that stands in strings as it is.
pub(super) fn is_unescaped(json: &[u8]) -> bool {
    json.chunks(BLOCK_BYTES).all(|block| {
        // Without a branch, so that the compiler vectorises it.
        let found = block.iter().fold(0, |found, byte| {
            found | u8::from(*byte == b'\\') | u8::from(*byte == 0x7f)
        });
        found == 0
    })
}

/// Bytes that are looked at before the first that is not plain ends the search.
const BLOCK_BYTES: usize = 4_096;

/// Returns `true` for the bytes of characters that are visible and in NFC, whatever is around them:
/// ASCII, the letters from U+00C0 to U+023F and from U+0400 to U+047F, the signs from U+4000 to U+9FFF
/// and the syllables from U+B000 to U+CFFF, which most names are written in. Control characters of
/// ASCII but DEL are plain, because JSON strings contain them only in escapes.
const fn is_plain_byte(byte: u8) -> bool {
    // 0xc0 and 0xc1 are in no text.
    let is_letter = (byte & 0xfe == 0xd0) | (byte >= 0xe4) & (byte <= 0xec) & (byte != 0xea);
    !((byte == 0x7f) | (byte == 0xc2) | ((byte > 0xc8) & !is_letter))
}

/// Returns `true` if a text is stored unchanged: nothing to trim, to compose or to remove, no control
/// character, not too long.
#[inline]
fn is_plain_text(text: &str, unescaped: bool) -> bool {
    let bytes = text.as_bytes();
    let is_visible = |byte: &u8| matches!(byte, b'!'..=b'~');
    let has_plain_ends = match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if is_visible(first) && is_visible(last) => true,
        _ => has_visible_ends(text),
    };
    has_plain_ends
        && bytes.len() <= limits::MAX_TEXT_CHARS
        && (unescaped && text.is_ascii()
            || bytes.iter().all(|byte| classes(*byte) & UNPLAIN == 0)
            || is_clean_text(text))
}

/// Returns `true` for a text of any script that is stored unchanged, whatever its ends.
#[cold]
fn is_clean_text(text: &str) -> bool {
    has_only_clean_characters(text) || !text.contains(char::is_control) && is_clean(text)
}

/// Returns `true` if neither end of the text is white space, for ends that are not ASCII.
fn has_visible_ends(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    let last = characters.next_back().or(first);
    first
        .zip(last)
        .is_some_and(|(first, last)| !first.is_whitespace() && !last.is_whitespace())
}

/// Returns `true` for a valid login of ASCII characters.
#[inline]
fn is_plain_login(login: &str) -> bool {
    let shared_classes = login.bytes().fold(ADDRESS_CHAR, |shared_classes, byte| {
        shared_classes & classes(byte)
    });
    (1..=limits::MAX_LOGIN_CHARS).contains(&login.len()) && shared_classes != 0
}

/// Returns `true` for most valid addresses: up to 64 characters, a letter or digit on each side of
/// every mark, a letter at the end.
#[inline]
fn is_plain_email(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else {
        return false;
    };
    let mut shared_classes = ADDRESS_CHAR;
    // Classes that two adjacent bytes share.
    let mut adjacent_classes = 0;
    let mut previous = ADDRESS_MARK;
    for byte in text {
        let class = classes(*byte);
        shared_classes &= class;
        adjacent_classes |= previous & class;
        previous = class;
    }
    let domain = text.get(at + 1..).unwrap_or(&[]);
    let domain_classes = domain.iter().fold(0, |found, byte| found | classes(*byte));
    text.len() <= 64
        && shared_classes != 0
        && adjacent_classes & ADDRESS_MARK == 0
        && domain_classes & (DOT | LOCAL_MARK) == DOT
        && previous & LETTER != 0
}

/// An ASCII letter.
const LETTER: u32 = 1;
/// A control character, or a byte that is not plain.
const UNPLAIN: u32 = 4;
/// An ASCII letter or digit, or one of `. _ - @ +`.
const ADDRESS_CHAR: u32 = 8;
/// One of `. _ - @ +`.
const ADDRESS_MARK: u32 = 16;
/// One of `_ @ +`, which are not allowed in a domain.
const LOCAL_MARK: u32 = 32;
const DOT: u32 = 64;

/// Returns the classes of a byte of UTF-8.
#[inline]
#[expect(clippy::indexing_slicing, reason = "every byte is below 256")]
fn classes(byte: u8) -> u32 {
    static CLASSES: [u8; 256] = {
        let mut classes = [0; 256];
        let mut byte = 0_u8;
        loop {
            let class = match byte {
                b'a'..=b'z' | b'A'..=b'Z' => LETTER | ADDRESS_CHAR,
                b'0'..=b'9' => ADDRESS_CHAR,
                b'.' => ADDRESS_CHAR | ADDRESS_MARK | DOT,
                b'-' => ADDRESS_CHAR | ADDRESS_MARK,
                b'_' | b'+' | b'@' => ADDRESS_CHAR | ADDRESS_MARK | LOCAL_MARK,
                0..0x20 => UNPLAIN,
                byte if !is_plain_byte(byte) => UNPLAIN,
                _ => 0,
            };
            classes[byte as usize] = class as u8;
            if byte == u8::MAX {
                break;
            }
            byte += 1;
        }
        classes
    };
    CLASSES[byte as usize] as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_plain_bytes_are_clean_wherever_they_stand() {
        let mut buffer = [0; 4];
        let mut plain = 0;
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii_control()) {
            let text = c.encode_utf8(&mut buffer);
            if text.bytes().all(is_plain_byte) {
                assert!(has_only_clean_characters(text), "U+{:04X}", u32::from(c));
                plain += 1;
            }
        }
        assert!(plain > 30_000, "{plain}");
    }
}
