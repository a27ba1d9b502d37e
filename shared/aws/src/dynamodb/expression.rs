//! Expressions of requests, built from attribute paths and values: updates, conditions and key
//! conditions. Placeholders are generated, so no name collides with a reserved word of DynamoDB and
//! no value becomes part of an expression.
//!
//! A path names an attribute, or an attribute within a map: `state`, `job.queued_at`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::row::number;

/// The actions of an update.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpdateExpression {
    sets: Vec<(String, Operand)>,
    removes: Vec<String>,
    adds: Vec<(String, AttributeValue)>,
    deletes: Vec<(String, AttributeValue)>,
}

/// The value that an action sets.
#[derive(Debug, Clone)]
enum Operand {
    Value(AttributeValue),
    /// The current value, or this one if there is none.
    CurrentOr(AttributeValue),
    /// The current value plus `by`; without a current value, `start` plus `by`.
    Sum {
        start: Option<AttributeValue>,
        by: AttributeValue,
    },
}

impl UpdateExpression {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute.
    pub(crate) fn set(self, path: impl Into<String>, value: AttributeValue) -> Self {
        self.push_set(path, Operand::Value(value))
    }

    /// Sets an attribute that is absent.
    pub(crate) fn set_if_absent(self, path: impl Into<String>, value: AttributeValue) -> Self {
        self.push_set(path, Operand::CurrentOr(value))
    }

    /// Adds `by` to a number that exists.
    pub(crate) fn increment(self, path: impl Into<String>, by: u64) -> Self {
        let by = number(by);
        self.push_set(path, Operand::Sum { start: None, by })
    }

    /// Adds `by` to a number; an absent number counts as `start`.
    pub(crate) fn increment_from(self, path: impl Into<String>, start: u64, by: u64) -> Self {
        let (start, by) = (Some(number(start)), number(by));
        self.push_set(path, Operand::Sum { start, by })
    }

    /// Removes an attribute.
    pub(crate) fn remove(mut self, path: impl Into<String>) -> Self {
        self.removes.push(path.into());
        self
    }

    /// Adds to a number, or to a set; an absent number counts as 0.
    pub(crate) fn add(mut self, path: impl Into<String>, value: AttributeValue) -> Self {
        self.adds.push((path.into(), value));
        self
    }

    /// Deletes elements from a set.
    pub(crate) fn delete(mut self, path: impl Into<String>, value: AttributeValue) -> Self {
        self.deletes.push((path.into(), value));
        self
    }

    fn push_set(mut self, path: impl Into<String>, operand: Operand) -> Self {
        self.sets.push((path.into(), operand));
        self
    }

    fn render(self, placeholders: &mut Placeholders) -> String {
        let sets = self.sets.into_iter().map(|(path, operand)| {
            let path = placeholders.path(&path);
            let operand = match operand {
                Operand::Value(value) => placeholders.value(value),
                Operand::CurrentOr(value) => {
                    format!("if_not_exists({path}, {})", placeholders.value(value))
                }
                Operand::Sum { start: None, by } => format!("{path} + {}", placeholders.value(by)),
                Operand::Sum {
                    start: Some(start),
                    by,
                } => {
                    let (start, by) = (placeholders.value(start), placeholders.value(by));
                    format!("if_not_exists({path}, {start}) + {by}")
                }
            };
            format!("{path} = {operand}")
        });
        let sets: Vec<String> = sets.collect();
        let removes = self.removes.iter().map(|path| placeholders.path(path));
        let removes: Vec<String> = removes.collect();
        let mut pairs = |pairs: Vec<(String, AttributeValue)>| -> Vec<String> {
            let rendered = pairs.into_iter().map(|(path, value)| {
                let path = placeholders.path(&path);
                format!("{path} {}", placeholders.value(value))
            });
            rendered.collect()
        };
        let (adds, deletes) = (pairs(self.adds), pairs(self.deletes));
        let clauses = [
            ("SET", sets),
            ("REMOVE", removes),
            ("ADD", adds),
            ("DELETE", deletes),
        ];
        let clauses = clauses
            .into_iter()
            .filter(|(_, actions)| !actions.is_empty());
        let clauses: Vec<String> = clauses
            .map(|(clause, actions)| format!("{clause} {}", actions.join(", ")))
            .collect();
        clauses.join(" ")
    }
}

/// A condition on a row, or on its key.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Exists(String),
    Absent(String),
    Compare {
        path: String,
        operator: &'static str,
        value: AttributeValue,
    },
    Between {
        path: String,
        bounds: [AttributeValue; 2],
    },
    /// A function of a path and a value: `begins_with`, `contains`.
    Function {
        function: &'static str,
        path: String,
        value: AttributeValue,
    },
    SizeAbove(String, AttributeValue),
    Not(Box<Self>),
    All(Box<[Self; 2]>),
    Any(Box<[Self; 2]>),
}

impl Condition {
    /// Requires that the row exists.
    pub(crate) fn row_exists() -> Self {
        Self::exists("pk")
    }

    /// Requires that the row does not exist.
    pub(crate) fn row_absent() -> Self {
        Self::absent("pk")
    }

    pub(crate) fn exists(path: impl Into<String>) -> Self {
        Self::Exists(path.into())
    }

    pub(crate) fn absent(path: impl Into<String>) -> Self {
        Self::Absent(path.into())
    }

    pub(crate) fn equals(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::compare(path, "=", value)
    }

    pub(crate) fn less_than(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::compare(path, "<", value)
    }

    pub(crate) fn at_most(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::compare(path, "<=", value)
    }

    pub(crate) fn greater_than(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::compare(path, ">", value)
    }

    /// Requires a value between the bounds, inclusive.
    pub(crate) fn between(path: impl Into<String>, bounds: [AttributeValue; 2]) -> Self {
        let path = path.into();
        Self::Between { path, bounds }
    }

    pub(crate) fn begins_with(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::function("begins_with", path, value)
    }

    pub(crate) fn contains(path: impl Into<String>, value: AttributeValue) -> Self {
        Self::function("contains", path, value)
    }

    /// Requires a set, list or text with more than `size` elements or characters.
    pub(crate) fn size_above(path: impl Into<String>, size: u64) -> Self {
        Self::SizeAbove(path.into(), number(size))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self::All(Box::new([self, other]))
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self::Any(Box::new([self, other]))
    }

    pub(crate) fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    fn compare(path: impl Into<String>, operator: &'static str, value: AttributeValue) -> Self {
        let path = path.into();
        Self::Compare {
            path,
            operator,
            value,
        }
    }

    fn function(function: &'static str, path: impl Into<String>, value: AttributeValue) -> Self {
        let path = path.into();
        Self::Function {
            function,
            path,
            value,
        }
    }

    fn render(self, placeholders: &mut Placeholders) -> String {
        match self {
            Self::Exists(path) => format!("attribute_exists({})", placeholders.path(&path)),
            Self::Absent(path) => format!("attribute_not_exists({})", placeholders.path(&path)),
            Self::Compare {
                path,
                operator,
                value,
            } => {
                let path = placeholders.path(&path);
                format!("{path} {operator} {}", placeholders.value(value))
            }
            Self::Between {
                path,
                bounds: [low, high],
            } => {
                let path = placeholders.path(&path);
                let (low, high) = (placeholders.value(low), placeholders.value(high));
                format!("{path} BETWEEN {low} AND {high}")
            }
            Self::Function {
                function,
                path,
                value,
            } => {
                let path = placeholders.path(&path);
                format!("{function}({path}, {})", placeholders.value(value))
            }
            Self::SizeAbove(path, size) => {
                let path = placeholders.path(&path);
                format!("size({path}) > {}", placeholders.value(size))
            }
            Self::Not(condition) => format!("NOT ({})", condition.render(placeholders)),
            Self::All(conditions) => {
                let [left, right] = conditions.map(|one| one.render_operand(placeholders));
                format!("{left} AND {right}")
            }
            Self::Any(conditions) => {
                let [left, right] = conditions.map(|one| one.render_operand(placeholders));
                format!("{left} OR {right}")
            }
        }
    }

    /// Renders a condition as a part of `AND` or `OR`.
    fn render_operand(self, placeholders: &mut Placeholders) -> String {
        let in_parentheses = matches!(self, Self::Any(_));
        let rendered = self.render(placeholders);
        if in_parentheses {
            format!("({rendered})")
        } else {
            rendered
        }
    }
}

/// The expressions of one request, as its SDK builder takes them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expressions {
    pub(crate) update: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) names: Option<HashMap<String, String>>,
    pub(crate) values: Option<HashMap<String, AttributeValue>>,
}

impl Expressions {
    /// Renders an update and the condition it is subject to.
    pub(crate) fn new(update: Option<UpdateExpression>, condition: Option<Condition>) -> Self {
        let mut placeholders = Placeholders::default();
        let update = update.map(|update| update.render(&mut placeholders));
        let condition = condition.map(|condition| condition.render(&mut placeholders));
        let Placeholders { names, values } = placeholders;
        Self {
            update,
            condition,
            // DynamoDB refuses empty maps.
            names: Some(names).filter(|names| !names.is_empty()),
            values: Some(values).filter(|values| !values.is_empty()),
        }
    }
}

#[derive(Debug, Default)]
struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    /// Renders a path, such as `#job.#queued_at`.
    fn path(&mut self, path: &str) -> String {
        let parts = path.split('.').map(|name| {
            let placeholder = format!("#{name}");
            self.names.insert(placeholder.clone(), name.to_owned());
            placeholder
        });
        parts.collect::<Vec<_>>().join(".")
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::text;
    use super::*;

    #[test]
    fn an_update_lists_its_actions_by_clause() {
        let update = UpdateExpression::new()
            .set("state", text("checking"))
            .remove("expires_at")
            .set_if_absent("job.object", text("o"))
            .increment("job.tries", 1)
            .add("names", AttributeValue::Ss(vec!["anna".to_owned()]))
            .increment_from("last", 205, 1);
        let rendered = Expressions::new(Some(update), None);
        assert_eq!(
            rendered.update.as_deref(),
            Some(
                "SET #state = :v0, #job.#object = if_not_exists(#job.#object, :v1), \
                 #job.#tries = #job.#tries + :v2, #last = if_not_exists(#last, :v3) + :v4 \
                 REMOVE #expires_at ADD #names :v5"
            )
        );
        let names = rendered.names.unwrap();
        assert_eq!(names.len(), 7);
        assert_eq!(names["#object"], "object");
        assert_eq!(rendered.values.unwrap()[":v3"], number(205));
    }

    #[test]
    fn alternatives_within_a_conjunction_are_parenthesized() {
        let condition = Condition::absent("result")
            .and(Condition::absent("since").or(Condition::equals("owner", text("w"))));
        let rendered = Expressions::new(None, Some(condition));
        assert_eq!(
            rendered.condition.as_deref(),
            Some(
                "attribute_not_exists(#result) AND (attribute_not_exists(#since) OR #owner = :v0)"
            )
        );
        let condition = Condition::row_absent().or(Condition::less_than("expires_at", number(1))
            .and(Condition::contains("names", text("x")).negated()));
        let rendered = Expressions::new(None, Some(condition));
        assert_eq!(
            rendered.condition.as_deref(),
            Some("attribute_not_exists(#pk) OR #expires_at < :v0 AND NOT (contains(#names, :v1))")
        );
    }

    #[test]
    fn a_request_without_values_has_no_empty_map() {
        let rendered = Expressions::new(None, Some(Condition::row_exists()));
        assert_eq!(rendered.condition.as_deref(), Some("attribute_exists(#pk)"));
        assert_eq!(rendered.values, None);
        assert_eq!(Expressions::new(None, None), Expressions::default());
    }
}
