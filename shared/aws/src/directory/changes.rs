//! Which run or operator changed which attributes of a user, the newest first: in the user's own
//! row, so it costs no write, and in few bytes, because a write is paid by the kilobyte. Whoever
//! writes carries the texts on as they are; only who shows them reads them.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use muster_core::attribute::Attribute;

use super::author::{Author, CONSOLE, Writer};
use super::row::broken;
use crate::error::StoreError;

/// How many changes are kept.
pub(super) const MOST: usize = 10;
/// Bytes of all changes together; the newest is kept, whatever it takes. Ten ordinary ones fit.
const BYTES: usize = 800;
/// Stands for the run where there is none.
const NO_RUN: &str = "-";

/// The changes of a user since it was made, as they are stored, a text each, the newest first:
/// `<epoch nanoseconds> <dialect> <run> <attributes> <robot or operator>`. Who made it stands in
/// the same form as `created`. So nothing is written twice: who has changed a user last is who
/// made the newest change, or else the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes(Vec<String>);

/// A change of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Who, and when.
    pub author: Author,
    /// What, in the order of the catalogue.
    pub attributes: Vec<Attribute>,
}

impl Changes {
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

    /// These and a new one; the oldest go where that is too much.
    pub(super) fn and(
        &self,
        author: &Author,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> AttributeValue {
        let newest = stored(author, attributes);
        let mut left = BYTES.saturating_sub(newest.len());
        let older = self.0.iter().take(MOST - 1).take_while(|text| {
            let fits = text.len() <= left;
            left = left.saturating_sub(text.len());
            fits
        });
        let older = older.map(|text| AttributeValue::S(text.clone()));
        let mut all = Vec::with_capacity(MOST);
        all.push(AttributeValue::S(newest));
        all.extend(older);
        AttributeValue::L(all)
    }

    /// Who made the newest; `None`: there was none since the user was made.
    pub(super) fn last_author(&self) -> Result<Option<Author>, StoreError> {
        let newest = self.0.first().map(|text| parse(text));
        newest
            .map(|parsed| parsed.map(|(author, _)| author))
            .map(|author| author.ok_or_else(|| broken("changes")))
            .transpose()
    }

    /// All that are kept.
    pub(super) fn list(&self) -> Result<Vec<Change>, StoreError> {
        self.0.iter().map(|text| Change::read(text)).collect()
    }
}

/// A change as it is stored.
pub(super) fn stored(author: &Author, attributes: impl IntoIterator<Item = Attribute>) -> String {
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

/// Reads who and when out of what [`stored`] gave. The names of the attributes are left as they are:
/// a version that does not know one of them still reads the user.
pub(super) fn parse(text: &str) -> Option<(Author, &str)> {
    // The name comes last: it alone may hold spaces.
    let mut parts = text.splitn(5, ' ');
    let mut part = || parts.next();
    let (at, dialect, run, names, name) = (part()?, part()?, part()?, part()?, part()?);
    let name = name.to_owned();
    let writer = if dialect == CONSOLE {
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

impl Change {
    /// Reads what [`stored`] gave.
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

    fn everything() -> impl Iterator<Item = Attribute> {
        CATALOGUE.iter().map(|spec| spec.attribute)
    }

    #[test]
    fn changes_come_back_as_they_were_the_newest_first() {
        let made = robot("a robot of theirs", 0);
        let creation = stored(&made, [Attribute::Email, Attribute::Name]);
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
        let changes = Changes::read(Changes::default().and(&alone, [Attribute::City])).unwrap();
        let changes = Changes::read(changes.and(&operator, [Attribute::Active])).unwrap();
        let change = |author: &Author, attributes: &[Attribute]| Change {
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
            Change::read(&creation).unwrap(),
            change(&made, &[Attribute::Name, Attribute::Email])
        );
    }

    #[test]
    fn who_wrote_is_read_whatever_attributes_a_later_version_has() {
        let later = "1800000000000000000 quant - shoe_size robot".to_owned();
        let changes = Changes(vec![later]);
        let author = changes.last_author().unwrap().unwrap();
        assert_eq!(author.writer.name(), "robot");
        assert!(changes.list().is_err());
    }

    #[test]
    fn ten_are_kept_if_they_are_small() {
        let mut changes = Changes::default();
        for second in 0..15 {
            changes =
                Changes::read(changes.and(&robot("robot", second), [Attribute::Name])).unwrap();
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
    fn all_together_stay_small_and_the_last_one_always_fits() {
        let longest = "\u{10348}".repeat(128);
        let mut changes = Changes::default();
        for second in 0..3 {
            changes = Changes::read(changes.and(&robot(&longest, second), everything())).unwrap();
            let bytes: usize = changes.0.iter().map(String::len).sum();
            // The newest alone, if that is larger.
            assert!(bytes <= 1_500, "{bytes}");
            assert!(bytes <= BYTES || changes.0.len() == 1, "{bytes}");
            let newest = &changes.list().unwrap()[0];
            assert_eq!(newest.author, robot(&longest, second));
            assert!(newest.attributes.iter().copied().eq(everything()));
        }
    }

    #[test]
    fn what_nobody_here_wrote_is_reported_and_not_guessed() {
        for text in [
            "name",
            "1 quant",
            "x quant - name robot",
            "1 quant - shoe_size robot",
        ] {
            let changes = Changes(vec![text.to_owned()]);
            assert!(changes.list().is_err(), "{text:?}");
        }
    }
}
