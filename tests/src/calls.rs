//! How many calls something cost.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::sandbox;

/// Calls of Stripe and of DynamoDB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// By method and path.
    pub stripe: BTreeMap<String, usize>,
    /// By operation.
    pub dynamodb: BTreeMap<String, usize>,
}

impl Calls {
    /// Those of the functions; what a page asks with a publishable key costs the shop nothing.
    pub(crate) fn new(requests: &[Value], dynamodb: BTreeMap<String, usize>) -> Self {
        let mut stripe = BTreeMap::new();
        for request in requests
            .iter()
            .filter(|request| request["key"] != "publishable")
        {
            *stripe.entry(sandbox::name_of(request)).or_default() += 1;
        }
        Self { stripe, dynamodb }
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |calls: &BTreeMap<String, usize>| {
            let calls: Vec<String> = calls
                .iter()
                .map(|(name, count)| {
                    if *count == 1 {
                        name.clone()
                    } else {
                        format!("{count} x {name}")
                    }
                })
                .collect();
            if calls.is_empty() {
                "nothing".to_owned()
            } else {
                calls.join(", ")
            }
        };
        write!(
            f,
            "Stripe: {}; DynamoDB: {}",
            text(&self.stripe),
            text(&self.dynamodb)
        )
    }
}
