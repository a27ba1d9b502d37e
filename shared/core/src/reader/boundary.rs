//! Finds places to split a buffer between records. A split is a guess: the surrounding text looks
//! like the boundary of two objects. The strict parse of the chunk before it confirms or refutes
//! the guess, so a user name such as `},{"` costs time, never correctness.

/// Returns the index of the last comma in `bytes` that looks like `} , { "`.
pub(super) fn last_boundary(bytes: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'{', bytes).find_map(|brace| {
        let (before, from) = bytes.split_at_checked(brace)?;
        let key = skip_space(from.get(1..)?);
        if key.first() != Some(&b'"') {
            return None;
        }
        let comma = trim_space(before);
        if comma.last() != Some(&b',') {
            return None;
        }
        let index = comma.len() - 1;
        let object = trim_space(comma.get(..index)?);
        (object.last() == Some(&b'}')).then_some(index)
    })
}

/// Returns `true` for JSON's white space.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Returns `bytes` without leading white space.
pub(super) fn skip_space(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_space(*byte));
    start.and_then(|start| bytes.get(start..)).unwrap_or(&[])
}

/// Returns `bytes` without trailing white space.
pub(super) fn trim_space(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !is_space(*byte));
    end.and_then(|end| bytes.get(..=end)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_boundary_of_two_objects_is_found() {
        assert_eq!(last_boundary(br#"{"a":1},{"b":2},{"c""#), Some(15));
        assert_eq!(last_boundary(b"{\"a\":1}\n , \r\n{\t\"b\""), Some(9));
    }

    #[test]
    fn text_without_a_boundary_has_none() {
        for text in [
            r#"{"a":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":1},{"#,
            r#"[{"a":1}{"b":2}]"#,
            "1,2,3",
            "",
        ] {
            assert_eq!(last_boundary(text.as_bytes()), None, "{text}");
        }
    }
}
