//! Every bad input: its status, its stable code, a sentence that helps, and nothing has changed.

mod bodies;
mod callers;
mod returns;
mod webhooks;

use perennial_tests::{Answer, Caller, TestApp};
use serde_json::Value;

/// All that is at Stripe and in the table, but for the time.
async fn everything(app: &TestApp) -> (Value, Vec<Value>) {
    let mut stripe = app.stripe.state().await;
    stripe.as_object_mut().unwrap().remove("now");
    (stripe, app.table.items().await)
}

/// An app with a checkout of alice's that waits for the wallet, and one of bob's.
async fn two_shoppers() -> (TestApp, Value, Value) {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice").click().await;
    let bob = app.shopper("bob").click().await;
    (app, alice, bob)
}

async fn post(caller: &Caller, path: &str, kind: Option<&str>, body: &str) -> Answer {
    let request = caller.request("POST", path).body(body.to_owned());
    let request = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    caller.send(request).await
}
