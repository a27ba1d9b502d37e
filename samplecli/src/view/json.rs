//! JSON for people: the same text, indented. Members keep their order, which a parsed object
//! would not.

/// Indents JSON that is known to be valid.
pub fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted {
            text.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            ' ' | '\n' | '\r' | '\t' => {}
            '{' | '[' => {
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                text.push(letter);
                if let Some(end) = letters.next_if(|&next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                quoted = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn members_keep_their_order_and_strings_their_text() {
        let json = r#"{"b":[],"a":[1,{"t":"x, \"{y}\" \\"}],"c":{ } ,"n":null}"#;
        let text = indented(json);
        assert_eq!(
            text,
            "{\n  \"b\": [],\n  \"a\": [\n    1,\n    {\n      \"t\": \"x, \\\"{y}\\\" \\\\\"\n    }\n  ],\n  \"c\": {},\n  \"n\": null\n}"
        );
        let (one, other): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(json).unwrap(),
            serde_json::from_str(&text).unwrap(),
        );
        assert_eq!(one, other);
    }
}
