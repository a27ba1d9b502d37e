//! Recognising, several times as fast as reading them, most of the records that nothing is wrong
//! with. Every rule here is sufficient, none is necessary: what is not recognised gets read.

use crate::attribute::{Attribute, Kind};
use crate::json::Json;
use crate::limits;
use crate::rules::Rules;
use crate::short::ShortText;
use crate::validate::Element;
use crate::value::{Assignment, ReadContext, read};

/// What it takes to recognise records: the slots of attributes of each type. Type by type, no
/// branch depends on the record.
pub(super) struct PlainUsers<'r> {
    context: ReadContext<'r>,
    role: usize,
    email: usize,
    /// Some of the strings that stand for a role.
    roles: Vec<ShortText>,
    external_id: usize,
    /// Texts and lists of texts, the external id among them.
    texts: Vec<usize>,
    flags: Vec<usize>,
    others: Vec<(usize, Kind)>,
}

/// The slot of an attribute that is not mapped: there is none with this number.
const UNMAPPED: usize = usize::MAX;

/// A user who would be created, without a warning.
pub(super) struct PlainUser<'a> {
    /// All ASCII; see [`crate::login::canon`].
    pub(super) login: &'a str,
    pub(super) external_id: Option<&'a str>,
}

impl<'r> PlainUsers<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        let context = rules.read_context();
        let mut users = Self {
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
            others: Vec::new(),
        };
        for (slot, (attribute, _)) in rules.keys().iter().enumerate() {
            if *attribute == Attribute::ExternalId {
                users.external_id = slot;
            }
            match attribute.kind() {
                Kind::Login => {}
                Kind::Role => users.role = slot,
                Kind::Email => users.email = slot,
                // A manager could be the user.
                Kind::Text | Kind::TextList if *attribute != Attribute::ManagerUid => {
                    users.texts.push(slot);
                }
                Kind::Flag { .. } => users.flags.push(slot),
                kind => users.others.push((slot, kind)),
            }
        }
        users
    }

    /// `unescaped` is whether the text that the record comes from passed [`is_unescaped`].
    #[inline]
    pub(super) fn recognise<'a>(
        &self,
        element: &Element<'a>,
        unescaped: bool,
    ) -> Option<PlainUser<'a>> {
        let Element::Object(slots) = element else {
            return None;
        };
        let text_in = |slot: usize| match slots.get(slot) {
            Some(Json::Text(text)) => Some(*text),
            _ => None,
        };
        // Without role and e-mail address nobody is created.
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
                .others
                .iter()
                .all(|(slot, kind)| match slots.get(*slot) {
                    Some(Json::Absent) => true,
                    Some(json) => self.is_small_and_fine(*kind, *json),
                    None => false,
                });
        is_plain.then_some(PlainUser {
            login,
            external_id: text_in(self.external_id),
        })
    }

    /// Whether a value is stored, and small: all of a user's together never reach the limit.
    fn is_small_and_fine(&self, kind: Kind, json: Json<'_>) -> bool {
        let is_small = match kind {
            Kind::Phone
            | Kind::Language
            | Kind::TimeZone
            | Kind::Gender
            | Kind::Date
            | Kind::Choice(_)
            | Kind::UserId
            | Kind::Integer => true,
            Kind::Login
            | Kind::Text
            | Kind::Role
            | Kind::Email
            | Kind::Flag { .. }
            | Kind::TextList
            | Kind::IdList
            | Kind::EncodedObject
            | Kind::Secret => false,
        };
        is_small && matches!(read(kind, json, self.context), Ok(Some(Assignment::Set(_))))
    }
}

/// Whether a JSON text surely has no control character in any of its strings: it has no escape,
/// no DEL, and nothing that begins like a character of C1. Others cannot be in a JSON string.
pub(super) fn is_unescaped(json: &[u8]) -> bool {
    memchr::memchr3(b'\\', 0x7f, 0xc2, json).is_none()
}

/// A text that is stored as it is: nothing to trim, no control character, not too long.
#[inline]
fn is_plain_text(text: &str, unescaped: bool) -> bool {
    let bytes = text.as_bytes();
    let is_visible = |byte: &u8| matches!(byte, b'!'..=b'~');
    let has_plain_ends = match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if is_visible(first) && is_visible(last) => true,
        _ => has_visible_ends(text),
    };
    has_plain_ends
        && bytes.len() <= limits::TEXT
        && (unescaped || bytes.iter().all(|byte| classes(*byte) & SUSPICIOUS == 0))
}

/// The same for ends that are not ASCII.
fn has_visible_ends(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    let last = characters.next_back().or(first);
    first
        .zip(last)
        .is_some_and(|(first, last)| !first.is_whitespace() && !last.is_whitespace())
}

/// A login that is allowed: of ASCII characters alone.
#[inline]
fn is_plain_login(login: &str) -> bool {
    let common = login
        .bytes()
        .fold(ADDRESS, |common, byte| common & classes(byte));
    (1..=limits::LOGIN).contains(&login.len()) && common != 0
}

/// Most of the valid addresses: up to 64 characters, a letter or digit on each side of every mark,
/// a letter at the end.
#[inline]
fn is_plain_email(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else {
        return false;
    };
    let mut common = ADDRESS;
    // What two neighbours have in common.
    let mut adjacent = 0;
    let mut previous = MARK;
    for byte in text {
        let class = classes(*byte);
        common &= class;
        adjacent |= previous & class;
        previous = class;
    }
    let domain = text.get(at + 1..).unwrap_or(&[]);
    let in_domain = domain.iter().fold(0, |found, byte| found | classes(*byte));
    text.len() <= 64
        && common != 0
        && adjacent & MARK == 0
        && in_domain & (DOT | LOCAL_MARK) == DOT
        && previous & LETTER != 0
}

/// An ASCII letter.
const LETTER: u32 = 1;
/// A control character, or the first byte of one of C1.
const SUSPICIOUS: u32 = 4;
/// An ASCII letter or digit, or one of `. _ - @ +`.
const ADDRESS: u32 = 8;
/// One of `. _ - @ +`.
const MARK: u32 = 16;
/// One of `_ @ +`: they have no place in a domain.
const LOCAL_MARK: u32 = 32;
const DOT: u32 = 64;

/// What a byte of UTF-8 can be.
#[inline]
#[expect(clippy::indexing_slicing, reason = "every byte is below 256")]
fn classes(byte: u8) -> u32 {
    static CLASSES: [u8; 256] = {
        let mut classes = [0; 256];
        let mut byte = 0_u8;
        loop {
            let class = match byte {
                b'a'..=b'z' | b'A'..=b'Z' => LETTER | ADDRESS,
                b'0'..=b'9' => ADDRESS,
                b'.' => ADDRESS | MARK | DOT,
                b'-' => ADDRESS | MARK,
                b'_' | b'+' | b'@' => ADDRESS | MARK | LOCAL_MARK,
                0..0x20 | 0x7f | 0xc2 => SUSPICIOUS,
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
