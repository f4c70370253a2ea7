//! A paid period that ends at once, for the part of it that is not used: for the amount that was shown, once, whatever
//! fails in between.

mod failing;

use perennial_tests::{Answer, Setup, TestApp};
use serde_json::{Value, json};

use super::{Subscriber, at_once};
use crate::payments::text;

const DAY: u32 = 24 * 3600;

/// Plans that give back what is not used, one with a trial, and one that does not.
fn plans() -> Value {
    let plan = |amount: u64, refund: &str| json!({"group": "photos", "label": "Photos", "amount": amount, "cancel_refund": refund});
    let mut trial = plan(1500, "prorated");
    trial["trial_days"] = 7.into();
    json!({
        "basic": plan(1500, "prorated"),
        "pro": plan(2900, "prorated"),
        "trial": trial,
        "kept": plan(1500, "none"),
    })
}

/// A subscriber who is some days into a paid period.
async fn subscriber(plan: &str) -> Subscriber {
    let it = Subscriber::in_app(TestApp::selling(&plans(), Setup::default()).await, plan).await;
    it.app.stripe.advance(10 * DAY).await;
    it.app.quiet().await;
    it.app.stripe.forget_requests().await;
    it
}

async fn preview(it: &Subscriber) -> Value {
    let shown = it.asks("preview", &json!({"cancel": "now"})).await;
    shown.expect(200).json()
}

async fn agree(it: &Subscriber, shown: &Value) -> Answer {
    it.asks("cancel", &json!({"preview": shown["preview"]}))
        .await
}

fn amount(money: &Value) -> u64 {
    money["amount"]
        .as_u64()
        .unwrap_or_else(|| panic!("{money}"))
}

/// What Stripe has given back of all charges.
async fn refunded(it: &Subscriber) -> u64 {
    let charges = it.app.stripe.objects("charge").await;
    let refunded = charges.iter().map(|it| it["amount_refunded"].as_u64());
    refunded.map(Option::unwrap).sum()
}

async fn credit_notes(it: &Subscriber) -> Vec<Value> {
    it.app.stripe.objects("credit_note").await
}

async fn balance(it: &Subscriber) -> i64 {
    let customers = it.app.stripe.objects("customer").await;
    customers[0]["balance"].as_i64().unwrap()
}

/// The caller is dead, and its lease is over.
async fn time_passes(it: &Subscriber) {
    for mut item in it.app.table.raw_items().await {
        let key = item["sk"]["S"].as_str().unwrap_or_default().to_owned();
        if !key.starts_with("ACTIONS#") || item.get("owner").is_none() {
            continue;
        }
        let past = json!({"S": "2026-01-01T00:00:00Z"});
        for name in ["lease", "due_at"] {
            if item.get(name).is_some() {
                item[name] = past.clone();
            }
        }
        it.app.table.put(&item).await;
    }
}

impl Subscriber {
    /// Has the sandbox play what a bank or a wallet does.
    pub(super) async fn play(&self, path: &str) {
        let url = format!("{}/_sandbox{path}", self.app.stripe.url());
        let request = perennial_tests::http().post(url);
        let request = request.bearer_auth(self.app.stripe.secret_key());
        let answer = request.json(&json!({})).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        self.app.quiet().await;
    }
}

async fn sweep(it: &Subscriber) -> Value {
    let swept = crate::sweeps::sweep(&crate::sweeps::sweeper(&it.app, 0).await, "open").await;
    swept["actions"].clone()
}

async fn fault(it: &Subscriber, method: &str, path: &str, fault: &str, times: u32) {
    let fault = json!({"method": method, "path": path, "fault": fault, "times": times,
        "delay_ms": 1});
    it.app.stripe.fault(fault).await;
}

/// It has ended once, for the amount that was shown, and the shop was told so.
async fn check_ended(it: &Subscriber, shown: &Value) {
    it.app.quiet().await;
    let refund = amount(&shown["given_back"]["refund"]);
    assert!(refund > 0, "{shown}");
    assert_eq!(refunded(it).await, refund);
    assert_eq!(credit_notes(it).await.len(), 1);
    assert_eq!(balance(it).await, 0);
    assert_eq!(it.mine().await["status"], "canceled");
    assert_eq!(it.told().await, ["subscription.canceled"]);
    let told = it.app.table.items_of("OUT#").await;
    let end = told
        .iter()
        .find(|event| event["type"] == "subscription.canceled");
    let data: Value = serde_json::from_str(text(&end.unwrap()["data"])).unwrap();
    let expected = json!({"refund": refund, "credit": 0, "currency": "usd"});
    assert_eq!(data["given_back"], expected);
    let items = it.app.table.items_of("ACTIONS#").await;
    for left in ["owed", "due", "owner"] {
        assert!(items.iter().all(|item| item.get(left).is_none()), "{left}");
    }
}

#[tokio::test]
async fn what_is_not_used_goes_back_as_it_was_shown() {
    let it = subscriber("basic").await;
    let cancel = it.mine().await["actions"]["cancel"].clone();
    assert_eq!(cancel["when"], json!(["period_end", "now"]), "{cancel}");
    assert_eq!(cancel["refund"], "prorated");
    let shown = preview(&it).await;
    let refund = amount(&shown["given_back"]["refund"]);
    assert!(
        (900..1100).contains(&refund),
        "two thirds of 15.00: {shown}"
    );
    assert_eq!(amount(&shown["given_back"]["credit"]), 0);
    assert_eq!(shown["lines"][0]["amount"], -i64::try_from(refund).unwrap());
    assert_eq!(it.at_stripe().await["status"], "active", "nothing was done");
    // Minutes later, when a little less is left.
    it.app.stripe.advance(600).await;
    let body = json!({"preview": shown["preview"], "feedback": "unused"});
    let ended = it.asks("cancel", &body).await.expect(200).json();
    assert_eq!(ended["subscription"]["status"], "canceled", "{ended}");
    assert_eq!(ended["given_back"], shown["given_back"]);
    assert_eq!(
        it.at_stripe().await["cancellation_details"]["feedback"],
        "unused"
    );
    check_ended(&it, &shown).await;
    let note = credit_notes(&it).await.remove(0);
    assert_eq!(note["total"], refund);
    let sent = it.app.stripe.requests_to("POST /v1/credit_notes").await;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].to_string().contains("email_type"), "{}", sent[0]);
    assert_eq!(it.mine().await["refunds"][0]["amount"], refund);

    // However often the page says so.
    let again = agree(&it, &shown).await.expect(200).json();
    assert_eq!(again["given_back"], shown["given_back"]);
    let another = it.asks("preview", &json!({"cancel": "now"})).await;
    assert_eq!(another.expect_error(409), "subscription_ended");
    check_ended(&it, &shown).await;
}

#[tokio::test]
async fn a_plan_that_gives_nothing_back_keeps_what_is_paid_for() {
    let it = subscriber("kept").await;
    assert_eq!(it.mine().await["actions"]["cancel"]["refund"], "none");
    let refused = it.asks("preview", &json!({"cancel": "now"})).await;
    assert_eq!(refused.expect_error(409), "period_is_paid");
    let refused = it.asks("cancel", &at_once()).await;
    assert_eq!(refused.expect_error(409), "period_is_paid");
    let body = json!({"when": "now", "refund": "prorated"});
    let refused = it.server_asks("cancel", "k1", &body).await;
    assert_eq!(refused.expect_error(409), "refund_not_offered");
    assert_eq!(it.changes().await, 0);
    // A server may end it, for nothing.
    let path = format!("/shop/subscriptions/{}/preview", it.id);
    let server = crate::payments::ShopServer::of(&it.app);
    let body = json!({"user": "alice", "cancel": "now"});
    let shown = server.post(&path, "k2", &body).await.expect(200).json();
    assert_eq!(amount(&shown["given_back"]["refund"]), 0, "{shown}");
}

#[tokio::test]
async fn a_shopper_sees_the_amount_first_and_a_server_may_leave_it_out() {
    let it = subscriber("basic").await;
    let refused = it.asks("cancel", &at_once()).await;
    assert_eq!(refused.expect_error(409), "preview_required");
    assert_eq!(it.changes().await, 0);
    let body = json!({"when": "now", "refund": "prorated"});
    let ended = it.server_asks("cancel", "k1", &body).await.expect(200);
    let ended = ended.json();
    check_ended(&it, &ended).await;
    let again = it.server_asks("cancel", "k1", &body).await.expect(200);
    assert_eq!(again.json()["given_back"], ended["given_back"]);
    check_ended(&it, &ended).await;
}

#[tokio::test]
async fn a_server_ends_for_nothing_unless_it_says_otherwise() {
    let it = subscriber("basic").await;
    let ended = it.server_asks("cancel", "k1", &at_once()).await.expect(200);
    assert!(ended.json().get("given_back").is_none());
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, 0);
    let told = it.app.table.items_of("OUT#").await;
    let data: Value = serde_json::from_str(text(&told.last().unwrap()["data"])).unwrap();
    assert_eq!(data["given_back"], Value::Null);
}

#[tokio::test]
async fn what_two_invoices_have_paid_goes_back_of_both() {
    let it = subscriber("basic").await;
    let dearer = it.asks("preview", &json!({"plan": "pro"})).await;
    let dearer = json!({"preview": dearer.expect(200).json()["preview"]});
    it.asks("change", &dearer).await.expect(200);
    it.app.quiet().await;
    let shown = preview(&it).await;
    let refund = amount(&shown["given_back"]["refund"]);
    assert!(
        (1700..2100).contains(&refund),
        "two thirds of 29.00: {shown}"
    );
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, refund);
    assert_eq!(credit_notes(&it).await.len(), 2, "one for each invoice");
    assert_eq!(balance(&it).await, 0);
}

#[tokio::test]
async fn what_was_given_back_before_is_not_given_back_again() {
    let it = subscriber("basic").await;
    let charge = text(&it.app.stripe.objects("charge").await[0]["id"]).to_owned();
    let form = [("charge", charge.as_str()), ("amount", "1200")];
    it.app.stripe.api("POST", "/v1/refunds", &form).await;
    it.app.quiet().await;
    let shown = preview(&it).await;
    assert_eq!(amount(&shown["given_back"]["refund"]), 300, "{shown}");
    // And between the two.
    let form = [("charge", charge.as_str()), ("amount", "100")];
    it.app.stripe.api("POST", "/v1/refunds", &form).await;
    it.app.quiet().await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert_eq!(it.at_stripe().await["status"], "active");
    // What it gives back now is beside that.
    let shown = refused.json()["new_preview"].clone();
    assert_eq!(amount(&shown["given_back"]["refund"]), 200, "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, 1500);
}

#[tokio::test]
async fn what_is_claimed_back_is_not_given_back_beside_that() {
    let it = subscriber("basic").await;
    let charge = text(&it.app.stripe.objects("charge").await[0]["id"]).to_owned();
    it.play(&format!("/charges/{charge}/dispute")).await;
    let shown = preview(&it).await;
    assert_eq!(amount(&shown["given_back"]["refund"]), 0, "{shown}");
    let ended = agree(&it, &shown).await.expect(200).json();
    assert_eq!(ended["subscription"]["status"], "canceled");
    assert_eq!(credit_notes(&it).await.len(), 0);
}

#[tokio::test]
async fn what_the_balance_has_paid_goes_back_to_the_balance() {
    let it = subscriber("basic").await;
    let customer = text(&it.at_stripe().await["customer"]).to_owned();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let form = [("amount", "-1000"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &form).await;
    it.app.pass_days(21).await;
    it.app.stripe.advance(5 * DAY).await;
    it.app.quiet().await;
    let shown = preview(&it).await;
    let (refund, credit) = (
        amount(&shown["given_back"]["refund"]),
        amount(&shown["given_back"]["credit"]),
    );
    assert_eq!(refund, 500, "all that was charged: {shown}");
    assert!((600..900).contains(&credit), "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, 500);
    assert_eq!(balance(&it).await, -i64::try_from(credit).unwrap());
}

#[tokio::test]
async fn what_is_not_paid_gives_nothing_back() {
    // A trial.
    let app = TestApp::selling(&plans(), Setup::default()).await;
    let it = Subscriber::in_app(app, "trial").await;
    let shown = preview(&it).await;
    assert_eq!(amount(&shown["given_back"]["refund"]), 0, "{shown}");
    let ended = agree(&it, &shown).await.expect(200).json();
    assert_eq!(ended["subscription"]["status"], "canceled");
    assert_eq!(credit_notes(&it).await.len(), 0);
    // What is past due.
    let it = subscriber("basic").await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    it.app.pass_days(25).await;
    assert_eq!(it.mine().await["status"], "past_due");
    let shown = preview(&it).await;
    assert_eq!(amount(&shown["given_back"]["refund"]), 0, "{shown}");
    // The hour before it is charged.
    let it = subscriber("basic").await;
    let stripe = it.at_stripe().await;
    let end = stripe["items"]["data"][0]["current_period_end"].as_i64();
    let left = end.unwrap() - stripe["created"].as_i64().unwrap() - i64::from(10 * DAY);
    it.app
        .stripe
        .advance(u32::try_from(left).unwrap() + 60)
        .await;
    it.app.quiet().await;
    assert_eq!(it.mine().await["latest_invoice_status"], "draft");
    let shown = preview(&it).await;
    assert_eq!(amount(&shown["given_back"]["refund"]), 0, "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(2).await;
    assert_eq!(it.app.stripe.objects("charge").await.len(), 1);
}

#[tokio::test]
async fn an_end_with_a_plan_to_come_and_one_that_was_to_end_later_give_back_too() {
    let it = subscriber("pro").await;
    let cheaper = it.asks("preview", &json!({"plan": "basic"})).await;
    let cheaper = json!({"preview": cheaper.expect(200).json()["preview"]});
    it.asks("change", &cheaper).await.expect(200);
    it.app.quiet().await;
    assert_ne!(it.mine().await["pending_change"], Value::Null);
    let shown = preview(&it).await;
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, amount(&shown["given_back"]["refund"]));
    assert_eq!(it.mine().await["status"], "canceled");

    let it = subscriber("basic").await;
    it.asks("cancel", &json!({})).await.expect(200);
    it.app.quiet().await;
    let shown = preview(&it).await;
    agree(&it, &shown).await.expect(200);
    it.app.quiet().await;
    assert_eq!(refunded(&it).await, amount(&shown["given_back"]["refund"]));
}

#[tokio::test]
async fn a_preview_is_good_for_one_subscription_as_it_stood() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    let mut forged = text(&shown["preview"]).to_owned();
    forged.replace_range(6..7, "x");
    for wrong in ["", "v1.e30.e30", &forged] {
        let refused = it.asks("cancel", &json!({"preview": wrong})).await;
        assert_eq!(refused.expect_error(400), "invalid_preview", "{wrong}");
    }
    let plan = it
        .asks("preview", &json!({"plan": "pro"}))
        .await
        .expect(200);
    let plan = plan.json()["preview"].clone();
    let refused = it.asks("cancel", &json!({"preview": plan})).await;
    assert_eq!(refused.expect_error(400), "invalid_preview");
    let refused = it
        .asks("change", &json!({"preview": shown["preview"]}))
        .await;
    assert_eq!(refused.expect_error(400), "invalid_preview");
    // Another user.
    let bob = it.app.shopper("bob");
    let path = format!("/subscriptions/{}/cancel", it.id);
    let request = bob.calls.request("POST", &path);
    let request = request.json(&json!({"preview": shown["preview"]}));
    let refused = bob.calls.send(request).await;
    assert_eq!(refused.expect_error(400), "invalid_preview");
    // It has renewed.
    it.app.pass_days(21).await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    // It has another plan.
    let shown = preview(&it).await;
    it.asks("change", &json!({"preview": plan_of(&it).await}))
        .await
        .expect(200);
    it.app.quiet().await;
    let refused = agree(&it, &shown).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert_eq!(it.at_stripe().await["status"], "active");
    assert_eq!(refunded(&it).await, 0);
}

async fn plan_of(it: &Subscriber) -> Value {
    let plan = it
        .asks("preview", &json!({"plan": "pro"}))
        .await
        .expect(200);
    plan.json()["preview"].clone()
}

#[tokio::test]
async fn bad_input_says_what_is_wrong_and_changes_nothing() {
    let it = subscriber("basic").await;
    let shown = preview(&it).await;
    let preview = &shown["preview"];
    for (action, body, code) in [
        ("preview", json!({}), "missing_field"),
        (
            "preview",
            json!({"cancel": "now", "plan": "pro"}),
            "conflicting_fields",
        ),
        (
            "preview",
            json!({"cancel": "now", "when": "now"}),
            "conflicting_fields",
        ),
        (
            "preview",
            json!({"cancel": "now", "at": "2027-01-01T00:00:00Z"}),
            "conflicting_fields",
        ),
        (
            "preview",
            json!({"cancel": "date", "at": "2027-01-01T00:00:00Z"}),
            "conflicting_fields",
        ),
        ("preview", json!({"cancel": "soon"}), "invalid_field"),
        (
            "cancel",
            json!({"preview": preview, "when": "period_end"}),
            "conflicting_fields",
        ),
        (
            "cancel",
            json!({"preview": preview, "refund": "none"}),
            "conflicting_fields",
        ),
        (
            "cancel",
            json!({"when": "now", "refund": "prorated"}),
            "conflicting_fields",
        ),
        (
            "cancel",
            json!({"when": "date", "at": "2027-01-01T00:00:00Z"}),
            "conflicting_fields",
        ),
    ] {
        let refused = it.asks(action, &body).await;
        assert_eq!(refused.expect_error(400), code, "{action} {body}");
    }
    for (number, (body, code)) in [
        (json!({"when": "date"}), "missing_field"),
        (json!({"when": "date", "at": "tomorrow"}), "invalid_field"),
        (
            json!({"when": "date", "at": "2020-01-01T00:00:00Z"}),
            "invalid_date",
        ),
        (
            json!({"when": "date", "at": "2099-01-01T00:00:00Z"}),
            "invalid_date",
        ),
        (
            json!({"when": "period_end", "refund": "prorated"}),
            "conflicting_fields",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = it.server_asks("cancel", &format!("k{number}"), &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    assert_eq!(it.changes().await, 0);
}

#[tokio::test]
async fn a_server_ends_it_at_a_date() {
    let it = subscriber("basic").await;
    let now = it.at_stripe().await["created"].as_i64().unwrap() + i64::from(10 * DAY);
    let at = |days: i64| perennial_types::Timestamp::from_unix(now + days * i64::from(DAY));
    let path = format!("/shop/subscriptions/{}/preview", it.id);
    let server = crate::payments::ShopServer::of(&it.app);
    // Within the period nothing more is charged, and nothing goes back.
    let ask = |days: i64| json!({"user": "alice", "cancel": "date", "at": at(days)});
    let shown = server.post(&path, "p1", &ask(5)).await.expect(200).json();
    assert_eq!(shown["next_charge"], Value::Null, "{shown}");
    assert_eq!(shown["preview"], Value::Null);
    assert_eq!(shown["takes_effect_at"], json!(at(5)));
    // Later it renews first.
    let shown = server.post(&path, "p2", &ask(80)).await.expect(200).json();
    assert_eq!(shown["next_charge"]["amount"], 1500, "{shown}");
    let body = json!({"when": "date", "at": at(5), "comment": "As agreed."});
    let set = it
        .server_asks("cancel", "k1", &body)
        .await
        .expect(200)
        .json();
    assert_eq!(set["subscription"]["ends_at"], json!(at(5)), "{set}");
    it.server_asks("cancel", "k1", &body).await.expect(200);
    let kept = it.asks("withdraw-cancellation", &json!({})).await;
    assert_eq!(
        kept.expect(200).json()["subscription"]["ends_at"],
        Value::Null
    );
    let set = it
        .server_asks("cancel", "k2", &body)
        .await
        .expect(200)
        .json();
    assert_eq!(set["subscription"]["ends_at"], json!(at(5)), "{set}");
    it.app.pass_days(6).await;
    assert_eq!(it.mine().await["status"], "canceled");
    assert_eq!(it.app.stripe.objects("charge").await.len(), 1);
    assert_eq!(balance(&it).await, 0, "nothing was credited");
    let told = it.told().await;
    assert_eq!(told.last().unwrap(), "subscription.canceled", "{told:?}");
}
