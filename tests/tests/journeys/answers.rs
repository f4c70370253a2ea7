//! What goes out to a browser, held word for word.

use std::fmt::Write as _;

use perennial_tests::{Answer, TestApp};
use serde_json::Value;

/// Status, the headers that mean something, and the body, without what differs each time.
fn shown(what: &str, app: &TestApp, answer: &Answer) -> String {
    let mut lines = vec![format!("== {what}"), answer.status.to_string()];
    for name in [
        "content-type",
        "cache-control",
        "location",
        "referrer-policy",
        "retry-after",
    ] {
        if let Some(value) = answer.header(name) {
            let value = if name == "location" {
                without_ids(app, value)
            } else {
                value.to_owned()
            };
            lines.push(format!("{name}: {value}"));
        }
    }
    if !answer.text.is_empty() {
        let body = redacted(app, answer.json());
        lines.push(serde_json::to_string_pretty(&body).unwrap());
    }
    lines.join("\n")
}

fn redacted(app: &TestApp, value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let value = match name.as_str() {
                    "request_id" => "[request id]".into(),
                    _ => redacted(app, value),
                };
                (name, value)
            });
            Value::Object(members.collect())
        }
        Value::Array(values) => values
            .into_iter()
            .map(|value| redacted(app, value))
            .collect(),
        Value::String(text) => without_ids(app, &text).into(),
        other => other,
    }
}

/// Ids keep their kind, times become `[time]`, and addresses lose their port.
fn without_ids(app: &TestApp, text: &str) -> String {
    let is_time = text.len() == 20 && text.ends_with('Z') && text.contains('T');
    if is_time {
        return "[time]".to_owned();
    }
    let text = text
        .replace(app.url(), "[api]")
        .replace(app.stripe.url(), "[stripe]");
    let text = without_link(&text);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut shown = String::new();
    for part in text.split_inclusive(|c| !is_word(c)) {
        let word = part.trim_end_matches(|c| !is_word(c));
        let kinds = ["chk", "seti", "sub", "price", "pm", "cus", "in"];
        let kind = kinds
            .iter()
            .find(|kind| word.starts_with(&format!("{kind}_")) && word.len() > 16);
        match kind {
            Some(kind) if word.contains("_secret_") => write!(shown, "[{kind} secret]").unwrap(),
            Some(kind) => write!(shown, "[{kind}]").unwrap(),
            None => shown.push_str(word),
        }
        shown.push_str(&part[word.len()..]);
    }
    shown
}

/// A signed link depends on the secret that signs it.
fn without_link(text: &str) -> String {
    match text.split_once("/manage?link=") {
        Some((before, _)) => format!("{before}/manage?link=[link]"),
        None => text.to_owned(),
    }
}

#[tokio::test]
async fn the_answers_of_a_journey_are_these() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let mut answers = Vec::new();
    let mut note = |what: &str, answer: &Answer| answers.push(shown(what, &app, answer));

    let clicked = alice.calls.click("stock-photos-trial").await;
    note("a click", &clicked);
    let opened = clicked.json();
    let checkout = opened["checkout"].as_str().unwrap();
    note(
        "polling before the wallet has answered",
        &alice.calls.checkout(checkout).await,
    );
    note(
        "subscribing before the wallet has answered",
        &alice.calls.subscribe(checkout).await,
    );
    let back = alice.answer_wallet(&opened, "decline").await;
    note(
        "a return after a decline",
        &alice.calls.come_back(&back).await,
    );
    note(
        "polling after a decline",
        &alice.calls.checkout(checkout).await,
    );
    note(
        "subscribing after a decline",
        &alice.calls.subscribe(checkout).await,
    );
    let back = alice.answer_wallet(&opened, "approve").await;
    note("subscribing", &alice.calls.subscribe(checkout).await);
    note("a return", &alice.calls.come_back(&back).await);
    note(
        "a return as JSON",
        &alice.calls.come_back_for_json(&back).await,
    );
    note(
        "a click of a subscriber",
        &alice.calls.click("stock-photos-monthly").await,
    );
    note("what a user has", &alice.calls.subscriptions().await);
    note(
        "what another user has",
        &app.caller("bob").subscriptions().await,
    );
    note(
        "a checkout of another user",
        &app.caller("bob").checkout(checkout).await,
    );
    note("an unknown plan", &alice.calls.click("gold").await);
    note("no token", &app.anybody().subscriptions().await);
    note(
        "a webhook without a signature",
        &app.anybody().webhook("{}", None).await,
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(answers.join("\n"));
}
