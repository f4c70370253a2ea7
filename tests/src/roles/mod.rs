//! What the roles of `template.yaml` let each function do with the table, judged as IAM judges it.
//!
//! An embedded table lets everything pass, so without this a missing permission would be met by a
//! shopper first, and one too many by an intruder.

mod request;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{LazyLock, Mutex};

use serde_json::Value;

use request::Access;
use template::Statement;

/// One thing that one function may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The function, as its package is called.
    pub function: String,
    /// The action, such as `dynamodb:GetItem`.
    pub action: String,
    /// The table, or one of its indexes.
    pub resource: String,
    /// The pattern of the partition key, or `*`.
    pub keys: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            action,
            resource,
            keys,
        } = self;
        write!(
            f,
            "{function} may {action} on {resource} where the partition key is {keys}"
        )
    }
}

/// Every function's permissions, and what has been made of them.
#[derive(Debug)]
pub struct Roles {
    functions: BTreeMap<String, Vec<Statement>>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    used: BTreeSet<Grant>,
    denied: Vec<String>,
}

impl Roles {
    /// The roles of the template of this build.
    pub fn of_template() -> Self {
        static OF_TEMPLATE: LazyLock<BTreeMap<String, Vec<Statement>>> = LazyLock::new(|| {
            let document = perennial_local::template_as_json().expect("the template is readable");
            template::statements(&document)
        });
        Self {
            functions: OF_TEMPLATE.clone(),
            seen: Mutex::default(),
        }
    }

    /// Everything that is granted on the table.
    pub fn granted(&self) -> BTreeSet<Grant> {
        let mut granted = BTreeSet::new();
        for (function, statements) in &self.functions {
            for statement in statements.iter().filter(|one| one.is_about_the_table()) {
                granted.extend(statement.grants(function));
            }
        }
        granted
    }

    /// What has been used of it so far.
    pub fn used(&self) -> BTreeSet<Grant> {
        self.seen().used.clone()
    }

    /// Notes a request of a function, and says why IAM would refuse it.
    pub(crate) fn judge(
        &self,
        function: &str,
        operation: &str,
        body: &Value,
    ) -> Result<(), String> {
        let statements = self.functions.get(function).ok_or_else(|| {
            format!("{function} is no function of the template with a role of its own")
        });
        let judged = statements.and_then(|statements| {
            let mut used = Vec::new();
            for access in request::accesses(operation, body)? {
                used.extend(allowed(function, statements, &access)?);
            }
            Ok(used)
        });
        match judged {
            Ok(used) => {
                self.seen().used.extend(used);
                Ok(())
            }
            Err(reason) => {
                // A journey that fails on it is not asked for what was refused any more.
                #[allow(clippy::print_stderr, reason = "a failing test says why")]
                {
                    eprintln!("IAM would refuse {reason}");
                }
                self.seen().denied.push(reason.clone());
                Err(reason)
            }
        }
    }

    /// Fails if anything was refused.
    pub(crate) fn check(&self) {
        let denied = &self.seen().denied;
        assert!(
            denied.is_empty(),
            "IAM would refuse:\n{}",
            denied.join("\n")
        );
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("no test panics with the lock")
    }
}

/// The grants that allow the access, each of which would do.
fn allowed(
    function: &str,
    statements: &[Statement],
    access: &Access,
) -> Result<Vec<Grant>, String> {
    let grants: Vec<Grant> = statements
        .iter()
        .filter_map(|statement| statement.allows(function, access))
        .flatten()
        .collect();
    if grants.is_empty() {
        return Err(format!(
            "{function}: {} on {} with the partition keys {:?}. If the function has to do this, add it to a policy of \
             its role in template.yaml and to the table in tests/template/test_permissions.py",
            access.action, access.resource, access.keys
        ));
    }
    Ok(grants)
}

#[cfg(test)]
mod tests;
