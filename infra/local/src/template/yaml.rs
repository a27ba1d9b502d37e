//! Reads the template's YAML the way CloudFormation does: a short tag becomes its long form,
//! `!Sub x` → `{"Fn::Sub": x}`, `!Ref x` → `{"Ref": x}`, and intrinsics are resolved only in
//! the parts somebody asks for. What cannot be resolved on this machine is an error that
//! names it, never a guess.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Tagged;

/// What `${AWS::StackName}` and its like stand for, and the template's own parameters.
pub(super) struct Parameters<'a> {
    pub stack_name: &'a str,
    pub region: &'a str,
    /// The template's section `Parameters`; each stands for its default.
    pub declared: &'a Value,
}

/// The document as JSON, tags in their long form.
pub(super) fn parse(yaml: &str) -> Result<Value, String> {
    // Lenient booleans read the attribute type N as false.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Node>(yaml, options)
        .map(|node| node.0)
        .map_err(|error| error.to_string())
}

/// A YAML node, its tag already turned into CloudFormation's long form.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Bare(value), tag) = Tagged::deserialize(deserializer)?;
        let Some(tag) = tag else {
            return Ok(Self(value));
        };
        // `!!str` and its like arrive as `tag:yaml.org,…` and have done their work already.
        let Some(name) = tag.strip_prefix('!') else {
            return Ok(Self(value));
        };
        let function = match name {
            "Ref" | "Condition" => name.to_owned(),
            "" => return Err(D::Error::custom("a tag without a name")),
            _ => format!("Fn::{name}"),
        };
        Ok(Self(Value::Object(Map::from_iter([(function, value)]))))
    }
}

/// The content of a node without its tag.
struct Bare(Value);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar, a list or a mapping")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Bare, E> {
        Ok(Bare(Value::Bool(v)))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Bare, E> {
        Ok(Bare(Value::from(v)))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Bare, E> {
        Ok(Bare(Value::from(v)))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Bare, E> {
        Number::from_f64(v)
            .map(|number| Bare(Value::Number(number)))
            .ok_or_else(|| E::custom("a number that JSON cannot hold"))
    }

    fn visit_str<E>(self, v: &str) -> Result<Bare, E> {
        Ok(Bare(Value::from(v)))
    }

    fn visit_unit<E>(self) -> Result<Bare, E> {
        Ok(Bare(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Bare, E> {
        Ok(Bare(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bare, D::Error> {
        Bare::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bare, A::Error> {
        let mut items = Vec::new();
        while let Some(Node(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Bare(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Bare, A::Error> {
        let mut map = Map::new();
        while let Some((key, Node(value))) = entries.next_entry::<String, Node>()? {
            map.insert(key, value);
        }
        Ok(Bare(Value::Object(map)))
    }
}

/// The value with every intrinsic in it replaced by what it stands for.
pub(super) fn resolve(value: &Value, parameters: &Parameters<'_>) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| resolve(item, parameters)).collect(),
        Value::Object(map) => {
            if let Some((function, argument)) = intrinsic(map) {
                return match (function, argument) {
                    ("Ref", Value::String(name)) => lookup(name, parameters),
                    ("Fn::Sub", Value::String(text)) => {
                        substitute(text, parameters).map(Value::from)
                    }
                    _ => Err(format!(
                        "{function} is not understood here (only Ref and Fn::Sub of a text are)"
                    )),
                };
            }
            map.iter()
                .map(|(key, value)| Ok((key.clone(), resolve(value, parameters)?)))
                .collect::<Result<Map<_, _>, String>>()
                .map(Value::Object)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
    }
}

fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = map.iter().next()?;
    let known = map.len() == 1 && (key == "Ref" || key == "Condition" || key.starts_with("Fn::"));
    known.then_some((key.as_str(), value))
}

fn lookup(name: &str, parameters: &Parameters<'_>) -> Result<Value, String> {
    let default = |name| parameters.declared.get(name)?.get("Default");
    match name {
        "AWS::StackName" => Ok(parameters.stack_name.into()),
        "AWS::Region" => Ok(parameters.region.into()),
        _ => default(name).cloned().ok_or_else(|| {
            format!(
                "{name} has no value on this machine (only AWS::StackName, AWS::Region and \
                 parameters with a default have)"
            )
        }),
    }
}

/// `Fn::Sub`: `${Name}` is looked up, `${!Name}` is the literal `${Name}`.
fn substitute(text: &str, parameters: &Parameters<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, tail) = after
            .split_once('}')
            .ok_or_else(|| format!("Fn::Sub \"{text}\": a ${{ without its }}"))?;
        match name.strip_prefix('!') {
            Some(literal) => {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
            }
            None => match lookup(name.trim(), parameters)? {
                Value::String(text) => out.push_str(&text),
                other => out.push_str(&other.to_string()),
            },
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(value: &Value) -> Result<Value, String> {
        let here = Parameters {
            stack_name: "shop",
            region: "eu-central-1",
            declared: &json!({"Units": {"Default": 7}, "Kept": {"Default": "true"}, "Mail": {}}),
        };
        super::resolve(value, &here)
    }

    #[test]
    fn short_tags_become_the_long_form_wherever_they_stand() {
        let yaml = r#"
            Name: !Sub "${AWS::StackName}-x"
            Arn: !GetAtt Table.Arn
            Choice: !If [IsProd, !Ref A, "b"]
            List:
              - !Join
                - ","
                - - !Ref AWS::Region
                  - 3
            Long: !Sub
              - "${a}"
              - a: !Ref B
            Plain: { Count: 5, On: true, None: null, Half: 0.5 }
        "#;
        assert_eq!(
            parse(yaml).unwrap(),
            json!({
                "Name": {"Fn::Sub": "${AWS::StackName}-x"},
                "Arn": {"Fn::GetAtt": "Table.Arn"},
                "Choice": {"Fn::If": ["IsProd", {"Ref": "A"}, "b"]},
                "List": [{"Fn::Join": [",", [{"Ref": "AWS::Region"}, 3]]}],
                "Long": {"Fn::Sub": ["${a}", {"a": {"Ref": "B"}}]},
                "Plain": {"Count": 5, "On": true, "None": null, "Half": 0.5},
            })
        );
    }

    #[test]
    fn sub_and_ref_of_pseudo_parameters_are_resolved() {
        let value = json!([
            {"Fn::Sub": "${AWS::StackName}-${!kept}-${AWS::Region}"},
            {"Ref": "AWS::StackName"},
            {"Deep": {"Ref": "AWS::Region"}, "Other": 1},
        ]);
        assert_eq!(
            resolve(&value).unwrap(),
            json!(["shop-${kept}-eu-central-1", "shop", {"Deep": "eu-central-1", "Other": 1}])
        );
    }

    #[test]
    fn a_parameter_stands_for_its_default() {
        let value = json!([{"Ref": "Units"}, {"Ref": "Kept"}, {"Fn::Sub": "${Kept}/${Units}"}]);
        assert_eq!(resolve(&value).unwrap(), json!([7, "true", "true/7"]));
    }

    #[test]
    fn what_has_no_value_here_is_an_error_that_names_it() {
        for (value, named) in [
            (json!({"Ref": "AWS::AccountId"}), "AWS::AccountId"),
            (json!({"Ref": "Mail"}), "Mail"),
            (json!({"Fn::Sub": "${Stage}-x"}), "Stage"),
            (json!({"Fn::Sub": "${AWS::StackName"}), "without its }"),
            (json!({"Fn::GetAtt": "Table.Arn"}), "Fn::GetAtt"),
            (json!({"Fn::Sub": ["${a}", {"a": "b"}]}), "Fn::Sub"),
        ] {
            let error = resolve(&value).unwrap_err();
            assert!(error.contains(named), "{value}: {error}");
        }
    }

    #[test]
    fn broken_yaml_says_where() {
        let error = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.contains("line"), "{error}");
    }
}
