//! Marked personal data.

use muster_tests::Reply;

/// The text in every mark, besides the digits of the test.
const MARK: &str = "kanaria";

/// Data that is sent and must not appear in a log.
pub struct Marks {
    pub tag: String,
    pub all: Vec<String>,
    /// The runs of the test, whose log lines must exist: otherwise the absence of marks proves
    /// nothing.
    pub runs: Vec<String>,
}

impl Marks {
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            all: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Returns a new mark. Its kind is part of it, so that a finding says what leaked.
    pub fn mark(&mut self, kind: &str) -> String {
        let mark = format!("{MARK}.{kind}{}.{}", self.all.len(), self.tag);
        self.all.push(mark.clone());
        mark
    }

    /// Records the run of an import.
    pub fn add_run(&mut self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{reply}");
        let run = reply.header("import-id").expect("a run has an id");
        self.runs.push(run.to_owned());
    }

    /// Adds a secret that the stack has generated.
    pub fn add_secret(&mut self, secret: &str) {
        self.all.push(secret.to_owned());
    }
}
