//! What an import needs of its task's settings, checked and ready to use: the JSON key of each
//! attribute, the role of each string, the separator.

use std::collections::HashMap;

use crate::attribute::Attribute;
use crate::settings::{FieldProblem, TaskSettings};
use crate::value::{Flags, ReadContext};

/// The rules of one import.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Mapped attributes in catalogue order; the place in this list is the attribute's *slot*.
    keys: Vec<(Attribute, String)>,
    slots: HashMap<String, usize>,
    /// The role that each string stands for. Strings are matched exactly.
    roles: HashMap<String, String>,
    separator: char,
}

impl Rules {
    /// Takes over the mapping of a task.
    ///
    /// # Errors
    /// What is wrong with the settings, field by field.
    pub fn new(settings: &TaskSettings) -> Result<Self, Vec<FieldProblem>> {
        settings.check_import()?;
        let keys: Vec<_> = settings
            .attribute_mapping
            .iter()
            .map(|(attribute, key)| (*attribute, key.clone()))
            .collect();
        Ok(Self {
            slots: keys
                .iter()
                .enumerate()
                .map(|(slot, (_, key))| (key.clone(), slot))
                .collect(),
            roles: settings.role_mapping.clone().into_iter().collect(),
            separator: settings.list_item_separator.char(),
            keys,
        })
    }

    /// Mapped attributes and their keys, by slot. The user name, always mapped, is in slot 0.
    #[must_use]
    pub fn keys(&self) -> &[(Attribute, String)] {
        &self.keys
    }

    /// The slot of a JSON key, if it is mapped.
    #[must_use]
    pub fn slot(&self, key: &str) -> Option<usize> {
        self.slots.get(key).copied()
    }

    /// The JSON key of an attribute, if it is mapped.
    #[must_use]
    pub fn key(&self, attribute: Attribute) -> Option<&str> {
        self.keys
            .iter()
            .find(|(mapped, _)| *mapped == attribute)
            .map(|(_, key)| key.as_str())
    }

    /// What reading values needs.
    #[must_use]
    pub const fn read_context(&self) -> ReadContext<'_> {
        ReadContext {
            separator: self.separator,
            roles: &self.roles,
            flags: Flags::Words,
            languages: None,
        }
    }
}
