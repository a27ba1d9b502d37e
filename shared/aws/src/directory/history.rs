//! Change history of a user: which run or operator changed which attributes, the newest first. It
//! is part of the user's row, so it costs no extra write, and it is compact, because DynamoDB
//! charges writes by the kilobyte. Writes copy the stored texts unchanged; only a display parses
//! them.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use muster_core::attribute::Attribute;

use super::attributes::broken;
use super::author::{Author, CONSOLE_DIALECT, Writer};
use crate::error::StoreError;

/// Maximum number of changes kept.
pub(super) const MAX_CHANGES: usize = 10;
/// Maximum bytes of all changes together; the newest is kept regardless of its size. Ten ordinary
/// changes fit.
const MAX_BYTES: usize = 800;
/// Stored in place of the run if there is none.
const NO_RUN: &str = "-";

/// The changes of a user since its creation, as stored: one text each, the newest first, in the
/// form `<epoch nanoseconds> <dialect> <run> <attributes> <robot or operator>`. The creation is
/// stored in the same form as `created`. Nothing is stored twice: the author of the last change is
/// the author of the newest text, or of the creation if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeHistory(Vec<String>);

/// A change of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChange {
    /// Author and time.
    pub author: Author,
    /// The changed attributes, in the order of the catalogue.
    pub attributes: Vec<Attribute>,
}

impl ChangeHistory {
    pub(super) fn read(stored: AttributeValue) -> Result<Self, StoreError> {
        let AttributeValue::L(texts) = stored else {
            return Err(broken("changes"));
        };
        let texts = texts.into_iter().map(|text| match text {
            AttributeValue::S(text) => Ok(text),
            _ => Err(broken("changes")),
        });
        texts.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the attribute with these changes and a new one; the oldest are dropped if there are
    /// too many.
    pub(super) fn with(
        &self,
        author: &Author,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> AttributeValue {
        let newest = encode(author, attributes);
        let mut left = MAX_BYTES.saturating_sub(newest.len());
        let older = self.0.iter().take(MAX_CHANGES - 1).take_while(|text| {
            let fits = text.len() <= left;
            left = left.saturating_sub(text.len());
            fits
        });
        let older = older.map(|text| AttributeValue::S(text.clone()));
        let mut all = Vec::with_capacity(MAX_CHANGES);
        all.push(AttributeValue::S(newest));
        all.extend(older);
        AttributeValue::L(all)
    }

    /// Returns the author of the newest change; `None` if the user was never changed.
    pub(super) fn last_author(&self) -> Result<Option<Author>, StoreError> {
        let newest = self.0.first().map(|text| parse(text));
        newest
            .map(|parsed| parsed.map(|(author, _)| author))
            .map(|author| author.ok_or_else(|| broken("changes")))
            .transpose()
    }

    /// Returns all recorded changes.
    pub(super) fn list(&self) -> Result<Vec<RecordedChange>, StoreError> {
        self.0
            .iter()
            .map(|text| RecordedChange::read(text))
            .collect()
    }
}

/// Encodes a change as it is stored.
pub(super) fn encode(author: &Author, attributes: impl IntoIterator<Item = Attribute>) -> String {
    let Author { writer, at } = author;
    let at = at.as_nanosecond().to_string();
    let run = writer.run().unwrap_or(NO_RUN);
    let mut stored = String::with_capacity(256);
    for part in [&at, writer.dialect(), run] {
        stored.push_str(part);
        stored.push(' ');
    }
    push_names(&mut stored, attributes);
    stored.push(' ');
    stored.push_str(writer.name());
    stored
}

/// Reads the author and the time from a text of [`encode`], and returns the names of the attributes
/// unparsed: a version that does not know one of them can still read the user.
pub(super) fn parse(text: &str) -> Option<(Author, &str)> {
    // The name comes last because only it may contain spaces.
    let mut parts = text.splitn(5, ' ');
    let mut part = || parts.next();
    let (at, dialect, run, names, name) = (part()?, part()?, part()?, part()?, part()?);
    let name = name.to_owned();
    let writer = if dialect == CONSOLE_DIALECT {
        Writer::Operator(name)
    } else {
        Writer::Robot {
            dialect: dialect.to_owned(),
            robot: name,
            run: (run != NO_RUN).then(|| run.to_owned()),
        }
    };
    let at = Timestamp::from_nanosecond(at.parse().ok()?).ok()?;
    Some((Author { writer, at }, names))
}

impl RecordedChange {
    /// Reads a text of [`encode`].
    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        parse(text)
            .and_then(|(author, names)| {
                let attributes = attributes(names)?;
                Some(Self { author, attributes })
            })
            .ok_or_else(|| broken("changes"))
    }
}

fn push_names(text: &mut String, attributes: impl IntoIterator<Item = Attribute>) {
    for (index, attribute) in attributes.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(attribute.name());
    }
}

fn attributes(names: &str) -> Option<Vec<Attribute>> {
    if names.is_empty() {
        return Some(Vec::new());
    }
    let mut attributes = names
        .split(',')
        .map(Attribute::from_name)
        .collect::<Option<Vec<_>>>()?;
    attributes.sort_unstable();
    Some(attributes)
}

#[cfg(test)]
mod tests {
    use muster_core::attribute::CATALOGUE;

    use super::*;

    fn robot(name: &str, second: i64) -> Author {
        Author {
            writer: Writer::Robot {
                dialect: "quant".to_owned(),
                robot: name.to_owned(),
                run: Some("019ab5a0-0000-7000-8000-000000000000".to_owned()),
            },
            at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
        }
    }

    fn all_attributes() -> impl Iterator<Item = Attribute> {
        CATALOGUE.iter().map(|spec| spec.attribute)
    }

    #[test]
    fn changes_round_trip_with_the_newest_first() {
        let made = robot("a robot of theirs", 0);
        let creation = encode(&made, [Attribute::Email, Attribute::Name]);
        let operator = Author {
            writer: Writer::Operator("anna b".to_owned()),
            at: Timestamp::from_nanosecond(1_800_000_009_004_000_001).unwrap(),
        };
        let alone = Author {
            writer: Writer::Robot {
                dialect: "qvalon".to_owned(),
                robot: "-".to_owned(),
                run: None,
            },
            at: made.at,
        };
        let changes =
            ChangeHistory::read(ChangeHistory::default().with(&alone, [Attribute::City])).unwrap();
        let changes = ChangeHistory::read(changes.with(&operator, [Attribute::Active])).unwrap();
        let change = |author: &Author, attributes: &[Attribute]| RecordedChange {
            author: author.clone(),
            attributes: attributes.to_vec(),
        };
        let newest = change(&operator, &[Attribute::Active]);
        assert_eq!(changes.last_author().unwrap(), Some(operator));
        assert_eq!(
            changes.list().unwrap(),
            [newest, change(&alone, &[Attribute::City])]
        );
        assert_eq!(
            RecordedChange::read(&creation).unwrap(),
            change(&made, &[Attribute::Name, Attribute::Email])
        );
    }

    #[test]
    fn the_author_is_read_even_if_an_attribute_is_unknown() {
        let later = "1800000000000000000 quant - shoe_size robot".to_owned();
        let changes = ChangeHistory(vec![later]);
        let author = changes.last_author().unwrap().unwrap();
        assert_eq!(author.writer.name(), "robot");
        assert!(changes.list().is_err());
    }

    #[test]
    fn ten_small_changes_are_kept() {
        let mut changes = ChangeHistory::default();
        for second in 0..15 {
            changes = ChangeHistory::read(changes.with(&robot("robot", second), [Attribute::Name]))
                .unwrap();
        }
        let seconds: Vec<i64> = changes
            .list()
            .unwrap()
            .iter()
            .map(|change| change.author.at.as_second() - 1_800_000_000)
            .collect();
        assert_eq!(seconds, (5..15).rev().collect::<Vec<_>>());
    }

    #[test]
    fn the_total_size_is_bounded_and_the_newest_change_is_kept() {
        let longest = "\u{10348}".repeat(128);
        let mut changes = ChangeHistory::default();
        for second in 0..3 {
            changes = ChangeHistory::read(changes.with(&robot(&longest, second), all_attributes()))
                .unwrap();
            let bytes: usize = changes.0.iter().map(String::len).sum();
            // The newest alone, if that is larger.
            assert!(bytes <= 1_500, "{bytes}");
            assert!(bytes <= MAX_BYTES || changes.0.len() == 1, "{bytes}");
            let newest = &changes.list().unwrap()[0];
            assert_eq!(newest.author, robot(&longest, second));
            assert!(newest.attributes.iter().copied().eq(all_attributes()));
        }
    }

    #[test]
    fn malformed_changes_are_reported() {
        for text in [
            "name",
            "1 quant",
            "x quant - name robot",
            "1 quant - shoe_size robot",
        ] {
            let changes = ChangeHistory(vec![text.to_owned()]);
            assert!(changes.list().is_err(), "{text:?}");
        }
    }
}
