//! Compares two answers after taking out of them what has to differ: ids, secrets, addresses, the time of day.

use super::allowed::{self, Leave};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One difference between two answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    /// The step, as it is written.
    pub(crate) step: String,
    /// Where in the answer, such as `items.data[0].quantity`.
    pub(crate) path: String,
    /// What Stripe has there; none where it has no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stripe: Option<Value>,
    /// What the sandbox has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sandbox: Option<Value>,
    /// The kind of the object around it and the path inside, by which the same difference elsewhere is known.
    #[serde(skip)]
    pub(crate) kind: String,
}

/// The times of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall {
    /// When it began.
    pub(crate) from: i64,
    /// What the machine's clock says now.
    pub(crate) now: i64,
    /// Whether a test clock decides the times.
    pub(crate) clock: bool,
}

/// How far the clocks of this machine and of Stripe, and the moments of two calls, may be apart.
const SLACK_SECONDS: i64 = 300;

/// Prefixes of Stripe's ids.
const PREFIXES: &[&str] = &[
    "acct",
    "bpc",
    "bps",
    "card",
    "cbtxn",
    "ch",
    "clock",
    "cn",
    "cnli",
    "cus",
    "di",
    "dp",
    "du",
    "evt",
    "fr",
    "ii",
    "il",
    "il_tmp",
    "in",
    "inpay",
    "issfr",
    "mandate",
    "pi",
    "pm",
    "pmc",
    "pmd",
    "price",
    "prod",
    "promo",
    "py",
    "pyr",
    "re",
    "req",
    "seti",
    "setatt",
    "si",
    "sub",
    "sub_sched",
    "tok",
    "txcd",
    "txn",
    "txr",
    "upcoming_in",
    "we",
];

/// Letters behind the prefix of an id, at the least.
const LEAST_LETTERS: usize = 12;

/// Which id of Stripe stands for which of the sandbox, in the order in which they appeared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    to_sandbox: BTreeMap<String, String>,
    to_stripe: BTreeMap<String, String>,
}

impl Pairs {
    /// Whether both ids stand for the same object, which two that were never seen do from now on.
    fn same(&mut self, stripe: &str, sandbox: &str) -> bool {
        match (self.to_sandbox.get(stripe), self.to_stripe.get(sandbox)) {
            (Some(known), _) => known == sandbox,
            (None, Some(_)) => false,
            (None, None) => {
                self.to_sandbox
                    .insert(stripe.to_owned(), sandbox.to_owned());
                self.to_stripe.insert(sandbox.to_owned(), stripe.to_owned());
                true
            }
        }
    }

    /// The sandbox's id for one of Stripe.
    pub(crate) fn of(&self, stripe: &str) -> Option<&str> {
        self.to_sandbox.get(stripe).map(String::as_str)
    }

    /// Whether an id of the sandbox has its counterpart.
    pub(crate) fn knows(&self, sandbox: &str) -> bool {
        self.to_stripe.contains_key(sandbox)
    }
}

/// Where a comparison is in the answers.
#[derive(Clone, Debug, Default)]
struct Place {
    /// From the answer's beginning, with places in lists.
    path: String,
    /// The same without them.
    plain: String,
    /// The object around it.
    object: String,
    /// The path inside that object, without places in lists.
    inside: String,
}

impl Place {
    fn field(&self, name: &str) -> Self {
        let join = |path: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        Self {
            path: join(&self.path),
            plain: join(&self.plain),
            object: self.object.clone(),
            inside: join(&self.inside),
        }
    }

    fn index(&self, index: usize) -> Self {
        Self {
            path: format!("{}[{index}]", self.path),
            ..self.clone()
        }
    }

    /// At an object that says what it is, the path inside begins anew.
    fn entered(&self, object: &Map<String, Value>) -> Self {
        match object.get("object").and_then(Value::as_str) {
            Some(name) => Self {
                object: name.to_owned(),
                inside: String::new(),
                ..self.clone()
            },
            None => self.clone(),
        }
    }
}

/// A comparison of the answers of one step.
pub(crate) struct Comparison<'a> {
    pub(crate) step: &'a str,
    pub(crate) pairs: &'a mut Pairs,
    pub(crate) wall: Wall,
    pub(crate) found: Vec<Difference>,
}

impl Comparison<'_> {
    /// Compares two values that both stand under this name.
    pub(crate) fn values(&mut self, name: &str, stripe: &Value, sandbox: &Value) {
        let place = if name.is_empty() {
            Place::default()
        } else {
            Place::default().field(name)
        };
        self.at(&place, Some(stripe), Some(sandbox));
    }

    fn differ(&mut self, place: &Place, stripe: Option<&Value>, sandbox: Option<&Value>) {
        let path = if place.path.is_empty() {
            "the answer"
        } else {
            &place.path
        };
        let name = place.plain.rsplit('.').next().unwrap_or_default();
        let shown = |value: &Value| redacted_field(name, value);
        self.found.push(Difference {
            step: self.step.to_owned(),
            path: path.to_owned(),
            stripe: stripe.map(shown),
            sandbox: sandbox.map(shown),
            kind: format!("{}.{}", place.object, place.inside),
        });
    }

    fn at(&mut self, place: &Place, stripe: Option<&Value>, sandbox: Option<&Value>) {
        let has = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        match allowed::rule(&place.plain).map(|rule| rule.compared) {
            Some(Leave::Nothing) => return,
            Some(Leave::Presence) if has(stripe) == has(sandbox) => return,
            _ => {}
        }
        match (stripe, sandbox) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                let place = place.entered(other);
                // Ids are paired before what refers to them.
                let mut names: Vec<&String> = one
                    .keys()
                    .chain(other.keys())
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect();
                names.sort_by_key(|name| *name != "id");
                for name in names {
                    self.at(&place.field(name), one.get(name), other.get(name));
                }
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => {
                if one.len() != other.len() {
                    let lengths = (Value::from(one.len()), Value::from(other.len()));
                    self.differ(&place.field("length"), Some(&lengths.0), Some(&lengths.1));
                }
                for (index, (one, other)) in one.iter().zip(other).enumerate() {
                    self.at(&place.index(index), Some(one), Some(other));
                }
            }
            (Some(one), Some(other)) if self.same(one, other) => {}
            (None, None) => {}
            (one, other) => self.differ(place, one, other),
        }
    }

    fn same(&mut self, stripe: &Value, sandbox: &Value) -> bool {
        match (stripe, sandbox) {
            (Value::String(one), Value::String(other)) => self.same_text(one, other),
            (Value::Number(one), Value::Number(other)) => {
                one == other
                    || one
                        .as_i64()
                        .zip(other.as_i64())
                        .is_some_and(|(one, other)| self.same_time(one, other))
            }
            _ => stripe == sandbox,
        }
    }

    /// Whether two numbers are the same moment: the same second of a test clock, or the run's own time.
    fn same_time(&self, stripe: i64, sandbox: i64) -> bool {
        let is_time = |at: i64| (1_000_000_000..5_000_000_000).contains(&at);
        let of_run = |at: i64| {
            (self.wall.from - SLACK_SECONDS..=self.wall.now + SLACK_SECONDS).contains(&at)
        };
        is_time(stripe)
            && is_time(sandbox)
            && ((of_run(stripe) && of_run(sandbox))
                || (!self.wall.clock && (stripe - sandbox).abs() <= SLACK_SECONDS))
    }

    /// Whether two texts are the same but for the ids in them, or both lead somewhere.
    fn same_text(&mut self, stripe: &str, sandbox: &str) -> bool {
        if stripe == sandbox {
            return true;
        }
        let is_link = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if is_link(stripe) && is_link(sandbox) {
            return true;
        }
        let parts = |text: &str| -> Vec<String> {
            text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .map(str::to_owned)
                .collect()
        };
        let (one, other) = (parts(stripe), parts(sandbox));
        one.len() == other.len()
            && one
                .iter()
                .zip(&other)
                .all(|(one, other)| one == other || self.same_id(one, other))
    }

    fn same_id(&mut self, stripe: &str, sandbox: &str) -> bool {
        let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let (one, other) = (
            stripe.trim_end_matches(ends),
            sandbox.trim_end_matches(ends),
        );
        stripe.strip_prefix(one) == sandbox.strip_prefix(other)
            && prefix(one).is_some()
            && prefix(one) == prefix(other)
            && self.pairs.same(one, other)
    }
}

/// Fields that let whoever has them act or read.
const SECRETS: &[&str] = &[
    "client_secret",
    "hosted_invoice_url",
    "invoice_pdf",
    "receipt_url",
    "secret",
];

/// An answer without what lets somebody act with it.
pub(crate) fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), redacted_field(name, value)))
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

fn redacted_field(name: &str, value: &Value) -> Value {
    if SECRETS.contains(&name) && value.is_string() {
        Value::from("redacted")
    } else {
        redacted(value)
    }
}

/// The prefix of an id, if it is one.
pub(crate) fn prefix(text: &str) -> Option<&str> {
    let (prefix, letters) = text.rsplit_once('_')?;
    (PREFIXES.contains(&prefix)
        && letters.len() >= LEAST_LETTERS
        && letters.chars().all(|c| c.is_ascii_alphanumeric()))
    .then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Pairs, Wall, prefix, redacted};
    use serde_json::{Value, json};

    fn differences(stripe: &Value, sandbox: &Value, clock: bool) -> Vec<String> {
        let mut comparison = Comparison {
            step: "",
            pairs: &mut Pairs::default(),
            wall: Wall {
                from: 1_795_964_400,
                now: 1_795_965_000,
                clock,
            },
            found: Vec::new(),
        };
        comparison.values("", stripe, sandbox);
        comparison.found.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn what_has_to_differ_does_not_count() {
        let stripe = json!({
            "id": "cus_StripeStripe1", "object": "customer", "created": 1_795_964_500,
            "clock": 1_800_000_000, "secret": "x", "url": "https://a", "text": "of cus_StripeStripe1.",
            "error": {"message": "one"}, "metadata": {"perennial_probe": "r"},
            "list": [{"id": "sub_StripeStripe1", "customer": "cus_StripeStripe1"}],
        });
        let sandbox = json!({
            "id": "cus_SandboxSandbox", "object": "customer", "created": 1_795_964_390,
            "clock": 1_800_000_000, "secret": "y", "url": "http://b", "text": "of cus_SandboxSandbox.",
            "error": {"message": "other"}, "metadata": {},
            "list": [{"id": "sub_SandboxSandbox", "customer": "cus_SandboxSandbox"}],
        });
        assert_eq!(differences(&stripe, &sandbox, true), [""; 0]);
    }

    #[test]
    fn everything_else_counts_and_is_named_by_its_path() {
        let cases = [
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), "a.b"),
            (json!({"a": [{"b": 1}]}), json!({"a": [{"b": 2}]}), "a[0].b"),
            (json!({"a": [1, 2]}), json!({"a": [1]}), "a.length"),
            (json!({"a": null}), json!({}), "a"),
            (json!({}), json!({"a": null}), "a"),
            (json!({"number": null}), json!({"number": "A-1"}), "number"),
            // An id that stood for another one before.
            (
                json!({"a": "cus_StripeStripe1", "b": "cus_StripeStripe1"}),
                json!({"a": "cus_SandboxSandbox", "b": "cus_SandboxSandbo2"}),
                "b",
            ),
            (
                json!({"a": "cus_StripeStripe1"}),
                json!({"a": "sub_SandboxSandbox"}),
                "a",
            ),
            (
                json!({"a": "card_declined"}),
                json!({"a": "card_velocity"}),
                "a",
            ),
            // A minute of a test clock, and an hour of the machine's.
            (
                json!({"a": 1_800_000_000}),
                json!({"a": 1_800_000_060}),
                "a",
            ),
            (
                json!({"a": 1_795_964_500}),
                json!({"a": 1_795_968_600}),
                "a",
            ),
            (json!([]), json!({}), "the answer"),
        ];
        for (stripe, sandbox, path) in cases {
            assert_eq!(
                differences(&stripe, &sandbox, true),
                [path],
                "{stripe} {sandbox}"
            );
        }
        let (soon, later) = (json!({"a": 1_798_000_000}), json!({"a": 1_798_000_100}));
        assert_eq!(differences(&soon, &later, false), [""; 0]);
    }

    #[test]
    fn no_secret_is_shown() {
        let answer =
            json!({"list": [{"client_secret": "pi_1_secret_2", "secret": null}], "id": "pi_1"});
        let shown = json!({"list": [{"client_secret": "redacted", "secret": null}], "id": "pi_1"});
        assert_eq!(redacted(&answer), shown);
        let mut comparison = Comparison {
            step: "",
            pairs: &mut Pairs::default(),
            wall: Wall {
                from: 0,
                now: 0,
                clock: true,
            },
            found: Vec::new(),
        };
        let without = json!({"client_secret": null});
        comparison.values("", &json!({"client_secret": "pi_1_secret_2"}), &without);
        assert_eq!(comparison.found[0].stripe, Some(json!("redacted")));
    }

    #[test]
    fn an_id_has_a_known_prefix_and_many_letters() {
        assert_eq!(prefix("sub_sched_1NabcdefghiJKL"), Some("sub_sched"));
        assert_eq!(prefix("cus_9s6XKzkNRiz8i3"), Some("cus"));
        for word in [
            "card_declined",
            "subscription_cycle",
            "pm_card_visa",
            "plain",
            "in_progress",
        ] {
            assert_eq!(prefix(word), None, "{word}");
        }
    }
}
