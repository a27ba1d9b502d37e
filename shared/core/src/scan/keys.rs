//! Notes on the keys of an input that the task does not map, or maps in another spelling: what was
//! sent under them is not imported, or is, and nobody would know (contract.md#keys).

use crate::item::{Item, KEY_MORE, KEY_OTHER_SPELLING, KEY_UNMAPPED};
use crate::reader::{FoundKey, FoundKeys};
use crate::rules::Rules;
use crate::text::{folded, visible};

/// Maximum characters of a key in a note.
const MAX_SHOWN_KEY_CHARS: usize = 64;
/// Maximum characters that are exchanged, added or left out between a key and the one proposed.
const MAX_DISTANCE: usize = 3;
/// Of this many characters, one may be another.
const CHARS_PER_DISTANCE: usize = 3;
/// Minimum letters and digits of a key that is proposed for a longer one.
const MIN_PREFIX_CHARS: usize = 4;

/// Returns a note for each key. They are about the input as a whole.
pub(super) fn key_notes(rules: &Rules, found: &FoundKeys) -> Vec<Item> {
    let keys = found.keys.iter().map(|key| note(rules, key));
    let more = found.more.then(|| {
        let named = found.keys.len();
        Item::about_input(
            KEY_MORE,
            None,
            format!("there are more keys that are not mapped; the first {named} are named"),
        )
    });
    keys.chain(more).collect()
}

fn note(rules: &Rules, found: &FoundKey) -> Item {
    let shown = visible(&found.key, MAX_SHOWN_KEY_CHARS);
    let first = found.record;
    if !found.is_mapped {
        let proposal = proposal(rules, found).map_or_else(String::new, |key| {
            let key = visible(key, MAX_SHOWN_KEY_CHARS);
            format!(": did you mean \"{key}\"?")
        });
        let message =
            format!("the key \"{shown}\" (first in record {first}) is not mapped{proposal}");
        return Item::about_input(KEY_UNMAPPED, Some(&shown), message);
    }
    let mapped = found.slot.and_then(|slot| rules.keys().get(slot));
    let mapped = match mapped {
        Some((_, key)) => format!("\"{}\"", visible(key, MAX_SHOWN_KEY_CHARS)),
        None => "part of a mapped JSON Pointer".to_owned(),
    };
    let message = format!(
        "the key \"{shown}\" (first in record {first}) is read as {mapped} where a record has no \
         such key: they differ only in case, spaces or invisible characters"
    );
    Item::about_input(KEY_OTHER_SPELLING, Some(&shown), message)
}

/// Returns the mapped key that was most likely meant, unless the record has it as well.
fn proposal<'r>(rules: &'r Rules, found: &FoundKey) -> Option<&'r str> {
    let mapped = rules.keys().iter().enumerate();
    let others = mapped.filter(|(slot, _)| !found.is_beside(*slot));
    let near = others.filter_map(|(_, (_, key))| Some((distance(&found.key, key)?, key)));
    let (_, nearest) = near.min_by_key(|(distance, _)| *distance)?;
    Some(nearest)
}

/// Returns how far two keys are from each other; `None` if too far to be meant for each other.
fn distance(key: &str, mapped: &str) -> Option<usize> {
    let (key, mapped) = (folded(key), folded(mapped));
    let (letters, mapped_letters) = (letters(&key), letters(&mapped));
    if letters == mapped_letters {
        return (!letters.is_empty()).then_some(0);
    }
    let (chars, mapped_chars) = (key.chars().count(), mapped.chars().count());
    let longer = chars.max(mapped_chars);
    if longer <= MAX_SHOWN_KEY_CHARS && chars.abs_diff(mapped_chars) <= MAX_DISTANCE {
        let distance = strsim::osa_distance(&key, &mapped);
        if distance <= MAX_DISTANCE.min(longer / CHARS_PER_DISTANCE) {
            return Some(distance);
        }
    }
    let begins = |long: &str, short: &str| {
        short.chars().count() >= MIN_PREFIX_CHARS && long.starts_with(short)
    };
    let is_extended = begins(&letters, &mapped_letters) || begins(&mapped_letters, &letters);
    is_extended.then_some(MAX_DISTANCE + 1)
}

fn letters(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::item::Severity;
    use crate::reader::{RecordSink, Sizes, read_array};
    use crate::settings::TaskSettings;
    use crate::validate::Element;

    struct Nothing;

    impl RecordSink for Nothing {
        type Batch = ();

        fn start_batch(&self, _text: &[u8]) {}

        fn push(&self, (): &mut (), _index: u32, _element: Element<'_>) {}
    }

    fn rules() -> Rules {
        let settings: TaskSettings = serde_json::from_value(json!({"attribute_mapping": {
            "username": "Username", "name": "Name", "email": "E-mail", "phone": "Phone",
            "first_name": "First Name", "city": "/address/city", "external_id": "ID"
        }}))
        .unwrap();
        Rules::new(&settings).unwrap()
    }

    fn sentences(text: &str) -> Vec<String> {
        let totals = read_array(
            text.as_bytes(),
            &rules(),
            Sizes::default(),
            &Nothing,
            |_, ()| {},
        );
        let notes = key_notes(&rules(), &totals.unwrap().keys);
        assert!(notes.iter().all(|note| note.severity == Severity::Info));
        notes.iter().map(Item::to_string).collect()
    }

    #[test]
    fn keys_are_named_once_in_the_order_of_their_first_use() {
        let text = r#"[{"Username":"a","Phone ":"1"},
            {"Username":"b","mobile":"2","Phone ":"1","_errors":[]},
            {"USERNAME":"c","mobile":"2"}]"#;
        assert_eq!(
            sentences(text),
            [
                r#"the key "Phone " (first in record 1) is read as "Phone" where a record has no such key: they differ only in case, spaces or invisible characters [key.other_spelling]"#,
                r#"the key "mobile" (first in record 2) is not mapped [key.unmapped]"#,
                r#"the key "USERNAME" (first in record 3) is read as "Username" where a record has no such key: they differ only in case, spaces or invisible characters [key.other_spelling]"#,
            ]
        );
        assert_eq!(
            sentences(r#"[{"Username":"a","address":{"city":"x"}},7]"#),
            [""; 0]
        );
    }

    #[test]
    fn a_near_key_is_proposed() {
        for (key, proposed) in [
            ("Email", "E-mail"),
            ("E_Mail Address", "E-mail"),
            ("e-mails", "E-mail"),
            ("first_name", "First Name"),
            ("FirstName", "First Name"),
            ("Fisrt Name", "First Name"),
            ("Phon", "Phone"),
            ("Phone Number", "Phone"),
            ("phonenumber", "Phone"),
            ("Nmae", "Name"),
            ("address/city", "/address/city"),
        ] {
            let sentences = sentences(&json!([{"Username": "a", key: "x"}]).to_string());
            let end = format!("did you mean \"{proposed}\"? [key.unmapped]");
            assert!(sentences[0].ends_with(&end), "{sentences:?}");
        }
        for key in ["Mobile", "Team", "i", "I-D2x", "-", "", "Surname"] {
            let sentences = sentences(&json!([{"Username": "a", key: "x"}]).to_string());
            assert!(
                sentences[0].ends_with("is not mapped [key.unmapped]"),
                "{sentences:?}"
            );
        }
    }

    #[test]
    fn a_key_that_the_record_has_is_not_proposed() {
        let text = r#"[{"Username":"a","Phone":"1","Phone 2":"2"},{"Username":"b","Phon":"1"}]"#;
        let sentences = sentences(text);
        assert!(
            sentences[0].ends_with("is not mapped [key.unmapped]"),
            "{sentences:?}"
        );
        assert!(
            sentences[1].contains("did you mean \"Phone\""),
            "{sentences:?}"
        );
    }

    #[test]
    fn keys_within_a_mapped_object_are_named_by_their_pointer() {
        let text = r#"[{"Username":"a","Address":{"City":"x","zip/code":"1"}}]"#;
        let sentences = sentences(text);
        assert!(sentences[0].contains(r#""Address" (first in record 1) is read as part of"#));
        assert!(
            sentences[1]
                .contains(r#""/address/City" (first in record 1) is read as "/address/city""#)
        );
        assert!(
            sentences[2].starts_with(r#"the key "/address/zip~1code" (first in record 1) is not"#)
        );
        assert_eq!(sentences.len(), 3);
    }

    #[test]
    fn at_most_50_keys_are_named() {
        let record: serde_json::Map<_, _> = (0..60)
            .map(|n| (format!("k{n}"), json!(n)))
            .chain([("Username".to_owned(), json!("a"))])
            .collect();
        let sentences = sentences(&json!([record]).to_string());
        assert_eq!(sentences.len(), 51);
        assert!(sentences[50].contains("the first 50 are named [key.more]"));
        let long = format!(r#"[{{"Username":"a","{}":1}}]"#, "é".repeat(1_000_000));
        assert!(self::sentences(&long)[0].chars().count() < 200);
    }
}
