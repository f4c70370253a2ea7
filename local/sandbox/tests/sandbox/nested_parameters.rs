//! Every nested parameter that Stripe knows is acted on, or refused: each is sent, and `nested_parameters.txt` has those
//! that are taken. What is taken and not listed has to be read: is it acted on, or ignored in silence?

use crate::support::{Stripe, id};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

type Owned = Vec<(String, String)>;

/// What an operation needs beside the parameter that is tried.
struct Base {
    name: &'static str,
    path: String,
    params: Owned,
}

struct Shop {
    customer: String,
    method: String,
    product: String,
    price: String,
    subscription: String,
    item: String,
}

async fn shop(stripe: &Stripe) -> Shop {
    let customer = stripe.id("/v1/customers", &[]).await;
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let method = stripe.id(attach, &[("customer", &customer)]).await;
    let price = stripe.price().await;
    let product = stripe.get(&format!("/v1/prices/{price}"), &[]).await.ok()["product"]
        .as_str()
        .unwrap()
        .to_owned();
    let params = [
        ("customer", &*customer),
        ("items[0][price]", &price),
        ("default_payment_method", &method),
    ];
    let subscription = stripe.post("/v1/subscriptions", &params).await.ok();
    Shop {
        item: id(&subscription["items"]["data"][0]),
        subscription: id(&subscription),
        customer,
        method,
        product,
        price,
    }
}

fn bases(shop: &Shop) -> Vec<Base> {
    let base = |name: &'static str, of: &str, params: &[(&str, &str)]| Base {
        name,
        path: name.split_once(' ').unwrap().1.replace("{id}", of),
        params: owned(params),
    };
    let Shop {
        customer,
        method,
        product,
        price,
        subscription,
        item,
    } = shop;
    let of_customer = ("customer", &**customer);
    vec![
        base("POST /v1/customers", "", &[]),
        base("POST /v1/customers/{id}", customer, &[]),
        base("POST /v1/products", "", &[("name", "Prints")]),
        base(
            "POST /v1/prices",
            "",
            &[
                ("currency", "usd"),
                ("unit_amount", "5"),
                ("product", product),
            ],
        ),
        base("POST /v1/setup_intents", "", &[of_customer]),
        base(
            "POST /v1/payment_intents",
            "",
            &[("amount", "1500"), ("currency", "usd"), of_customer],
        ),
        base(
            "POST /v1/payment_methods",
            "",
            &[("type", "card"), ("card[token]", "tok_visa")],
        ),
        base("POST /v1/payment_methods/{id}", method, &[]),
        base(
            "POST /v1/subscriptions",
            "",
            &[
                of_customer,
                ("items[0][price]", price),
                ("default_payment_method", method),
            ],
        ),
        base(
            "POST /v1/subscriptions/{id}",
            subscription,
            &[("items[0][id]", item)],
        ),
        base("DELETE /v1/subscriptions/{id}", subscription, &[]),
        base(
            "POST /v1/subscription_items/{id}",
            item,
            &[("proration_behavior", "none")],
        ),
        base(
            "POST /v1/invoices/create_preview",
            "",
            &[("subscription", subscription)],
        ),
        base(
            "POST /v1/invoiceitems",
            "",
            &[of_customer, ("amount", "500"), ("currency", "usd")],
        ),
        base(
            "POST /v1/billing_portal/configurations",
            "",
            &[("features[invoice_history][enabled]", "true")],
        ),
        base("POST /v1/billing_portal/sessions", "", &[of_customer]),
    ]
}

fn owned(pairs: &[(&str, &str)]) -> Owned {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

/// The trees of `operations.json`.
struct Trees(Value);

impl Trees {
    fn read() -> Self {
        let text = include_str!("../../src/params/operations.json");
        Self(serde_json::from_str(text).unwrap())
    }

    fn of(&self, operation: &str) -> &Map<String, Value> {
        self.0["operations"][operation]["object"]
            .as_object()
            .unwrap()
    }

    /// The node itself: neither a name of another one nor one that may be cleared or is limited.
    fn plain<'a>(&'a self, node: &'a Value) -> &'a Value {
        let inner = node["same"]
            .as_str()
            .map(|name| &self.0["shared"][name])
            .or(node.get("empty"))
            .or(node.get("of"));
        inner.map_or(node, |inner| self.plain(inner))
    }

    /// The smallest value that the node takes.
    fn least(&self, node: &Value, name: &str) -> Owned {
        let format = node["format"].as_str();
        let node = self.plain(node);
        if let Some(list) = node.get("list") {
            return self.least(list, &format!("{name}[0]"));
        }
        if node.get("map").is_some() {
            return vec![(format!("{name}[k]"), "v".to_owned())];
        }
        if let Some(any) = node.get("any") {
            return self.least(&any[0], name);
        }
        if let Some(object) = node.get("object") {
            return self.required(node, name, None, object);
        }
        let value = match (node.as_str(), format) {
            (Some("boolean"), _) => "true",
            (Some("integer"), _) => "7",
            (Some("decimal"), _) => "1.5",
            (_, Some("url")) => "https://shop.example/x",
            (_, Some("email")) => "a@shop.example",
            (_, Some("currency")) => "usd",
            _ => node["enum"][0].as_str().unwrap_or("nobody"),
        };
        vec![(name.to_owned(), value.to_owned())]
    }

    /// What a hash needs beside one of its members.
    fn required(&self, node: &Value, name: &str, but: Option<&str>, object: &Value) -> Owned {
        let names = node["required"].as_array().into_iter().flatten();
        let others = names
            .filter_map(Value::as_str)
            .filter(|it| Some(*it) != but);
        others
            .flat_map(|it| self.least(&object[it], &format!("{name}[{it}]")))
            .collect()
    }

    /// Each parameter within a node, with the pairs that send it.
    fn leaves(&self, node: &Value, name: &str, beside: &Owned, found: &mut Vec<(String, Owned)>) {
        let inner = self.plain(node);
        if let Some(list) = inner.get("list") {
            return self.leaves(list, &format!("{name}[0]"), beside, found);
        }
        if let Some(any) = inner["any"].as_array() {
            return any
                .iter()
                .for_each(|node| self.leaves(node, name, beside, found));
        }
        if let Some(object) = inner.get("object") {
            for (member, node) in object.as_object().unwrap() {
                let mut beside = beside.clone();
                beside.extend(self.required(inner, name, Some(member), object));
                self.leaves(node, &format!("{name}[{member}]"), &beside, found);
            }
            return;
        }
        let mut pairs = beside.clone();
        pairs.extend(self.least(node, name));
        found.push((name.to_owned(), pairs));
    }
}

#[tokio::test]
async fn every_nested_parameter_is_acted_on_or_refused() {
    let stripe = Stripe::start().await;
    let trees = Trees::read();
    let mut shop = self::shop(&stripe).await;
    let mut taken = BTreeSet::new();
    for place in 0..bases(&shop).len() {
        let name = bases(&shop)[place].name;
        let mut leaves = Vec::new();
        for (param, node) in trees.of(name) {
            if !matches!(param.as_str(), "metadata" | "expand") {
                trees.leaves(node, param, &Vec::new(), &mut leaves);
            }
        }
        leaves.retain(|(leaf, _)| leaf.contains('['));
        for (leaf, pairs) in leaves {
            let base = bases(&shop).swap_remove(place);
            let is_sent = |name: &str| pairs.iter().any(|(sent, _)| sent == name);
            let mut params: Vec<(&str, &str)> = base
                .params
                .iter()
                .filter(|(name, _)| {
                    !is_sent(name) && (!name.starts_with("items") || leaf.starts_with("items"))
                })
                .map(|(name, value)| (&**name, &**value))
                .collect();
            if name == "POST /v1/subscriptions" && !leaf.starts_with("items") {
                params.push(("items[0][price]", &shop.price));
            }
            params.extend(pairs.iter().map(|(name, value)| (&**name, &**value)));
            let method = name.split(' ').next().unwrap();
            let answer = stripe
                .send(stripe.request(method, &base.path, &params))
                .await;
            if answer.status == 200 {
                taken.insert(format!("{name} {leaf}"));
                if name.contains("/v1/subscription") {
                    shop = self::shop(&stripe).await;
                }
            }
        }
    }
    let listed: BTreeSet<String> = include_str!("nested_parameters.txt")
        .lines()
        .map(str::to_owned)
        .collect();
    let more: Vec<&String> = taken.difference(&listed).collect();
    let fewer: Vec<&String> = listed.difference(&taken).collect();
    assert!(
        more.is_empty() && fewer.is_empty(),
        "taken, and not in nested_parameters.txt:\n{more:#?}\nlisted, and not taken:\n{fewer:#?}"
    );
}
