//! Logins of earlier records, and the forms in which a later record repeats one.

use crate::random::Random;

/// Form in which the login of an earlier record is repeated.
#[derive(Clone, Copy)]
pub(super) enum RepeatKind {
    Same,
    Capitals,
    /// Accents as combining marks (NFD).
    Decomposed,
    /// A login whose first record was ignored.
    Ignored,
    /// A login sent as a number first and now as text.
    NumberAsText,
}

/// Logins of earlier records, to be repeated. Keeps a few of any number of logins, each equally
/// likely, so that repetitions occur at any distance.
#[derive(Default)]
pub(super) struct EarlierLogins {
    any: Reservoir,
    accented: Reservoir,
    ignored: Reservoir,
    numbers: Reservoir,
}

#[derive(Default)]
struct Reservoir {
    logins: Vec<String>,
    seen: u64,
}

impl Reservoir {
    const SIZE: usize = 256;

    fn offer(&mut self, random: &mut Random, login: &str) {
        self.seen += 1;
        if self.logins.len() < Self::SIZE {
            self.logins.push(login.to_owned());
            return;
        }
        let position = random.below(self.seen) as usize;
        if let Some(place) = self.logins.get_mut(position) {
            login.clone_into(place);
        }
    }

    fn pick(&self, random: &mut Random) -> Option<&str> {
        self.logins
            .get(random.position(self.logins.len()))
            .map(String::as_str)
    }
}

impl EarlierLogins {
    /// Adds the login of a record that is imported.
    pub(super) fn add(&mut self, random: &mut Random, login: &str) {
        self.any.offer(random, login);
        if login
            .chars()
            .any(|character| decompose(character).is_some())
        {
            self.accented.offer(random, login);
        }
    }

    /// Adds the login of a record that is ignored for its role or e-mail address. These are
    /// validated after the login, so the login counts as used.
    pub(super) fn add_ignored(&mut self, random: &mut Random, login: &str) {
        self.ignored.offer(random, login);
    }

    /// Adds a login sent as a number.
    pub(super) fn add_number(&mut self, random: &mut Random, number: u64) {
        self.numbers.offer(random, &number.to_string());
    }

    /// Returns an earlier login in the requested form, if there is one yet.
    pub(super) fn repeat(&self, random: &mut Random, kind: RepeatKind) -> Option<String> {
        match kind {
            RepeatKind::Same => self.any.pick(random).map(str::to_owned),
            RepeatKind::Capitals => self.any.pick(random).map(str::to_uppercase),
            RepeatKind::Decomposed => self.accented.pick(random).map(decomposed),
            RepeatKind::Ignored => self.ignored.pick(random).map(str::to_owned),
            RepeatKind::NumberAsText => self.numbers.pick(random).map(str::to_owned),
        }
    }
}

fn decomposed(login: &str) -> String {
    let mut text = String::with_capacity(login.len() + 8);
    for character in login.chars() {
        match decompose(character) {
            Some((base, mark)) => text.extend([base, mark]),
            None => text.push(character),
        }
    }
    text
}

/// Returns a letter of the sample names as base letter and combining mark (Unicode NFD).
fn decompose(character: char) -> Option<(char, char)> {
    Some(match character {
        'á' => ('a', '\u{301}'),
        'é' => ('e', '\u{301}'),
        'í' => ('i', '\u{301}'),
        'ó' => ('o', '\u{301}'),
        'ý' => ('y', '\u{301}'),
        'ń' => ('n', '\u{301}'),
        'ś' => ('s', '\u{301}'),
        'č' => ('c', '\u{30c}'),
        'ř' => ('r', '\u{30c}'),
        'š' => ('s', '\u{30c}'),
        'ž' => ('z', '\u{30c}'),
        'ů' => ('u', '\u{30a}'),
        'ä' => ('a', '\u{308}'),
        'ö' => ('o', '\u{308}'),
        'ü' => ('u', '\u{308}'),
        'ñ' => ('n', '\u{303}'),
        'õ' => ('o', '\u{303}'),
        'ą' => ('a', '\u{328}'),
        'ő' => ('o', '\u{30b}'),
        'ű' => ('u', '\u{30b}'),
        'ά' => ('α', '\u{301}'),
        'ί' => ('ι', '\u{301}'),
        'ό' => ('ο', '\u{301}'),
        'ώ' => ('ω', '\u{301}'),
        _ => return None,
    })
}
