//! Recognises most valid records several times as fast as a full validation. Every rule here is
//! sufficient, none is necessary: unrecognised records are validated in full.

use crate::attribute::{Attribute, AttributeKind};
use crate::json::Json;
use crate::limits;
use crate::rules::Rules;
use crate::short_text::ShortText;
use crate::validate::Element;
use crate::value::{Assignment, ReadContext, read};

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
                AttributeKind::Text | AttributeKind::TextList
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
            | AttributeKind::Role
            | AttributeKind::Email
            | AttributeKind::Flag { .. }
            | AttributeKind::TextList
            | AttributeKind::IdList
            | AttributeKind::EncodedObject
            | AttributeKind::Secret => false,
        };
        is_small && matches!(read(kind, json, self.context), Ok(Some(Assignment::Set(_))))
    }
}

/// Returns `true` if no string of a JSON text can contain a control character: the text has no
/// escape, no DEL, and no lead byte of a C1 character. JSON strings cannot contain other control
/// characters.
pub(super) fn is_unescaped(json: &[u8]) -> bool {
    memchr::memchr3(b'\\', 0x7f, 0xc2, json).is_none()
}

/// Returns `true` if a text is stored unchanged: nothing to trim, no control character, not too
/// long.
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
        && (unescaped || bytes.iter().all(|byte| classes(*byte) & MAYBE_CONTROL == 0))
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
/// A control character, or the lead byte of a C1 character.
const MAYBE_CONTROL: u32 = 4;
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
                0..0x20 | 0x7f | 0xc2 => MAYBE_CONTROL,
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
