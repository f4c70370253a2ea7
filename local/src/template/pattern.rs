//! The event patterns of a `FilterCriteria`, as Lambda applies them to stream records.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>.

use serde_json::Value;

/// One filter.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Node);

#[derive(Debug, Clone)]
enum Node {
    /// Every named field must match.
    Fields(Vec<(String, Node)>),
    /// One of the alternatives of `$or` must match.
    AnyOf(Vec<Node>),
    /// One of the rules must hold for the value.
    Rules(Vec<Rule>),
}

#[derive(Debug, Clone)]
enum Rule {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Value>),
    Exists(bool),
}

/// Why a pattern cannot be applied here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// The text is not JSON.
    #[error("the pattern `{0}` is not JSON")]
    NotJson(String),
    /// A rule that this server does not know; guessing would deliver too much or too little.
    #[error("the rule `{0}` is not known here")]
    Unknown(String),
}

impl Pattern {
    /// Reads the text of a `Pattern`.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let value: Value =
            serde_json::from_str(text).map_err(|_| PatternError::NotJson(text.to_owned()))?;
        node(&value).map(Self)
    }

    /// Whether a record of the stream is wanted.
    pub(crate) fn matches(&self, record: &Value) -> bool {
        holds(&self.0, Some(record))
    }
}

fn node(value: &Value) -> Result<Node, PatternError> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, inner)| match (name.as_str(), inner) {
                ("$or", Value::Array(choices)) => {
                    let choices = choices.iter().map(node).collect::<Result<_, _>>()?;
                    Ok((name.clone(), Node::AnyOf(choices)))
                }
                _ => Ok((name.clone(), node(inner)?)),
            })
            .collect::<Result<_, _>>()
            .map(Node::Fields),
        Value::Array(rules) => rules
            .iter()
            .map(rule)
            .collect::<Result<_, _>>()
            .map(Node::Rules),
        other => Err(PatternError::Unknown(other.to_string())),
    }
}

fn rule(value: &Value) -> Result<Rule, PatternError> {
    let Value::Object(object) = value else {
        return Ok(Rule::Equals(value.clone()));
    };
    let unknown = || PatternError::Unknown(value.to_string());
    let mut entries = object.iter();
    let (Some((name, argument)), None) = (entries.next(), entries.next()) else {
        return Err(unknown());
    };
    match (name.as_str(), argument) {
        ("prefix", Value::String(text)) => Ok(Rule::Prefix(text.clone())),
        ("suffix", Value::String(text)) => Ok(Rule::Suffix(text.clone())),
        ("exists", Value::Bool(wanted)) => Ok(Rule::Exists(*wanted)),
        ("anything-but", Value::Array(values)) => Ok(Rule::AnythingBut(values.clone())),
        ("anything-but", Value::String(_) | Value::Number(_)) => {
            Ok(Rule::AnythingBut(vec![argument.clone()]))
        }
        _ => Err(unknown()),
    }
}

fn holds(node: &Node, value: Option<&Value>) -> bool {
    match node {
        Node::Fields(fields) => fields.iter().all(|(name, inner)| match inner {
            Node::AnyOf(_) => holds(inner, value),
            _ => holds(inner, value.and_then(|value| value.get(name))),
        }),
        Node::AnyOf(choices) => choices.iter().any(|choice| holds(choice, value)),
        Node::Rules(rules) => rules.iter().any(|rule| satisfied(rule, value)),
    }
}

fn satisfied(rule: &Rule, value: Option<&Value>) -> bool {
    let text = value.and_then(Value::as_str);
    match rule {
        Rule::Equals(wanted) => value == Some(wanted),
        Rule::Prefix(start) => text.is_some_and(|text| text.starts_with(start.as_str())),
        Rule::Suffix(end) => text.is_some_and(|text| text.ends_with(end.as_str())),
        Rule::AnythingBut(refused) => value.is_some_and(|value| !refused.contains(value)),
        Rule::Exists(wanted) => value.is_some() == *wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(pattern: &str, record: &Value, expected: bool) {
        assert_eq!(
            Pattern::parse(pattern).unwrap().matches(record),
            expected,
            "{pattern}"
        );
    }

    #[test]
    fn a_record_is_wanted_when_every_field_satisfies_one_of_its_rules() {
        let record = json!({
            "eventName": "INSERT",
            "dynamodb": {"Keys": {"sk": {"S": "EVENT#evt_1"}}, "NewImage": {"status": {"S": "received"}}},
        });
        let prefix =
            |p: &str| format!(r#"{{"dynamodb":{{"Keys":{{"sk":{{"S":[{{"prefix":"{p}"}}]}}}}}}}}"#);
        check(r#"{"eventName":["INSERT"]}"#, &record, true);
        check(r#"{"eventName":["MODIFY","INSERT"]}"#, &record, true);
        check(r#"{"eventName":["MODIFY"]}"#, &record, false);
        check(&prefix("EVENT#"), &record, true);
        check(&prefix("SUB#"), &record, false);
        check(
            r#"{"dynamodb":{"OldImage":{"status":[{"exists":false}]}}}"#,
            &record,
            true,
        );
        check(
            r#"{"dynamodb":{"OldImage":{"status":[{"exists":true}]}}}"#,
            &record,
            false,
        );
        check(
            r#"{"eventName":[{"anything-but":["REMOVE"]}]}"#,
            &record,
            true,
        );
        check(
            r#"{"eventName":[{"anything-but":"INSERT"}]}"#,
            &record,
            false,
        );
        check(
            r#"{"dynamodb":{"OldImage":{"a":{"S":[{"anything-but":"x"}]}}}}"#,
            &record,
            false,
        );
        check(r#"{"eventName":[{"suffix":"ERT"}]}"#, &record, true);
    }

    #[test]
    fn or_is_satisfied_by_one_alternative() {
        let record = json!({"eventName": "MODIFY"});
        check(
            r#"{"$or":[{"eventName":["INSERT"]},{"eventName":["MODIFY"]}]}"#,
            &record,
            true,
        );
        check(
            r#"{"$or":[{"eventName":["INSERT"]},{"eventName":["REMOVE"]}]}"#,
            &record,
            false,
        );
    }

    #[test]
    fn a_rule_that_is_not_known_is_an_error() {
        let error = Pattern::parse(r#"{"a":[{"numeric":[">",1]}]}"#).unwrap_err();
        assert!(matches!(error, PatternError::Unknown(rule) if rule.contains("numeric")));
        assert!(Pattern::parse("{").is_err());
        assert!(Pattern::parse(r#"{"a":"b"}"#).is_err());
    }
}
