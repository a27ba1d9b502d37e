//! Counting the elements of an array without parsing it: enough to refuse a body that has too
//! many, before anything else is looked at.

use super::cut::skip_space;

/// Whether a text that begins like a JSON array has more than `most` elements. Of a text that is
/// no valid JSON it counts what looks like elements before the first sign of that.
#[must_use]
pub fn has_more_elements_than(text: &[u8], most: usize) -> bool {
    // An element and its comma take two bytes.
    if text.len() / 2 < most {
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
                // An element follows the comma, or the text is no JSON.
                if commas >= most {
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
    fn elements_are_counted_and_not_what_is_in_them() {
        let more = |text: &str, most| has_more_elements_than(text.as_bytes(), most);
        assert!(!more("[1,2,3]", 3));
        assert!(more("[1,2,3]", 2));
        assert!(more(" \u{feff}[1,2,3]".trim_start(), 2));
        assert!(!more(r#"[{"a":[1,2,3],"b":"1,2,3"}]"#, 1));
        assert!(!more(r#"["\",\",\","]"#, 1));
        assert!(!more("[] , , , ,", 1));
        assert!(!more("1,2,3,4", 1));
    }
}
