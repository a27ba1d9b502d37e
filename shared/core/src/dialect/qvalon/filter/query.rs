//! Parses the parameters of the list. Every invalid parameter is reported; unknown parameters are
//! ignored. Messages never repeat values: they may be personal data.

use super::condition::{Condition, UserFilter};
use super::parameters::{PARAMETERS, Parameter, ParameterKind};
use super::values::{items, level, logins, number, numbers, role, single_value, size, switch};
use crate::dialect::qvalon::user::Fields;
use crate::login::canon;

use ParameterKind::{
    Active, After, Director, Emails, Ids, Levels, Like, Logins, Numbers, Page, Role, Roles, Size,
};

/// Default users per page.
const DEFAULT_PAGE_USERS: u16 = 100;

/// A parsed list request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListUsersQuery {
    /// Users to list.
    pub filter: UserFilter,
    /// Part of the list to return.
    pub paging: Paging,
    /// Optional members to return.
    pub fields: Fields,
}

/// Requested part of the list, which is in id order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paging {
    /// All users.
    #[default]
    All,
    /// A page by number, from 0.
    Page {
        /// Page number.
        page: u64,
        /// Users per page.
        size: u16,
    },
    /// The users after an id.
    After {
        /// The id.
        after: u64,
        /// Users per page.
        size: u16,
    },
}

/// An invalid parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidParameter {
    /// Name of the parameter.
    pub name: &'static str,
    /// The problem, and the accepted values.
    pub message: String,
}

impl ListUsersQuery {
    /// Parses decoded names and values, in the order of the query.
    ///
    /// # Errors
    /// Returns every invalid parameter, in table order.
    pub fn read<'q>(
        given: impl Iterator<Item = (&'q str, &'q str)> + Clone,
    ) -> Result<Self, Vec<InvalidParameter>> {
        let mut parsed = ParsedParameters::default();
        let mut invalid = Vec::new();
        for Parameter { name, kind, .. } in PARAMETERS {
            let values = given.clone().filter(|(given, _)| given == name);
            let values: Vec<&str> = values.map(|(_, value)| value).collect();
            if values.is_empty() {
                continue;
            }
            if let Err(message) = parsed.parse_parameter(*kind, &values) {
                invalid.push(InvalidParameter { name, message });
            }
        }
        let ParsedParameters {
            filter,
            fields,
            page,
            size,
            after,
        } = parsed;
        let paging = match (page, after, size) {
            (None, None, None) => Paging::All,
            (page, None, size) => Paging::Page {
                page: page.unwrap_or(0),
                size: size.unwrap_or(DEFAULT_PAGE_USERS),
            },
            (None, Some(after), size) => Paging::After {
                after,
                size: size.unwrap_or(DEFAULT_PAGE_USERS),
            },
            (Some(_), Some(_), _) => {
                invalid.push(InvalidParameter {
                    name: "after",
                    message: "cannot be combined with page".to_owned(),
                });
                Paging::All
            }
        };
        if !invalid.is_empty() {
            return Err(invalid);
        }
        Ok(Self {
            filter,
            paging,
            fields,
        })
    }
}

/// The parameters parsed so far.
#[derive(Default)]
struct ParsedParameters {
    filter: UserFilter,
    fields: Fields,
    page: Option<u64>,
    size: Option<u16>,
    after: Option<u64>,
}

impl ParsedParameters {
    /// Parses one parameter with all its values.
    fn parse_parameter(&mut self, kind: ParameterKind, values: &[&str]) -> Result<(), String> {
        let condition = match kind {
            ParameterKind::Fields => {
                self.fields = Fields::parse(values.iter().copied());
                None
            }
            Active => Some(Condition::Active(switch(single_value(values)?)?)),
            Ids => {
                let ids = numbers(values)?.into_iter();
                Some(Condition::Ids(
                    ids.filter_map(|id| id.try_into().ok()).collect(),
                ))
            }
            Role => Some(Condition::Flags(vec![role(single_value(values)?)?])),
            Roles => {
                let names = items(values)?.into_iter();
                Some(Condition::Flags(names.map(role).collect::<Result<_, _>>()?))
            }
            Numbers(attribute) => Some(Condition::Numbers(attribute, numbers(values)?)),
            Logins => Some(Condition::Logins(logins(values)?)),
            Emails => {
                let emails = items(values)?.into_iter();
                Some(Condition::Emails(
                    emails.map(str::to_ascii_lowercase).collect(),
                ))
            }
            Levels => {
                let words = items(values)?.into_iter();
                Some(Condition::Levels(
                    words.map(level).collect::<Result<_, _>>()?,
                ))
            }
            Director => Some(Condition::Director(numbers(values)?)),
            Like(attribute) => {
                let part = canon(single_value(values)?).into_owned();
                (!part.is_empty()).then_some(Condition::Like(attribute, part))
            }
            Page => {
                self.page = Some(number(single_value(values)?)?);
                None
            }
            Size => {
                self.size = Some(size(single_value(values)?)?);
                None
            }
            After => {
                self.after = Some(number(single_value(values)?)?);
                None
            }
        };
        self.filter.0.extend(condition);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
