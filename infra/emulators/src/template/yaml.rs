//! Parses the template's YAML the way CloudFormation does: a short tag becomes its long form,
//! `!Sub x` → `{"Fn::Sub": x}`, `!Ref x` → `{"Ref": x}`. Intrinsics are resolved on request; one
//! that has no value on this machine is an error that names it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Tagged;

/// Values of pseudo parameters such as `${AWS::StackName}`, and the template's own parameters.
pub(super) struct Parameters<'a> {
    pub stack_name: &'a str,
    pub region: &'a str,
    /// The template's section `Parameters`; each resolves to its default.
    pub declared: &'a Value,
}

/// Parses the document into JSON, with short tags in their long form.
pub(super) fn parse(yaml: &str) -> Result<Value, String> {
    // Lenient booleans would read the attribute type N as false.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Node>(yaml, options)
        .map(|node| node.0)
        .map_err(|error| error.to_string())
}

/// A YAML node whose tag is already in CloudFormation's long form.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Bare(value), tag) = Tagged::deserialize(deserializer)?;
        let Some(tag) = tag else {
            return Ok(Self(value));
        };
        // Core tags such as `!!str` arrive as `tag:yaml.org,…` and are already applied.
        let Some(name) = tag.strip_prefix('!') else {
            return Ok(Self(value));
        };
        let function = match name {
            "Ref" | "Condition" => name.to_owned(),
            "" => return Err(D::Error::custom("tag without a name")),
            _ => format!("Fn::{name}"),
        };
        Ok(Self(Value::Object(Map::from_iter([(function, value)]))))
    }
}

/// A node without its tag.
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
            .ok_or_else(|| E::custom("number not representable in JSON"))
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

/// Returns the value with every intrinsic in it replaced by its result.
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
                        "{function} is not supported (only Ref and Fn::Sub with a string are)"
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
                "{name} has no local value (only AWS::StackName, AWS::Region and parameters with \
                 a default have one)"
            )
        }),
    }
}

/// Evaluates `Fn::Sub`: `${Name}` is looked up, `${!Name}` yields the literal `${Name}`.
fn substitute(text: &str, parameters: &Parameters<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, tail) = after
            .split_once('}')
            .ok_or_else(|| format!("Fn::Sub \"{text}\": missing }} after ${{"))?;
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
        let parameters = Parameters {
            stack_name: "shop",
            region: "eu-central-1",
            declared: &json!({"Units": {"Default": 7}, "Kept": {"Default": "true"}, "Mail": {}}),
        };
        super::resolve(value, &parameters)
    }

    #[test]
    fn short_tags_become_the_long_form_at_any_depth() {
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
    fn a_parameter_resolves_to_its_default() {
        let value = json!([{"Ref": "Units"}, {"Ref": "Kept"}, {"Fn::Sub": "${Kept}/${Units}"}]);
        assert_eq!(resolve(&value).unwrap(), json!([7, "true", "true/7"]));
    }

    #[test]
    fn an_intrinsic_without_a_local_value_is_an_error_that_names_it() {
        for (value, named) in [
            (json!({"Ref": "AWS::AccountId"}), "AWS::AccountId"),
            (json!({"Ref": "Mail"}), "Mail"),
            (json!({"Fn::Sub": "${Stage}-x"}), "Stage"),
            (json!({"Fn::Sub": "${AWS::StackName"}), "missing } after ${"),
            (json!({"Fn::GetAtt": "Table.Arn"}), "Fn::GetAtt"),
            (json!({"Fn::Sub": ["${a}", {"a": "b"}]}), "Fn::Sub"),
        ] {
            let error = resolve(&value).unwrap_err();
            assert!(error.contains(named), "{value}: {error}");
        }
    }

    #[test]
    fn a_yaml_error_names_the_line() {
        let error = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.contains("line"), "{error}");
    }
}
