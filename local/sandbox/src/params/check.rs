//! Turns a form into typed parameters, or says what is wrong with it in Stripe's words.

use super::form::Form;
use super::limits::not_endless;
use super::schema::{Node, Scalar, shared};
use crate::error::{ApiError, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Parameters that Stripe clears with an empty string although its types do not say so.
const CLEARED_BY_EMPTY: [&str; 13] = [
    "city",
    "country",
    "default_payment_method",
    "description",
    "email",
    "line1",
    "line2",
    "lookup_key",
    "name",
    "nickname",
    "phone",
    "postal_code",
    "state",
];

/// The form as JSON with numbers, booleans and arrays; a parameter that is cleared becomes null.
pub(crate) fn check(node: &Node, form: &Form) -> Result<Value> {
    value(node, form, "")
}

fn value(node: &Node, form: &Form, name: &str) -> Result<Value> {
    match (node, form) {
        (Node::Shared { same }, form) => match shared(same) {
            Some(node) => value(node, form, name),
            None => Err(ApiError::validation(format!(
                "the sandbox's schema lacks {same}"
            ))),
        },
        (Node::Clearable { .. }, Form::Leaf(text)) if text.is_empty() => Ok(Value::Null),
        (Node::Clearable { empty }, form) => value(empty, form, name),
        (Node::Limited { of, limits }, form) => limits.hold(value(of, form, name)?, name),
        (Node::Any { any }, form) => one_of(any, form, name),
        (Node::Scalar(scalar), Form::Leaf(text)) => single(*scalar, text, name),
        (Node::OneOf { values }, Form::Leaf(text)) if values.contains(text) => Ok(json!(text)),
        (Node::OneOf { values }, Form::Leaf(_)) => Err(ApiError::validation(format!(
            "Invalid {name}: must be {}",
            either(values)
        ))
        .with_param(name)),
        (Node::List { list }, Form::Branch(children)) => elements(list, children, name),
        (Node::Map { map }, Form::Branch(children)) => children
            .iter()
            .map(|(key, child)| Ok((key.clone(), value(map, child, &inside(name, key))?)))
            .collect::<Result<Map<_, _>>>()
            .map(Value::Object),
        (Node::Object { object, required }, Form::Branch(children)) => {
            fields(object, required, children, name)
        }
        (Node::List { .. }, Form::Leaf(_)) => {
            Err(ApiError::validation("Invalid array").with_param(name))
        }
        (_, Form::Leaf(_)) => Err(ApiError::validation("Invalid object").with_param(name)),
        (_, Form::Branch(_)) => Err(ApiError::validation("Invalid string").with_param(name)),
    }
}

fn one_of(any: &[Node], form: &Form, name: &str) -> Result<Value> {
    let mut refusal = None;
    for node in any {
        match value(node, form, name) {
            Ok(value) => return Ok(value),
            // The alternative of the right shape has the most to say about what is wrong.
            Err(error) if matches!(error.message.as_str(), "Invalid object" | "Invalid string") => {
            }
            Err(error) => refusal = Some(error),
        }
    }
    Err(refusal.unwrap_or_else(|| ApiError::validation(format!("Invalid {name}")).with_param(name)))
}

fn single(scalar: Scalar, text: &str, name: &str) -> Result<Value> {
    let invalid =
        |what: &str| ApiError::validation(format!("Invalid {what}: {text}")).with_param(name);
    if text.is_empty() {
        let last = name
            .trim_end_matches(']')
            .rsplit('[')
            .next()
            .unwrap_or(name);
        if scalar == Scalar::String && CLEARED_BY_EMPTY.contains(&last) {
            return Ok(Value::Null);
        }
        return Err(ApiError::cannot_be_empty(name));
    }
    match scalar {
        Scalar::String => not_endless(text, name).map(|()| json!(text)),
        Scalar::Boolean => text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| invalid("boolean")),
        Scalar::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| invalid("integer").with_code("parameter_invalid_integer")),
        Scalar::Decimal if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(json!(text)),
        Scalar::Decimal => Err(invalid("decimal")),
    }
}

fn elements(node: &Node, children: &[(String, Form)], name: &str) -> Result<Value> {
    let mut numbered = BTreeMap::new();
    for (key, child) in children {
        let index: u64 = key
            .parse()
            .map_err(|_| ApiError::validation("Invalid array").with_param(name))?;
        numbered.insert(index, (key, child));
    }
    numbered
        .into_values()
        .map(|(key, child)| value(node, child, &inside(name, key)))
        .collect()
}

fn fields(
    object: &BTreeMap<String, Node>,
    required: &[String],
    children: &[(String, Form)],
    name: &str,
) -> Result<Value> {
    let unknown: Vec<String> = children
        .iter()
        .filter(|(key, _)| !object.contains_key(key))
        .map(|(key, _)| inside(name, key))
        .collect();
    if let Some(first) = unknown.first() {
        return Err(unknown_parameters(&unknown, first));
    }
    if let Some(missing) = required
        .iter()
        .find(|key| !children.iter().any(|(name, _)| name == *key))
    {
        return Err(ApiError::missing(&inside(name, missing)));
    }
    let mut checked = Map::new();
    for (key, child) in children {
        if let Some(node) = object.get(key) {
            checked.insert(key.clone(), value(node, child, &inside(name, key))?);
        }
    }
    if let (Some(Node::Limited { limits, .. }), Some(count)) = (
        object.get("interval_count"),
        checked.get("interval_count").and_then(Value::as_i64),
    ) {
        let interval = checked.get("interval").and_then(Value::as_str);
        limits.hold_years(interval, count, &inside(name, "interval_count"))?;
    }
    Ok(Value::Object(checked))
}

fn unknown_parameters(all: &[String], first: &str) -> ApiError {
    if first == "payment_method_types" {
        let message = "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` instead, \
                       or manage payment methods from the Dashboard.";
        return ApiError::validation(message)
            .with_code("payment_method_types_no_longer_supported")
            .with_param(first);
    }
    let plural = if all.len() == 1 { "" } else { "s" };
    ApiError::validation(format!(
        "Received unknown parameter{plural}: {}",
        all.join(", ")
    ))
    .with_code("parameter_unknown")
    .with_param(first)
}

fn inside(name: &str, key: &str) -> String {
    if name.is_empty() {
        key.to_owned()
    } else {
        format!("{name}[{key}]")
    }
}

fn either(values: &[String]) -> String {
    let shown: Vec<&str> = values
        .iter()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect();
    match shown.as_slice() {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("one of {}, or {last}", first.join(", ")),
        [] => "empty".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::params::form::{pairs, tree};
    use crate::params::schema::operation;
    use serde_json::{Value, json};

    fn checked(name: &str, body: &str) -> Result<Value, (Option<String>, Option<String>)> {
        let form = tree(&pairs(body.as_bytes())).unwrap();
        check(operation(name).unwrap(), &form).map_err(|error| {
            assert!(error.before_execution);
            (error.code, error.param)
        })
    }

    #[test]
    fn values_get_their_types() {
        let body = "customer=cus_1&items[0][price]=price_1&items[0][quantity]=2&off_session=true&metadata[a]=&trial_end=now&description=";
        let expected = json!({
            "customer": "cus_1", "items": [{"price": "price_1", "quantity": 2}], "off_session": true,
            "metadata": {"a": null}, "trial_end": "now", "description": null,
        });
        assert_eq!(checked("POST /v1/subscriptions", body), Ok(expected));
    }

    #[test]
    fn what_stripe_refuses_is_refused_with_its_code() {
        let cases = [
            (
                "POST /v1/setup_intents",
                "payment_method_types[]=amazon_pay",
                Some("payment_method_types_no_longer_supported"),
                "payment_method_types",
            ),
            (
                "POST /v1/setup_intents",
                "color=red",
                Some("parameter_unknown"),
                "color",
            ),
            (
                "POST /v1/subscriptions",
                "items[0][prize]=x",
                Some("parameter_unknown"),
                "items[0][prize]",
            ),
            (
                "POST /v1/subscriptions",
                "items[0][quantity]=two",
                Some("parameter_invalid_integer"),
                "items[0][quantity]",
            ),
            (
                "POST /v1/subscriptions",
                "off_session=yes",
                None,
                "off_session",
            ),
            (
                "POST /v1/subscriptions",
                "payment_behavior=maybe",
                None,
                "payment_behavior",
            ),
            ("POST /v1/subscriptions", "items=price_1", None, "items"),
            (
                "POST /v1/subscriptions",
                "items[a][price]=price_1",
                None,
                "items",
            ),
            (
                "POST /v1/subscriptions",
                "customer[id]=cus_1",
                None,
                "customer",
            ),
            (
                "POST /v1/subscriptions",
                "customer=",
                Some("parameter_invalid_empty"),
                "customer",
            ),
            (
                "POST /v1/subscriptions",
                "trial_settings[end_behavior]=x",
                None,
                "trial_settings[end_behavior]",
            ),
            (
                "POST /v1/prices",
                "unit_amount=1500",
                Some("parameter_missing"),
                "currency",
            ),
            (
                "POST /v1/setup_intents",
                "mandate_data[customer_acceptance][type]=online&mandate_data[customer_acceptance][online][ip_address]=1.1.1.1",
                Some("parameter_missing"),
                "mandate_data[customer_acceptance][online][user_agent]",
            ),
            (
                "POST /v1/setup_intents/{id}/confirm",
                "mandate_data[customer_acceptance][online][infer_from_client]=true&mandate_data[customer_acceptance][type]=online",
                Some("parameter_unknown"),
                "mandate_data[customer_acceptance][online][infer_from_client]",
            ),
            (
                "GET /v1/customers",
                "created[above]=1",
                Some("parameter_unknown"),
                "created[above]",
            ),
        ];
        for (name, body, code, param) in cases {
            assert_eq!(
                checked(name, body),
                Err((code.map(str::to_owned), Some(param.to_owned()))),
                "{body}"
            );
        }
    }

    // The limits are those of the sentences in the types of npm stripe 23.1.0, or of the page that is named.
    #[test]
    fn what_is_too_long_too_large_or_of_another_kind_is_refused() {
        let long = |count: usize| "x".repeat(count);
        let keys: Vec<String> = (0..51).map(|n| format!("metadata[k{n}]=1")).collect();
        let items = |count: usize| -> String {
            let items = (0..count).map(|n| format!("items[{n}][price]=price_{n}"));
            items.collect::<Vec<_>>().join("&")
        };
        let integer = Some("parameter_invalid_integer");
        let cases = [
            ("POST /v1/customers", format!("name={}", long(257)), None, "name"),
            ("POST /v1/customers", format!("description={}", long(351)), None, "description"),
            ("POST /v1/customers", format!("individual_name={}", long(151)), None, "individual_name"),
            ("POST /v1/customers", format!("tax[ip_address]={}", long(5001)), None, "tax[ip_address]"),
            ("POST /v1/customers", "email=not-an-email".into(), Some("email_invalid"), "email"),
            ("POST /v1/customers", "email=a@b".into(), Some("email_invalid"), "email"),
            ("POST /v1/customers", "email=a%20b@example.com".into(), Some("email_invalid"), "email"),
            // https://docs.stripe.com/api/metadata
            ("POST /v1/customers", format!("metadata[k]={}", long(501)), None, "metadata[k]"),
            ("POST /v1/customers", format!("metadata[{}]=1", long(41)), None, "metadata[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]"),
            ("POST /v1/customers", keys.join("&"), None, "metadata"),
            ("POST /v1/subscriptions", items(21), None, "items"),
            ("POST /v1/subscriptions", "items[0][quantity]=-1".into(), integer, "items[0][quantity]"),
            ("POST /v1/subscriptions", "items[0][price_data][recurring][interval]=month&items[0][price_data][recurring][interval_count]=37&items[0][price_data][currency]=usd&items[0][price_data][product]=prod_1".into(), None, "items[0][price_data][recurring][interval_count]"),
            ("POST /v1/subscriptions", "application_fee_percent=100.5".into(), None, "application_fee_percent"),
            ("POST /v1/subscriptions", "application_fee_percent=1.125".into(), None, "application_fee_percent"),
            ("POST /v1/prices", "currency=usd&recurring[interval]=day&recurring[interval_count]=0".into(), integer, "recurring[interval_count]"),
            ("POST /v1/prices", "currency=usd&recurring[interval]=week&recurring[interval_count]=157".into(), None, "recurring[interval_count]"),
            ("POST /v1/prices", "currency=usd&recurring[interval]=year&recurring[interval_count]=4".into(), None, "recurring[interval_count]"),
            ("POST /v1/prices", "currency=xyz".into(), None, "currency"),
            ("POST /v1/prices", format!("currency=usd&lookup_key={}", long(201)), None, "lookup_key"),
            ("POST /v1/prices", "currency=usd&unit_amount=-1".into(), integer, "unit_amount"),
            ("POST /v1/payment_intents", "currency=usd&amount=0".into(), integer, "amount"),
            ("POST /v1/products", "name=P&url=shop.example".into(), Some("url_invalid"), "url"),
            ("POST /v1/products", format!("name=P&statement_descriptor={}", long(23)), None, "statement_descriptor"),
            ("GET /v1/events", (0..21).map(|_| "types[]=a.b").collect::<Vec<_>>().join("&"), None, "types"),
        ];
        for (name, body, code, param) in cases {
            let expected = Err((code.map(str::to_owned), Some(param.to_owned())));
            assert_eq!(checked(name, &body), expected, "{body}");
        }
        for (name, body) in [
            (
                "POST /v1/customers",
                format!("name={}&email=a%2Bb@mail.example.com", long(256)),
            ),
            ("POST /v1/customers", keys[..50].join("&")),
            ("POST /v1/subscriptions", items(20)),
            ("POST /v1/subscriptions", "items[0][quantity]=0".into()),
            (
                "POST /v1/prices",
                "currency=USD&recurring[interval]=month&recurring[interval_count]=36".into(),
            ),
            ("GET /v1/customers", "limit=1000&email=anything".into()),
        ] {
            assert!(checked(name, &body).is_ok(), "{body}");
        }
    }

    // The sentences of a test account's refusals at 2026-08-26.dahlia.
    #[test]
    fn a_refusal_has_stripes_words() {
        let words = |name: &str, body: &str| {
            let form = tree(&pairs(body.as_bytes())).unwrap();
            check(operation(name).unwrap(), &form).unwrap_err().message
        };
        assert_eq!(
            words(
                "POST /v1/customers",
                &format!("name=abcdefghij{}klmnopqrst", "x".repeat(300))
            ),
            "Invalid string: abcdefghij...klmnopqrst; must be at most 256 characters"
        );
        assert_eq!(
            words("POST /v1/customers", "email=not-an-email"),
            "Invalid email address: not-an-email"
        );
        assert!(words("POST /v1/prices", "currency=xyz").starts_with(
            "Invalid currency: xyz. Stripe currently supports these currencies: usd, aed, afn"
        ));
        let key = "k".repeat(41);
        assert_eq!(
            words("POST /v1/customers", &format!("metadata[{key}]=1")),
            format!(
                "Metadata keys can have up to 40 characters, but you passed in a key that is 41 characters. Invalid key: {key}"
            )
        );
    }
}
