//! Escaping of text from files and servers.

use std::borrow::Cow;

/// Escapes control characters and those that change the writing direction, so that text from a
/// file or a server cannot control the terminal.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let is_control = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_control(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn control_and_direction_characters_are_escaped() {
        assert_eq!(
            escaped("Jiří \u{1b}[31m\u{9b}2J\u{202e}"),
            "Jiří \\u{1b}[31m\\u{9b}2J\\u{202e}"
        );
    }
}
