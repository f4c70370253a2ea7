//! The YAML of `CloudFormation` as JSON: a short form such as `!Ref Table` becomes `{"Ref":"Table"}`.

use serde_json::{Map, Value};

use super::TemplateError;

pub(super) fn to_json(text: &str) -> Result<Value, TemplateError> {
    let document: yaml_serde::Value = yaml_serde::from_str(text).map_err(TemplateError::Yaml)?;
    convert(document)
}

fn convert(node: yaml_serde::Value) -> Result<Value, TemplateError> {
    use yaml_serde::Value as Yaml;
    Ok(match node {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(value) => serde_json::to_value(value)
            .map_err(|_| TemplateError::Content("a number is out of range".into()))?,
        Yaml::String(value) => Value::String(value),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(convert).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| Ok((text_of(key)?, convert(value)?)))
                .collect::<Result<Map<_, _>, TemplateError>>()?,
        ),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            // `Ref` and `Condition` are the two whose long form has no `Fn::` before it.
            let long = match name {
                "Ref" | "Condition" => name.to_owned(),
                other => format!("Fn::{other}"),
            };
            Value::Object(Map::from_iter([(long, convert(tagged.value)?)]))
        }
    })
}

fn text_of(key: yaml_serde::Value) -> Result<String, TemplateError> {
    match key {
        yaml_serde::Value::String(text) => Ok(text),
        // A status code, a version date: CloudFormation reads every key as text.
        yaml_serde::Value::Number(number) => Ok(number.to_string()),
        other => Err(TemplateError::Content(format!("{other:?} cannot be a key"))),
    }
}
