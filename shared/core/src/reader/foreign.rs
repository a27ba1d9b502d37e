//! Recognises what was sent in place of JSON, by its first bytes, and says what to do about it. The
//! parser has refused the text already: nothing here decides that.

use std::fmt;

use super::boundary::skip_space;
use super::encoding::Format;
use super::grammar;

/// Bytes from the start of a text that are enough to recognise it.
pub(super) const START_BYTES: usize = 64 * 1024;
/// Keys around an array of records that messages repeat, in any case. Any other key may be personal,
/// and the error of a run is logged.
const SHOWN_KEYS: [&str; 16] = [
    "content",
    "data",
    "employees",
    "entries",
    "items",
    "list",
    "members",
    "payload",
    "people",
    "records",
    "resources",
    "results",
    "rows",
    "staff",
    "users",
    "value",
];
/// Maximum bytes of the first line of CSV.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Content that was sent instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing, or only white space.
    Nothing,
    /// Text in UTF-16 or UTF-32.
    WideText(&'static str),
    /// gzip data.
    Gzip,
    /// gzip data whose bytes were replaced on the way, because they are not UTF-8 text.
    DamagedGzip,
    /// A zip archive, which an Excel workbook is, too.
    Zip,
    /// Data of another program that packs or prints.
    Other(&'static str),
    /// A page of HTML.
    Html,
    /// XML.
    Xml,
    /// Lines of values between separators.
    Csv,
    /// Objects one after the other.
    Lines,
    /// One object.
    Object,
    /// An object with the records in a member; its key, if it is a usual one.
    Wrapper(Option<String>),
    /// An array.
    Array,
}

/// How the text was sent, which decides what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentAs {
    /// The records of a request.
    Request,
    /// The records of an upload.
    Upload,
    /// A file that the command line checks.
    File,
    /// The user of a request.
    User,
    /// Any other object of a request.
    Body,
}

impl Foreign {
    /// Recognises a text that was refused as records in this format. `start` are its first bytes.
    #[must_use]
    pub fn instead_of_records(start: &[u8], format: Format) -> Option<Self> {
        Self::binary(start).or_else(|| {
            let text = skip_space(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start));
            match (text.first(), format) {
                (None, _) => Some(Self::Nothing),
                (Some(b'['), Format::Json) | (Some(b'{'), Format::Ndjson) => None,
                (Some(b'['), Format::Ndjson) => is_array_of_records(text).then_some(Self::Array),
                (Some(b'{'), Format::Json) => Some(Self::objects(text)),
                (Some(_), _) => Self::text(text),
            }
        })
    }

    /// Recognises a text that was refused as one object.
    #[must_use]
    pub fn instead_of_object(text: &[u8]) -> Option<Self> {
        Self::binary(text).or_else(|| {
            let text = skip_space(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
            match text.first()? {
                b'{' => is_followed_by_object(text).then_some(Self::Lines),
                b'[' => Some(Self::Array),
                _ => Self::text(text),
            }
        })
    }

    /// Recognises what is not text in UTF-8.
    fn binary(start: &[u8]) -> Option<Self> {
        Some(match start {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Self::WideText("UTF-32"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::WideText("UTF-16"),
            // The first two characters of JSON are ASCII, and not NUL.
            [0, 0, 0, 0, ..] | [0, 0] => return None,
            [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => Self::WideText("UTF-32"),
            [_, 0, _, ..] | [_, 0] | [0, _, ..] => Self::WideText("UTF-16"),
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x1f, 0xef, 0xbf, 0xbd, ..] => Self::DamagedGzip,
            [b'P', b'K', 3 | 5 | 7, 4 | 6 | 8, ..] => Self::Zip,
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Self::Other("an Excel workbook (XLS)"),
            [b'%', b'P', b'D', b'F', ..] => Self::Other("a PDF document"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Other("bzip2 data"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("xz data"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Other("zstd data"),
            [b'7', b'z', 0xbc, 0xaf, ..] => Self::Other("a 7z archive"),
            _ => return None,
        })
    }

    /// Recognises text that is not JSON.
    fn text(text: &[u8]) -> Option<Self> {
        let starts = |prefix: &[u8]| {
            let start = text.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if starts(b"<!doctype html") || starts(b"<html") {
            return Some(Self::Html);
        }
        match text {
            [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some(Self::Xml),
            _ if is_csv(text) => Some(Self::Csv),
            _ => None,
        }
    }

    /// Recognises objects where an array was expected.
    fn objects(text: &[u8]) -> Self {
        if is_followed_by_object(text) {
            return Self::Lines;
        }
        wrapper(text).unwrap_or(Self::Object)
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn advice(&self, sent_as: SentAs) -> &'static str {
        use SentAs::{Body, File, Request, Upload, User};
        match (self, sent_as) {
            (Self::Nothing, Request) => "send an array, `[]` for no records",
            (Self::Nothing, Upload | File) => "check the program that wrote the file",
            (Self::Nothing | Self::Object, User | Body) => "send one object",
            (Self::WideText(_), _) => "encode it as UTF-8",
            (Self::Gzip, Upload) => "announce it with \"compression\":\"gzip\"",
            (Self::Gzip, File) => "use --compression gzip",
            (Self::Gzip, _) => "send it with the header Content-Encoding: gzip",
            (Self::DamagedGzip, Request) => {
                "a gateway on the way takes it for text: send it unpacked, or upload it"
            }
            (Self::DamagedGzip, _) => "something on the way took it for text: send it unpacked",
            (Self::Html, _) => {
                "this may be the error page of the program that the data came from: send the JSON \
                 itself"
            }
            (Self::Zip | Self::Other(_) | Self::Xml | Self::Csv, Request | Upload | File) => {
                "export the data as JSON, as an array of objects"
            }
            (Self::Zip | Self::Other(_) | Self::Xml | Self::Csv, User | Body) => {
                "send a JSON object"
            }
            (Self::Lines, Request) => {
                "send them as an array, [{…},{…}], or upload them with \"format\":\"ndjson\""
            }
            (Self::Lines, Upload) => "announce it with \"format\":\"ndjson\"",
            (Self::Lines, File) => "use --format ndjson",
            (Self::Lines, User) => "send one user a request",
            (Self::Lines | Self::Array, Body) => "send one object",
            (Self::Object, _) => "send an array, also for one record: [{…}]",
            (Self::Wrapper(_), _) => "send that array alone",
            (Self::Array, Upload) => "announce it with \"format\":\"json\"",
            (Self::Array, File) => "use --format json",
            (Self::Array, Request | User) => "send one user a request, as an object",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::WideText(encoding) => write!(f, "text in {encoding}"),
            Self::Gzip => f.write_str("gzip data"),
            Self::DamagedGzip => f.write_str("damaged gzip data"),
            Self::Zip => f.write_str("a zip archive or an Excel workbook (XLSX)"),
            Self::Other(name) => f.write_str(name),
            Self::Html => f.write_str("a page of HTML"),
            Self::Xml => f.write_str("XML"),
            Self::Csv => f.write_str("CSV"),
            Self::Lines => f.write_str("objects one after the other (NDJSON)"),
            Self::Object => f.write_str("an object"),
            Self::Wrapper(Some(key)) => write!(f, "an object with an array in its member {key:?}"),
            Self::Wrapper(None) => f.write_str("an object with an array in one of its members"),
            Self::Array => f.write_str("an array"),
        }
    }
}

/// Returns `true` if an array starts with an object.
fn starts_with_object(array: &[u8]) -> bool {
    first_of(array) == Some(b'{')
}

/// Returns `true` if an array starts with an object, or is empty.
fn is_array_of_records(array: &[u8]) -> bool {
    matches!(first_of(array), Some(b'{' | b']'))
}

/// Returns the first byte within an array that is not white space.
fn first_of(array: &[u8]) -> Option<u8> {
    array.get(1..).map(skip_space)?.first().copied()
}

/// Returns `true` if another object follows the object that the text starts with.
fn is_followed_by_object(text: &[u8]) -> bool {
    let after = grammar::element(text, 0)
        .ok()
        .and_then(|end| text.get(end..));
    after.is_some_and(|after| skip_space(after).first() == Some(&b'{'))
}

/// Recognises an object with a member that is an array of objects, or any array if it is the only
/// member.
fn wrapper(object: &[u8]) -> Option<Foreign> {
    let mut at = 1;
    loop {
        let key_at = object.len() - skip_space(object.get(at..)?).len();
        let key_end = grammar::element(object, key_at).ok()?;
        let key: String = serde_json::from_slice(object.get(key_at..key_end)?).ok()?;
        let value = skip_space(skip_space(object.get(key_end..)?).strip_prefix(b":")?);
        let value_at = object.len() - value.len();
        let end = grammar::element(object, value_at).ok();
        let after = end.and_then(|end| object.get(end..)).map(skip_space);
        let is_only = at == 1 && after.is_some_and(|after| after.first() == Some(&b'}'));
        if value.first() == Some(&b'[') && (is_only || starts_with_object(value)) {
            return Some(Foreign::Wrapper(Some(key).filter(|key| is_shown(key))));
        }
        at = object.len() - after?.strip_prefix(b",")?.len();
    }
}

fn is_shown(key: &str) -> bool {
    SHOWN_KEYS
        .iter()
        .any(|shown| key.eq_ignore_ascii_case(shown))
}

/// Returns `true` if the first line has several columns.
fn is_csv(text: &[u8]) -> bool {
    let text = text.get(..MAX_HEADER_BYTES).unwrap_or(text);
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    let Some(line) = line.and_then(|line| str::from_utf8(line).ok()) else {
        return false;
    };
    let mut quoted = false;
    let mut has_separator = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' | ';' | '\t' => has_separator |= !quoted,
            // JSON, or a program.
            '{' | '}' | '[' | ']' if !quoted => return false,
            _ => {}
        }
    }
    has_separator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn utf_32(text: &str) -> Vec<u8> {
        text.chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect()
    }

    #[test]
    fn what_was_sent_in_place_of_records_is_recognised() {
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (utf_16("[{}]"), "UTF-16"),
            (utf_16("\u{feff}[{}]"), "UTF-16"),
            (utf_16("{}"), "UTF-16"),
            (b"\0[\0{".to_vec(), "UTF-16"),
            (b"\xfe\xff\0[".to_vec(), "UTF-16"),
            (utf_32("[{}]"), "UTF-32"),
            (utf_32("\u{feff}[{}]"), "UTF-32"),
            (b"\xff\xfe\0\0[\0\0\0".to_vec(), "UTF-32"),
            (b"[\0\0\0{\0\0\0".to_vec(), "UTF-32"),
            (b"\x1f\x8b\x08\0".to_vec(), "gzip data"),
            (b"\x1f\xef\xbf\xbd\x08".to_vec(), "damaged gzip"),
            (b"PK\x03\x04...".to_vec(), "XLSX"),
            (b"PK\x05\x06...".to_vec(), "XLSX"),
            (b"\xd0\xcf\x11\xe0".to_vec(), "XLS"),
            (b"\x28\xb5\x2f\xfd".to_vec(), "zstd"),
            (b" <!DOCTYPE HTML><p>".to_vec(), "HTML"),
            (b"<html>".to_vec(), "HTML"),
            (b"<?xml version=\"1.0\"?>".to_vec(), "XML"),
            ("\u{feff}<users>".into(), "XML"),
            (b"Username,Name\nann,Ann\n".to_vec(), "CSV"),
            (b"Username;Name\r\nann;Ann".to_vec(), "CSV"),
            (b"Username\tName".to_vec(), "CSV"),
            (b"\"Username\",\"Name\"\n".to_vec(), "CSV"),
            (b"".to_vec(), "nothing"),
            ("\u{feff} \n".into(), "nothing"),
        ];
        for format in [Format::Json, Format::Ndjson] {
            for (text, expected) in &cases {
                let found = Foreign::instead_of_records(text, format);
                let found = found.unwrap_or_else(|| panic!("{expected}: not recognised"));
                assert!(found.to_string().contains(expected), "{found}: {expected}");
            }
            for text in ["nope", "Username=a", "7", "\"a, b\"", "null", "/**/[1]"] {
                let found = Foreign::instead_of_records(text.as_bytes(), format);
                assert_eq!(found, None, "{text}");
            }
        }
    }

    #[test]
    fn objects_in_place_of_an_array_are_told_apart() {
        let found = |text: &str| Foreign::instead_of_records(text.as_bytes(), Format::Json);
        let wrapper = |key: &str| Some(Foreign::Wrapper(Some(key.to_owned())));
        for text in [
            "{}\n{}",
            "{\"a\":1}\r\n\r\n{\"a\":2}\n",
            "{}{}",
            "{} {\"cut",
        ] {
            assert_eq!(found(text), Some(Foreign::Lines), "{text}");
        }
        for text in [
            "{}",
            "{\"a\":1}",
            "{\"Tags\":[\"a\"],\"b\":1}",
            "{\"cut",
            "{x}",
        ] {
            assert_eq!(found(text), Some(Foreign::Object), "{text}");
        }
        assert_eq!(found(r#"{"users":[{"a":1}]}"#), wrapper("users"));
        assert_eq!(found(r#"{"users":[]}"#), wrapper("users"));
        assert_eq!(found(r#" { "n" : 2, "data" : [ {"a""#), wrapper("data"));
        assert_eq!(
            found(r#"{"dryRun":true,"a":[1],"Users":[{}]}"#),
            wrapper("Users")
        );
        // A key may be a name.
        let unknown = Some(Foreign::Wrapper(None));
        assert_eq!(found(r#"{"ann@example.com":[{}]}"#), unknown);
        assert_eq!(found("[{\"a\""), None);
    }

    #[test]
    fn an_array_in_place_of_lines_is_recognised() {
        let found = |text: &str| Foreign::instead_of_records(text.as_bytes(), Format::Ndjson);
        assert_eq!(found("[\n{\"a\":1}"), Some(Foreign::Array));
        assert_eq!(found("[ ]"), Some(Foreign::Array));
        assert_eq!(found("[1,2]"), None);
        assert_eq!(found("{\"a\":[{}]}"), None);
    }

    #[test]
    fn what_was_sent_in_place_of_an_object_is_recognised() {
        let found = |text: &str| Foreign::instead_of_object(text.as_bytes());
        assert_eq!(found("[{}]"), Some(Foreign::Array));
        assert_eq!(found("{}\n{}"), Some(Foreign::Lines));
        assert_eq!(found("uid,login\n1,a"), Some(Foreign::Csv));
        for text in ["", "{}", "{x", "null", "\"a\""] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
