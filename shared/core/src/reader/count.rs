//! Counts the elements of an array without parsing it, to refuse a body with too many before any
//! other work.

use super::boundary::skip_space;

/// Returns `true` if a text that starts like a JSON array has more than `max` elements. In invalid
/// JSON it counts what looks like elements before the first obvious error.
#[must_use]
pub fn has_more_elements_than(text: &[u8], max: usize) -> bool {
    // An element and its comma take two bytes.
    if text.len() / 2 < max {
        return false;
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let Some(elements) = skip_space(text).strip_prefix(b"[") else {
        return false;
    };
    let mut depth = 0_usize;
    let mut commas = 0;
    let mut in_string = false;
    let mut bytes = elements.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => return false,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                commas += 1;
                // An element follows the comma, or the text is not JSON.
                if commas >= max {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_top_level_elements_are_counted() {
        let more = |text: &str, max| has_more_elements_than(text.as_bytes(), max);
        assert!(!more("[1,2,3]", 3));
        assert!(more("[1,2,3]", 2));
        assert!(more(" \u{feff}[1,2,3]".trim_start(), 2));
        assert!(!more(r#"[{"a":[1,2,3],"b":"1,2,3"}]"#, 1));
        assert!(!more(r#"["\",\",\","]"#, 1));
        assert!(!more("[] , , , ,", 1));
        assert!(!more("1,2,3,4", 1));
    }
}
