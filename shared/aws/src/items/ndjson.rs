//! Items as text: a line each, wherever they are stored.

use muster_core::item::Item;

use crate::StoreError;

const WHAT: &str = "a segment of items";

/// An item as an array of its members in their order, which serde reads as well as an object:
/// their names would be a third of most lines.
pub(crate) fn line(item: &Item) -> Result<String, StoreError> {
    let Item {
        record,
        login,
        key,
        code,
        severity,
        message,
    } = item;
    serde_json::to_string(&(record, login, key, code, severity, message))
        .map_err(|error| broken(&error))
}

/// The items of a text, each with its number; the first one has the number `first`.
pub(super) fn items(
    first: u64,
    ndjson: &[u8],
) -> impl Iterator<Item = Result<(u64, Item), StoreError>> {
    let lines = ndjson.split_inclusive(|byte| *byte == b'\n');
    (first..)
        .zip(lines)
        .map(|(number, line)| match serde_json::from_slice(line) {
            Ok(item) => Ok((number, item)),
            Err(error) => Err(broken(&error)),
        })
}

/// Only what cannot quote an item, as the error's own message does.
fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Row {
        row: WHAT,
        reason: format!(
            "an item is not what this version writes ({:?}, column {})",
            error.classify(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use muster_core::item::Severity;

    use super::*;

    #[test]
    fn a_line_does_not_spend_room_on_names_and_is_read_as_an_item() {
        let item = Item {
            record: Some(7),
            login: None,
            key: None,
            code: "odd".into(),
            severity: Severity::Warning,
            message: "not a \"valid\"\naddress".into(),
        };
        let array = line(&item).unwrap();
        assert_eq!(
            array,
            "[7,null,null,\"odd\",\"warning\",\"not a \\\"valid\\\"\\naddress\"]"
        );
        let object = serde_json::to_string(&item).unwrap();
        let text = format!("{array}\n{object}\n");
        let read: Vec<_> = items(5, text.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(read, [(5, item.clone()), (6, item)]);
    }

    #[test]
    fn an_unreadable_item_is_reported_without_what_it_holds() {
        for planted in [
            r#"["jack.woo@example.org"]"#,
            r#"[1,null,null,"email.malformed","jack.woo@example.org","?"]"#,
            r#"{"jack.woo@example.org"#,
        ] {
            let error = items(0, planted.as_bytes()).next().unwrap().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("jack"), "{error}");
            assert!(error.to_string().contains("column"), "{error}");
        }
    }
}
