//! The types of the page's module, made of the document.

use serde_json::Value;

/// Where they are.
pub(crate) const TYPES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../web/perennial/answers.d.ts"
);

/// What the module is answered. Everything that these are made of comes along.
const ROOTS: [&str; 21] = [
    "AgainPreview",
    "Checkout",
    "EndPreview",
    "Entitlement",
    "Feedback",
    "FinishedMethod",
    "FinishedRepair",
    "First",
    "GivenPlan",
    "Invoices",
    "ManagedSubscription",
    "OpenedMethod",
    "PausePreview",
    "PendingMethod",
    "Plan",
    "PlanPreview",
    "RepairOffer",
    "SheetWallet",
    "Subscription",
    "SubscriptionDetails",
    "Wallets",
];

/// Schemas that Stripe.js types.
const OF_STRIPE_JS: [(&str, &str); 2] = [
    ("Elements", "StripeElementsOptionsMode"),
    ("ExpressCheckout", "StripeExpressCheckoutElementOptions"),
];

/// The file, of the text of the document.
pub(crate) fn types(document: &str) -> String {
    let document: Value = serde_json::from_str(document).expect("the document is JSON");
    let schemas = &document["components"]["schemas"];
    let mut names: Vec<String> = ROOTS.map(str::to_owned).to_vec();
    let mut done = 0;
    let mut declared = Vec::new();
    while let Some(name) = names.get(done).cloned() {
        done += 1;
        let schema = &schemas[name.as_str()];
        let mut printer = Printer { schemas, names };
        let text = match schema["properties"].as_object() {
            Some(_) => format!("export interface {name} {}", printer.object(schema, "")),
            None => format!("export type {name} = {};", printer.type_of(schema, "")),
        };
        names = printer.names;
        declared.push((name, format!("{}{text}\n", comment(schema, ""))));
    }
    declared.sort();
    let imported = OF_STRIPE_JS.map(|(_, name)| name).join(", ");
    let mut file = format!(
        "// What the API answers, made of docs/openapi.json by `cargo run -p perennial-api --example openapi`.\n\
         import type {{ {imported} }} from \"@stripe/stripe-js\";\n"
    );
    for (_, text) in declared {
        file.push('\n');
        file.push_str(&text);
    }
    file
}

struct Printer<'a> {
    schemas: &'a Value,
    /// The schemas that have a type of their own, in the order in which they were met.
    names: Vec<String>,
}

impl Printer<'_> {
    fn type_of(&mut self, schema: &Value, indent: &str) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.named(reference.rsplit('/').next().unwrap_or_default());
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<String> = words.iter().map(Value::to_string).collect();
            return words.join(" | ");
        }
        if let Some(any) = schema["anyOf"].as_array() {
            // With words beside it, it may be another word too, and so any text.
            if schema["type"] == "string" {
                return "string".to_owned();
            }
            let any: Vec<String> = any.iter().map(|it| self.type_of(it, indent)).collect();
            return any.join(" | ");
        }
        if let Some(types) = schema["type"].as_array() {
            let of_one = |kind: &Value| {
                let mut one = schema.clone();
                one["type"] = kind.clone();
                one
            };
            let types: Vec<String> = types
                .iter()
                .map(|kind| self.type_of(&of_one(kind), indent))
                .collect();
            return types.join(" | ");
        }
        match schema["type"].as_str() {
            Some("integer" | "number") => "number".to_owned(),
            Some("array") => match self.type_of(&schema["items"], indent) {
                item if item.contains(' ') => format!("({item})[]"),
                item => format!("{item}[]"),
            },
            Some("object") if schema["properties"].is_object() => self.object(schema, indent),
            Some("object") => {
                let key = self.type_of(&schema["propertyNames"], indent);
                let value = self.type_of(&schema["additionalProperties"], indent);
                format!("Partial<Record<{key}, {value}>>")
            }
            Some(simple) => simple.to_owned(),
            None => panic!("no type is known for {schema}"),
        }
    }

    /// Names and ids are texts; only what has members or a closed list of words gets a type.
    fn named(&mut self, name: &str) -> String {
        if let Some((_, of_stripe_js)) = OF_STRIPE_JS.iter().find(|(it, _)| *it == name) {
            return (*of_stripe_js).to_owned();
        }
        let schema = &self.schemas[name];
        if !schema["properties"].is_object() && schema["enum"].is_null() {
            return self.type_of(schema, "");
        }
        if !self.names.iter().any(|it| it == name) {
            self.names.push(name.to_owned());
        }
        name.to_owned()
    }

    fn object(&mut self, schema: &Value, indent: &str) -> String {
        let within = format!("{indent}  ");
        let required = schema["required"].as_array();
        let mut text = "{\n".to_owned();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let has_to_be = required.is_some_and(|names| names.iter().any(|it| it == name));
            let mark = if has_to_be { "" } else { "?" };
            let kind = self.type_of(member, &within);
            text += &comment(member, &within);
            text += &[&within, name, mark, ": ", &kind, ";\n"].concat();
        }
        text + indent + "}"
    }
}

fn comment(schema: &Value, indent: &str) -> String {
    let text = schema["description"].as_str();
    text.map_or_else(String::new, |text| format!("{indent}/** {text} */\n"))
}
