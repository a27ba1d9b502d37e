//! Logins (user names): validity and equality (contract.md#logins-and-values).

use std::borrow::Cow;
use std::ops::Range;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use unicode_normalization::is_nfkc;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::MixedScript;

use crate::limits;
use crate::text::{Place, invisible_characters, nfc};

/// A valid user name: in NFC, with allowed characters only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login<'a> {
    shown: Cow<'a, str>,
    canon: Cow<'a, str>,
}

/// Reason why a text is not a valid login, with the first character to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginProblem {
    /// An empty text.
    #[error("a user name has at least one character")]
    Empty,
    /// More code points than [`limits::MAX_LOGIN_CHARS`].
    #[error("a user name has at most 128 characters")]
    TooLong,
    /// Something other than letters, digits and `. _ - @ + ' #`.
    #[error(
        "contains unauthorised characters: {0}; letters, digits and the characters . _ - @ + ' # are allowed"
    )]
    Characters(Place),
    /// An apostrophe or `#` at one of the ends.
    #[error(
        "contains unauthorised characters: {0}; a user name neither begins nor ends with ' or #"
    )]
    Ends(Place),
    /// A character that NFKC would change, because it resembles others.
    #[error("contains unauthorised characters: {0} is a compatibility form of other characters")]
    CompatibilityForm(Place),
    /// A letter of another script than those before it.
    #[error(
        "contains unauthorised characters: letters of several scripts are mixed, {0} is of another \
         script"
    )]
    MixedScripts(Place),
}

impl LoginProblem {
    /// Returns the second half of the item code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Empty
            | Self::Characters(_)
            | Self::Ends(_)
            | Self::CompatibilityForm(_)
            | Self::MixedScripts(_) => "unauthorised_characters",
        }
    }
}

impl<'a> Login<'a> {
    /// Parses a login. The text is not trimmed: a leading space is an unauthorised character.
    ///
    /// # Errors
    /// Returns the first violated rule.
    pub fn parse(raw: &'a str) -> Result<Self, LoginProblem> {
        if raw.is_ascii() {
            check_ascii(raw)?;
            return Ok(Self {
                shown: Cow::Borrowed(raw),
                canon: canon(raw),
            });
        }
        let shown = Cow::Owned(with_apostrophes(&nfc(raw)).into_owned());
        check_unicode(&shown)?;
        let canon = Cow::Owned(canon(&shown).into_owned());
        Ok(Self { shown, canon })
    }

    /// Returns the display form, in NFC and with ASCII apostrophes.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the canonical form, which defines equality.
    #[must_use]
    pub fn canon(&self) -> &str {
        &self.canon
    }

    /// Returns the same login with owned texts.
    #[must_use]
    pub fn into_owned(self) -> Login<'static> {
        Login {
            shown: Cow::Owned(self.shown.into_owned()),
            canon: Cow::Owned(self.canon.into_owned()),
        }
    }
}

/// Replaces the apostrophes that word processors write by those on keyboards.
fn with_apostrophes(text: &str) -> Cow<'_, str> {
    if text.contains('\u{2019}') {
        Cow::Owned(text.replace('\u{2019}', "'"))
    } else {
        Cow::Borrowed(text)
    }
}

fn check_ascii(raw: &str) -> Result<(), LoginProblem> {
    if !raw
        .bytes()
        .all(|byte| is_mark(byte) || byte.is_ascii_alphanumeric())
    {
        let wrong = |c: char| !c.is_ascii_alphanumeric() && !is_mark_char(c);
        return Err(blame(raw, raw.find(wrong), LoginProblem::Characters));
    }
    check_ends(raw)?;
    if raw.len() > limits::MAX_LOGIN_CHARS {
        return Err(LoginProblem::TooLong);
    }
    Ok(())
}

/// Returns `true` for the marks that a login may contain beside letters and digits.
const fn is_mark(byte: u8) -> bool {
    matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+') || is_inner_mark(byte)
}

/// Returns `true` for the marks that only have a meaning between other characters: `O'Neil`,
/// `anna_contoso.com#EXT#@fabrikam.onmicrosoft.com`.
const fn is_inner_mark(byte: u8) -> bool {
    matches!(byte, b'\'' | b'#')
}

fn is_mark_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_mark)
}

fn check_ends(text: &str) -> Result<(), LoginProblem> {
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().next_back()) else {
        return Err(LoginProblem::Empty);
    };
    let at = match (is_inner_mark(first), is_inner_mark(last)) {
        (true, _) => 0,
        (false, true) => text.len() - 1,
        (false, false) => return Ok(()),
    };
    Err(blame(text, Some(at), LoginProblem::Ends))
}

fn check_unicode(shown: &str) -> Result<(), LoginProblem> {
    let mut after_letter = false;
    let mut length = 0;
    for (at, c) in shown.char_indices() {
        length += 1;
        // A mark must follow a letter, with only other marks in between.
        after_letter = match class_of(c) {
            CharacterClass::Letter => true,
            CharacterClass::Mark if after_letter => true,
            CharacterClass::Digit => false,
            _ if is_mark_char(c) => false,
            _ => return Err(blame(shown, Some(at), LoginProblem::Characters)),
        };
    }
    check_ends(shown)?;
    if length > limits::MAX_LOGIN_CHARS {
        return Err(LoginProblem::TooLong);
    }
    // Marks and letters that nobody sees: the login would look like another one.
    if let Some((at, _)) = invisible_characters(shown).next() {
        return Err(blame(shown, Some(at), LoginProblem::Characters));
    }
    if !is_nfkc(shown) {
        let changed = shown.find(|c: char| !is_nfkc(c.encode_utf8(&mut [0; 4])));
        return Err(blame(shown, changed, LoginProblem::CompatibilityForm));
    }
    match shown.split_once('@') {
        // In an address, the name may be of another script than the domain.
        Some((local, domain)) if !domain.contains('@') => {
            check_script(shown, 0..local.len())?;
            check_script(shown, shown.len() - domain.len()..shown.len())
        }
        _ => check_script(shown, 0..shown.len()),
    }
}

fn check_script(shown: &str, part: Range<usize>) -> Result<(), LoginProblem> {
    let text = shown.get(part.clone()).unwrap_or(shown);
    if text.is_single_script() {
        return Ok(());
    }
    let ends = text.char_indices().map(|(at, c)| (at, at + c.len_utf8()));
    let mixed = ends
        .filter(|(_, end)| !text.get(..*end).is_some_and(MixedScript::is_single_script))
        .map(|(at, _)| part.start + at)
        .next();
    Err(blame(shown, mixed, LoginProblem::MixedScripts))
}

/// Returns a problem with the character at a byte index.
fn blame(
    text: &str,
    at: Option<usize>,
    problem: impl FnOnce(Place) -> LoginProblem,
) -> LoginProblem {
    at.and_then(|at| Place::of(text, at))
        .map_or(LoginProblem::Empty, problem)
}

enum CharacterClass {
    Letter,
    Mark,
    Digit,
    Other,
}

fn class_of(c: char) -> CharacterClass {
    use GeneralCategory as G;
    match c.general_category() {
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter => CharacterClass::Letter,
        G::NonspacingMark | G::SpacingMark | G::EnclosingMark => CharacterClass::Mark,
        G::DecimalNumber => CharacterClass::Digit,
        _ => CharacterClass::Other,
    }
}

/// Returns the canonical form of a login, `NFC(full case fold(NFC x))` with `'` for U+2019, folded
/// until it is stable, so that `canon(canon x) = canon x` holds for every string, valid as a login or
/// not.
#[must_use]
pub fn canon(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(raw.to_ascii_lowercase())
        } else {
            Cow::Borrowed(raw)
        };
    }
    const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
    let mut text = with_apostrophes(&nfc(raw)).into_owned();
    loop {
        let folded = CASES.fold_string(&text);
        let next = nfc(&folded).into_owned();
        if next == text {
            return Cow::Owned(text);
        }
        text = next;
    }
}

#[cfg(test)]
mod tests;
