//! The separator of list items.

use serde::{Deserialize, Serialize};

/// Separator of list items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Separator {
    /// `,`
    #[default]
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// `|`
    #[serde(rename = "|")]
    Bar,
    /// Tab.
    #[serde(rename = "\t")]
    Tab,
    /// Newline.
    #[serde(rename = "\n")]
    Newline,
}

impl Separator {
    /// Returns the separator character.
    #[must_use]
    pub const fn char(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Bar => '|',
            Self::Tab => '\t',
            Self::Newline => '\n',
        }
    }
}
