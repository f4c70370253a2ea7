//! What has no place at rest or in a log line.

use serde_json::Value;

use crate::asked::MAILBOX;
use crate::request::{ADDRESS, BROWSER};

const SECRETS: [&str; 8] = [
    "_secret_",
    "whsec_",
    "sk_test_",
    "rk_test_",
    "client_secret=",
    ADDRESS,
    BROWSER,
    MAILBOX,
];

pub(super) fn secrets(items: &[Value], log: &str, broken: &mut Vec<String>) {
    for item in items {
        let text = item.to_string();
        if let Some(found) = SECRETS.iter().find(|word| text.contains(**word)) {
            broken.push(format!(
                "{found} is at rest in {} {}",
                item["pk"], item["sk"]
            ));
        }
    }
    for line in log.lines() {
        if let Some(found) = SECRETS.iter().find(|word| line.contains(**word)) {
            broken.push(format!("{found} is in a log line: {line}"));
        }
    }
}
