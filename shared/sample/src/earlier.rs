//! Logins of earlier records, and the ways in which a later record repeats one.

use crate::dice::Dice;

/// How the login of an earlier record is repeated.
#[derive(Clone, Copy)]
pub(super) enum Repeat {
    Same,
    Capitals,
    /// Accents as marks of their own (NFD).
    TakenApart,
    /// A login of which the first record was ignored.
    Ignored,
    /// A login that was a number first and is text now.
    NumberAsText,
}

/// Logins of earlier records, to be repeated. Of an unlimited number of them a few are kept, each
/// equally likely, so that repetitions lie any distance apart.
#[derive(Default)]
pub(super) struct Earlier {
    any: Sample,
    accented: Sample,
    ignored: Sample,
    numbers: Sample,
}

#[derive(Default)]
struct Sample {
    held: Vec<String>,
    offered: u64,
}

impl Sample {
    const SIZE: usize = 256;

    fn offer(&mut self, dice: &mut Dice, login: &str) {
        self.offered += 1;
        if self.held.len() < Self::SIZE {
            self.held.push(login.to_owned());
            return;
        }
        let position = dice.below(self.offered) as usize;
        if let Some(place) = self.held.get_mut(position) {
            login.clone_into(place);
        }
    }

    fn pick(&self, dice: &mut Dice) -> Option<&str> {
        self.held
            .get(dice.position(self.held.len()))
            .map(String::as_str)
    }
}

impl Earlier {
    /// Remembers the login of a record that is imported.
    pub(super) fn remember(&mut self, dice: &mut Dice, login: &str) {
        self.any.offer(dice, login);
        if login.chars().any(|letter| taken_apart(letter).is_some()) {
            self.accented.offer(dice, login);
        }
    }

    /// Remembers the login of a record that is ignored for its role or its e-mail address: these
    /// are judged after the login has been seen, so it is taken all the same.
    pub(super) fn remember_ignored(&mut self, dice: &mut Dice, login: &str) {
        self.ignored.offer(dice, login);
    }

    /// Remembers a login that came as a number.
    pub(super) fn remember_number(&mut self, dice: &mut Dice, number: u64) {
        self.numbers.offer(dice, &number.to_string());
    }

    /// The earlier login in the spelling asked for, if there is one yet.
    pub(super) fn repeat(&self, dice: &mut Dice, how: Repeat) -> Option<String> {
        match how {
            Repeat::Same => self.any.pick(dice).map(str::to_owned),
            Repeat::Capitals => self.any.pick(dice).map(str::to_uppercase),
            Repeat::TakenApart => self.accented.pick(dice).map(apart),
            Repeat::Ignored => self.ignored.pick(dice).map(str::to_owned),
            Repeat::NumberAsText => self.numbers.pick(dice).map(str::to_owned),
        }
    }
}

fn apart(login: &str) -> String {
    let mut text = String::with_capacity(login.len() + 8);
    for letter in login.chars() {
        match taken_apart(letter) {
            Some((base, mark)) => text.extend([base, mark]),
            None => text.push(letter),
        }
    }
    text
}

/// A letter of the sample names taken apart into its base letter and its mark (Unicode NFD).
fn taken_apart(letter: char) -> Option<(char, char)> {
    Some(match letter {
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
