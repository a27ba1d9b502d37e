//! A record that is longer than a record may be: it is read in little memory, and reduced to what
//! can be kept of it, so that it costs no other record (contract.md#uploads).

use super::grammar::{self, InvalidJson, Reach, Scanner};
use crate::rules::{LevelId, Rules};

/// Maximum bytes of a member that is kept, key and value together.
const MAX_MEMBER_BYTES: usize = 64 * 1024;
/// Maximum bytes of all that is kept.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// A record that is being read.
pub(super) struct LongRecord<'r> {
    rules: &'r Rules,
    scanner: Scanner,
    /// The text of the member that is being read, unless it is too long.
    member: Option<Vec<u8>>,
    /// The kept members as written, each followed by a comma.
    kept: Vec<u8>,
}

impl<'r> LongRecord<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            scanner: Scanner::by_members(),
            member: None,
            kept: Vec::new(),
        }
    }

    /// Reads on, as [`Scanner::scan`] does, to the end of the record or of the bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Reach, InvalidJson> {
        let mut start = 0;
        loop {
            let rest = bytes.get(start..).unwrap_or(&[]);
            let reach = self.scanner.scan(rest).map_err(|error| InvalidJson {
                at: start + error.at,
                ..error
            })?;
            let (Reach::End(length) | Reach::Member(length) | Reach::More(length)) = reach;
            self.keep(rest.get(..length).unwrap_or(rest));
            start += length;
            match reach {
                Reach::End(_) => return Ok(Reach::End(start)),
                Reach::More(_) => return Ok(Reach::More(start)),
                Reach::Member(_) if self.scanner.is_in_member() => self.member = Some(Vec::new()),
                Reach::Member(_) => self.end_member(),
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(member) = &mut self.member {
            if member.len() + bytes.len() > MAX_MEMBER_BYTES {
                self.member = None;
            } else {
                member.extend_from_slice(bytes);
            }
        }
    }

    fn end_member(&mut self) {
        let Some(member) = self.member.take() else {
            return;
        };
        let key = grammar::element(&member, 0).ok();
        let key = key.and_then(|end| serde_json::from_slice::<String>(member.get(..end)?).ok());
        let is_mapped =
            key.is_some_and(|key| !self.rules.target(LevelId::RECORD, &key).is_unmapped());
        if is_mapped && self.kept.len() + member.len() < MAX_KEPT_BYTES {
            self.kept.extend(member);
            self.kept.push(b',');
        }
    }

    /// Returns the JSON object of what was kept: the mapped members that are short. An element that
    /// is no object leaves an empty one.
    pub(super) fn into_text(self) -> String {
        let kept = self.kept.strip_suffix(b",").unwrap_or(&self.kept);
        // All of it has been read as JSON, which is UTF-8.
        format!("{{{}}}", str::from_utf8(kept).unwrap_or_default())
    }
}
