//! Private plans: for users to whom the shop has offered them, and for everybody else plans that do not exist.

mod erased;
mod hidden;
mod offering;
mod taken_back;

use perennial_tests::{Answer, Setup, Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::ShopServer;

/// A shop that sells two plans to everybody, and three in private: one of the same group, one that is sold by the seat
/// and gives back unused time, and one of a group of its own.
async fn shop() -> TestApp {
    let private = |group: &str, amount: u64| json!({"group": group, "label": format!("Private {amount}"), "amount": amount, "private": true});
    let mut team = private("photos", 800);
    team["quantity"] = json!({"minimum": 2, "maximum": 9, "shopper_may_change": true});
    let plans = json!({
        "basic": {"group": "photos", "label": "Basic", "amount": 1500},
        "pro": {"group": "photos", "label": "Pro", "amount": 2900},
        "acme": private("photos", 1100),
        "acme-team": team,
        "acme-wiki": private("wiki", 700),
    });
    TestApp::selling(&plans, Setup::default()).await
}

async fn offer(app: &TestApp, user: &str, plan: &str, offered: bool) -> Answer {
    let body = json!({"user": user, "plan": plan, "offered": offered});
    ShopServer::of(app)
        .post("/shop/users/offer", "", &body)
        .await
}

/// What the shop's server is told to be offered to a user.
async fn offers(app: &TestApp, user: &str) -> Value {
    let known = ShopServer::of(app)
        .get(&format!("/shop/users?user={user}"))
        .await;
    known.expect(200).json()["offers"].clone()
}

async fn post(shopper: &Shopper, path: &str, body: &Value) -> Answer {
    let request = shopper.calls.request("POST", path).json(body);
    shopper.calls.send(request).await
}

async fn get(shopper: &Shopper, path: &str) -> Answer {
    shopper.calls.send(shopper.calls.request("GET", path)).await
}

/// Code and sentence of a refusal, with its status.
fn refusal(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(error) = body["error"].as_object_mut() {
        error.remove("request_id");
    }
    (answer.status, body)
}

/// The names of plans as a page is told them.
fn names(plans: &Value) -> Value {
    let plans = plans.as_array().unwrap().iter();
    plans.map(|plan| plan["name"].clone()).collect()
}
