//! JSON Pointers (RFC 6901).

/// Returns the unescaped reference tokens of a JSON Pointer (RFC 6901); `None` if the key is none.
pub(crate) fn tokens(key: &str) -> Option<Vec<String>> {
    let tokens = key.strip_prefix('/')?.split('/');
    let unescape = |token: &str| {
        let has_other_escape = token
            .split('~')
            .skip(1)
            .any(|after| !after.starts_with(['0', '1']));
        (!has_other_escape).then(|| token.replace("~1", "/").replace("~0", "~"))
    };
    tokens.map(unescape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_those_of_rfc_6901() {
        assert_eq!(tokens("a/b"), None);
        assert_eq!(tokens("/a~2"), None);
        assert_eq!(tokens("/a~"), None);
        assert_eq!(tokens("/"), Some(vec![String::new()]));
        assert_eq!(
            tokens("/a//~01"),
            Some(vec!["a".into(), String::new(), "~1".into()])
        );
    }
}
