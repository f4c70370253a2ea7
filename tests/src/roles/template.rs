//! The statements of the roles, out of the template.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Grant;
use super::request::Access;

/// One statement of a policy.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    actions: Vec<String>,
    resource: String,
    /// The patterns of `dynamodb:LeadingKeys`, if there is such a condition.
    keys: Option<Vec<String>>,
    /// Whether a request without the key fails: `Null: {dynamodb:LeadingKeys: false}`.
    needs_key: bool,
}

const LEADING_KEYS: &str = "dynamodb:LeadingKeys";

/// The statements of each function, by the function's package.
pub(super) fn statements(document: &Value) -> BTreeMap<String, Vec<Statement>> {
    let resources = document["Resources"]
        .as_object()
        .expect("there are resources");
    resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::Serverless::Function")
        .map(|function| {
            let properties = &function["Properties"];
            let package = properties["CodeUri"]
                .as_str()
                .and_then(|uri| uri.rsplit('/').next());
            let package = package.expect("a function has a folder of its own");
            let role = properties["Role"]["Fn::GetAtt"].as_str();
            let role = role.and_then(|role| role.strip_suffix(".Arn"));
            let role = &resources[role.expect("a function has a role of its own")]["Properties"];
            let managed = list(&role["ManagedPolicyArns"]);
            let managed = managed.map(|policy| {
                let name = taken(policy)["Ref"]
                    .as_str()
                    .expect("the policies are the template's");
                &resources[name]["Properties"]
            });
            let policies = managed.chain(list(&role["Policies"]));
            let statements = policies
                .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
                .map(|statement| Statement::read(taken(statement)))
                .collect();
            (package.to_owned(), statements)
        })
        .collect()
}

impl Statement {
    fn read(statement: &Value) -> Self {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        let mut keys = None;
        let mut needs_key = false;
        for (operator, condition) in statement["Condition"].as_object().into_iter().flatten() {
            match (operator.as_str(), condition.get(LEADING_KEYS)) {
                ("ForAllValues:StringLike" | "ForAllValues:StringEquals", Some(patterns)) => {
                    keys = Some(texts(patterns));
                }
                ("Null", Some(is_absent)) => {
                    needs_key = *is_absent == false || *is_absent == "false";
                }
                // What is not about the table is not judged here.
                (_, None) => {}
                (other, Some(_)) => panic!("an unknown condition on the partition key: {other}"),
            }
        }
        Self {
            actions: texts(&statement["Action"]),
            resource: target(&statement["Resource"]),
            keys,
            needs_key,
        }
    }

    pub(super) fn is_about_the_table(&self) -> bool {
        self.actions
            .iter()
            .any(|action| action.starts_with("dynamodb:"))
            && !self.resource.contains("tream")
    }

    /// Everything that it grants.
    pub(super) fn grants(&self, function: &str) -> Vec<Grant> {
        let any = vec!["*".to_owned()];
        let keys = self.keys.as_ref().unwrap_or(&any);
        self.actions
            .iter()
            .flat_map(|action| {
                keys.iter().map(|keys| Grant {
                    function: function.to_owned(),
                    action: action.clone(),
                    resource: self.resource.clone(),
                    keys: keys.clone(),
                })
            })
            .collect()
    }

    /// The grants that allow the access: one for each of its partition keys.
    ///
    /// `ForAllValues` is true of a request that has no such key, unless `Null` asks for one.
    pub(super) fn allows(&self, function: &str, access: &Access) -> Option<Vec<Grant>> {
        if self.resource != access.resource || !self.actions.contains(&access.action) {
            return None;
        }
        let patterns = match (&self.keys, &access.keys) {
            (None, _) => vec!["*".to_owned()],
            (Some(_), None) if self.needs_key => return None,
            (Some(patterns), None) => patterns.clone(),
            (Some(patterns), Some(keys)) => {
                let matching = keys
                    .iter()
                    .map(|key| patterns.iter().find(|pattern| is_like(key, pattern)));
                matching
                    .map(Option::<&String>::cloned)
                    .collect::<Option<_>>()?
            }
        };
        let grants = patterns.into_iter().map(|keys| Grant {
            function: function.to_owned(),
            action: access.action.clone(),
            resource: access.resource.clone(),
            keys,
        });
        Some(grants.collect())
    }
}

/// `StringLike` with `*` at its end, which is all that the template uses.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((start, "")) => text.starts_with(start),
        Some(_) => panic!("{pattern}: only a star at the end is understood here"),
    }
}

/// What a condition leaves in a stack of its own, with everything switched on: the first branch.
fn taken(value: &Value) -> &Value {
    value.get("Fn::If").map_or(value, |branches| {
        let other = &branches[2];
        let first = &branches[1];
        if first["Ref"] == "AWS::NoValue" {
            other
        } else {
            first
        }
    })
}

/// A resource as the template names it: `Table.Arn`, `${Table.Arn}/index/due`.
fn target(resource: &Value) -> String {
    let resource = taken(resource);
    let named = ["Fn::GetAtt", "Fn::Sub", "Ref"]
        .iter()
        .find_map(|key| resource[key].as_str());
    named
        .or_else(|| resource.as_str())
        .unwrap_or_else(|| panic!("an unknown resource: {resource}"))
        .to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A list, also of one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        other => list(other)
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}
