//! What a dispute does to an entitlement, by the setting: nothing unless it says so.

use perennial_config::Start as _;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::{catalog::ask, wallet_health::Subscriber};

/// What the same table gives to with each setting: as a deployment that changes it would answer.
async fn entitled(it: &Subscriber) -> [Value; 3] {
    let now = it.app.stripe.state().await["now"].as_i64().unwrap();
    let mut answers = Vec::new();
    for setting in ["", "suspend_when_lost", "suspend"] {
        let env = it
            .app
            .env_of("subscriptions", &[("DISPUTED_ACCESS", setting)]);
        let clock = Clock::manual(Timestamp::from_unix(now));
        let function = subscriptions::App::start(&env, clock).await.unwrap();
        let (status, body, _) = ask(&function, "GET /subscriptions", "", Some("alice"), None).await;
        assert_eq!(status, 200, "{body}");
        let decided = &body["entitlements"]["stock-photos"];
        assert_eq!(decided["until"].is_null(), decided["active"] == false);
        answers.push(json!([decided["active"], decided["because"]]));
    }
    answers.try_into().unwrap()
}

fn yes() -> Value {
    json!([true, "active"])
}

fn no(because: &str) -> Value {
    json!([false, because])
}

impl Subscriber {
    async fn dispute(&self, charge: &str) -> String {
        let path = format!("/charges/{charge}/dispute");
        let dispute = self.play(&path, json!({})).await;
        dispute["id"].as_str().unwrap().to_owned()
    }

    async fn decide(&self, dispute: &str, status: &str) {
        let path = format!("/disputes/{dispute}/close");
        self.play(&path, json!({"status": status})).await;
    }
}

#[tokio::test]
async fn a_dispute_takes_away_what_the_setting_says_and_gives_it_back_when_it_is_won() {
    let it = Subscriber::start().await;
    assert_eq!(entitled(&it).await, [yes(), yes(), yes()]);
    let dispute = it.dispute(&it.charge().await).await;
    assert_eq!(entitled(&it).await, [yes(), yes(), no("disputed")]);
    it.decide(&dispute, "lost").await;
    let lost = [yes(), no("dispute_lost"), no("dispute_lost")];
    assert_eq!(entitled(&it).await, lost);
    it.decide(&dispute, "won").await;
    assert_eq!(entitled(&it).await, [yes(), yes(), yes()]);
    it.check("active", "ok", None).await;
}

#[tokio::test]
async fn a_renewal_after_a_lost_dispute_is_charged_and_gives_nothing_back() {
    let it = Subscriber::start().await;
    let first = it.charge().await;
    let dispute = it.dispute(&first).await;
    it.decide(&dispute, "lost").await;
    it.app.pass_days(31).await;
    assert_ne!(it.charge().await, first);
    assert_eq!(it.told().await, ["subscription.renewed"]);
    let lost = [yes(), no("dispute_lost"), no("dispute_lost")];
    assert_eq!(entitled(&it).await, lost);
    // One that is open beside it takes nothing of that back.
    let second = it.dispute(&it.charge().await).await;
    let both = [yes(), no("dispute_lost"), no("disputed")];
    assert_eq!(entitled(&it).await, both);
    it.decide(&second, "won").await;
    assert_eq!(entitled(&it).await, lost);
    // The end says why by itself.
    let path = format!("/v1/subscriptions/{}", it.id_of("id"));
    it.ask("DELETE", &path, &[]).await;
    let ended = [no("canceled"), no("canceled"), no("canceled")];
    assert_eq!(entitled(&it).await, ended);
}

/// `payment` tells what is more urgent, and the dispute counts all the same.
#[tokio::test]
async fn a_dispute_counts_while_something_else_is_told_of_the_payment() {
    let it = Subscriber::start().await;
    it.dispute(&it.charge().await).await;
    let path = format!(
        "/v1/payment_methods/{}/detach",
        it.id_of("default_payment_method")
    );
    it.ask("POST", &path, &[]).await;
    it.check("active", "method_required", Some("method_detached"))
        .await;
    assert_eq!(entitled(&it).await, [yes(), yes(), no("disputed")]);
}

#[tokio::test]
async fn refunds_and_warnings_take_nothing_away() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    it.play(&format!("/charges/{charge}/fraud_warning"), json!({}))
        .await;
    it.ask("POST", "/v1/refunds", &[("charge", &charge)]).await;
    it.check("active", "contested", Some("refunded")).await;
    assert_eq!(entitled(&it).await, [yes(), yes(), yes()]);
}

/// What is noted counts before the subscription is read again, so that who has heard of it is answered with it.
#[tokio::test]
async fn a_dispute_counts_from_its_note_on() {
    let it = Subscriber::start().await;
    let items = it.app.table.raw_items().await;
    let is_it = |item: &&Value| item["sk"]["S"].as_str().unwrap().starts_with("SUB#");
    let mut item = items.iter().find(is_it).unwrap().clone();
    item["dispute_lost"] = json!({"SS": ["du_1"]});
    it.app.table.put(&item).await;
    it.check("active", "ok", None).await;
    let lost = [yes(), no("dispute_lost"), no("dispute_lost")];
    assert_eq!(entitled(&it).await, lost);
    item.as_object_mut().unwrap().remove("dispute_lost");
    it.app.table.put(&item).await;
    assert_eq!(entitled(&it).await, [yes(), yes(), yes()]);
}

#[tokio::test]
async fn a_setting_that_is_none_of_these_starts_nothing() {
    let it = Subscriber::start().await;
    let env = it
        .app
        .env_of("subscriptions", &[("DISPUTED_ACCESS", "cancel")]);
    let error = subscriptions::App::start(&env, Clock::system())
        .await
        .unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("DISPUTED_ACCESS") && !error.contains("cancel"),
        "{error}"
    );
}
