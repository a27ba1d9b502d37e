//! URLs of servers.

use std::fmt;

use reqwest::Url;

/// The URL of a server, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Parses an http or https URL. A path prefix is kept.
    pub fn parse(text: &str) -> Result<Self, String> {
        let hint = "expected a URL such as http://127.0.0.1:9000 or https://users.example.com";
        let mut url = Url::parse(text)
            .map_err(|error| format!("invalid server URL '{text}' ({error}): {hint}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("invalid server URL '{text}': {hint}"));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(format!(
                "invalid server URL: user name, password, query and fragment are not allowed: {hint}"
            ));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Returns the URL of a path of the API; the segments are not yet escaped.
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Returns true if the server runs on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }

    /// Returns true if requests travel unencrypted over a network.
    pub fn is_exposed(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn a_server_url_keeps_its_path_without_a_trailing_slash() {
        for (given, expected) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            (
                "https://api.example.com/prod/",
                "https://api.example.com/prod",
            ),
        ] {
            assert_eq!(ServerUrl::parse(given).unwrap().to_string(), expected);
        }
        for invalid in [
            "127.0.0.1:9000",
            "localhost",
            "ftp://x",
            "http://u:p@x",
            "http://x/?a=b",
            "file:///etc",
        ] {
            assert!(ServerUrl::parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn plain_http_is_exposed_except_on_loopback() {
        let exposed = |url| ServerUrl::parse(url).unwrap().is_exposed();
        assert!(exposed("http://users.example.com"));
        assert!(!exposed("https://users.example.com"));
        assert!(!exposed("http://localhost:9000"));
        assert!(!exposed("http://127.0.0.2:9000"));
        assert!(!exposed("http://[::1]:9000"));
    }
}
