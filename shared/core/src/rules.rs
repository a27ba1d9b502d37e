//! The rules of an import, derived from its task's settings: the JSON key of each attribute, the
//! role of each string, and the separator.

mod keys;

use std::collections::HashMap;

use self::keys::Keys;
pub(crate) use self::keys::{KeyMatch, KeyTarget, LevelId};
use crate::attribute::Attribute;
use crate::settings::{FieldProblem, IdentifyBy, PersonRules, TaskSettings};
use crate::text::nfc;
use crate::value::{Flags, ReadContext, TaskFormats};

/// The rules of one import.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Mapped attributes in catalogue order; an attribute's index in this list is its *slot*.
    keys: Vec<(Attribute, String)>,
    levels: Keys,
    /// Role of each string, in NFC. Strings are matched exactly.
    roles: HashMap<String, String>,
    separator: char,
    person: PersonRules,
    formats: TaskFormats,
}

impl Rules {
    /// Builds the rules from a task's mapping.
    ///
    /// # Errors
    /// Returns every problem of the settings, by field.
    pub fn new(settings: &TaskSettings) -> Result<Self, Vec<FieldProblem>> {
        settings.check_import()?;
        let keys: Vec<_> = settings
            .attribute_mapping
            .iter()
            .map(|(attribute, key)| (*attribute, key.clone()))
            .collect();
        Ok(Self {
            levels: Keys::new(&keys),
            roles: settings
                .role_mapping
                .iter()
                .map(|(text, role)| (nfc(text).into_owned(), role.clone()))
                .collect(),
            separator: settings.list_item_separator.char(),
            person: PersonRules {
                identify_by: settings.identify_by.unwrap_or_default(),
                conflicts: settings.external_id_conflicts.unwrap_or_default(),
            },
            formats: settings.value_formats.compile(),
            keys,
        })
    }

    /// Returns the mapped attributes and their keys, by slot. The user name, always mapped, has
    /// slot 0.
    #[must_use]
    pub fn keys(&self) -> &[(Attribute, String)] {
        &self.keys
    }

    /// Returns the slot of a rejected element that is sent again: the one after the mapped keys.
    pub(crate) const fn element_slot(&self) -> usize {
        self.keys.len()
    }

    /// Returns what a JSON key means at a level of the record.
    pub(crate) fn target(&self, level: LevelId, key: &str) -> KeyTarget {
        self.levels.target(level, key)
    }

    /// Returns the name of a key in messages: itself in a record, its JSON Pointer deeper.
    pub(crate) fn key_name(&self, level: LevelId, key: &str) -> String {
        self.levels.name(level, key)
    }

    /// Returns the JSON key of an attribute, if it is mapped.
    #[must_use]
    pub fn key(&self, attribute: Attribute) -> Option<&str> {
        self.keys
            .iter()
            .find(|(mapped, _)| *mapped == attribute)
            .map(|(_, key)| key.as_str())
    }

    /// Returns how the task finds the person of a record.
    #[must_use]
    pub const fn person(&self) -> PersonRules {
        self.person
    }

    /// Returns true if a record is about whoever has its external id.
    #[must_use]
    pub fn identifies_by_external_id(&self) -> bool {
        self.person.identify_by == IdentifyBy::ExternalId
    }

    /// Returns the forms of values that the task adds.
    #[must_use]
    pub const fn formats(&self) -> &TaskFormats {
        &self.formats
    }

    /// Returns the context for reading values.
    #[must_use]
    pub const fn read_context(&self) -> ReadContext<'_> {
        ReadContext {
            separator: self.separator,
            roles: &self.roles,
            flags: Flags::Words,
            languages: None,
            formats: &self.formats,
        }
    }
}
