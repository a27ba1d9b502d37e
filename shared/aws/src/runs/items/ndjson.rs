//! Items as NDJSON: one item per line.

use muster_core::item::Item;

use crate::error::StoreError;

/// Names the row in errors.
const ROW: &str = "a segment of items";

/// Encodes an item as an array of its members in order, which serde decodes like an object: the
/// member names would be a third of most lines.
pub(in crate::runs) fn line(item: &Item) -> Result<String, StoreError> {
    let Item {
        record,
        login,
        key,
        code,
        severity,
        message,
        value,
    } = item;
    let line = match value {
        None => serde_json::to_string(&(record, login, key, code, severity, message)),
        value => serde_json::to_string(&(record, login, key, code, severity, message, value)),
    };
    line.map_err(|error| unreadable(&error))
}

/// Decodes the items of an NDJSON text, each with its number; the first item has number `first`.
pub(super) fn items(
    first: u64,
    ndjson: &[u8],
) -> impl Iterator<Item = Result<(u64, Item), StoreError>> {
    let lines = ndjson.split_inclusive(|byte| *byte == b'\n');
    (first..)
        .zip(lines)
        .map(|(number, line)| match serde_json::from_slice(line) {
            Ok(item) => Ok((number, item)),
            Err(error) => Err(unreadable(&error)),
        })
}

/// Returns an error that does not quote the item, unlike serde's own message.
fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Row {
        row: ROW,
        reason: format!(
            "unreadable item ({:?}, column {})",
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
    fn a_line_omits_member_names_and_decodes_to_the_item() {
        let item = Item {
            record: Some(7),
            login: None,
            key: None,
            code: "odd".into(),
            severity: Severity::Warning,
            message: "not a \"valid\"\naddress".into(),
            value: None,
        };
        let array = line(&item).unwrap();
        assert_eq!(
            array,
            "[7,null,null,\"odd\",\"warning\",\"not a \\\"valid\\\"\\naddress\"]"
        );
        let object = serde_json::to_string(&item).unwrap();
        let text = format!("{array}\n{object}\n");
        let read: Vec<_> = items(5, text.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(read, [(5, item.clone()), (6, item.clone())]);

        let with_value = Item {
            value: Some("jack@".into()),
            ..item
        };
        let array = line(&with_value).unwrap();
        assert!(array.ends_with(",\"jack@\"]"), "{array}");
        let read: Vec<_> = items(0, array.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(read, [(0, with_value)]);
    }

    #[test]
    fn an_unreadable_item_is_reported_without_its_content() {
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
