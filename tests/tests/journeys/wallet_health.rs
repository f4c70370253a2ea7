//! What pays for a subscription, in one state with one reason, and what the shop is told of it.

use perennial_tests::{Shopper, TestApp, http, sign};
use serde_json::{Value, json};

/// A subscriber with everything applied.
pub(crate) struct Subscriber {
    pub(crate) app: TestApp,
    alice: Shopper,
    /// Stripe's subscription.
    subscription: Value,
}

impl Subscriber {
    pub(crate) async fn start() -> Self {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        alice.buy("stock-photos-monthly").await;
        Self::of(app, alice).await
    }

    /// Stripe tries a failed payment again with a card, as Apple Pay is, and not with Amazon Pay.
    async fn with_apple_pay() -> Self {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let opened = alice.begin_subscription("stock-photos-monthly").await;
        alice.approve_apple_pay(&opened).await;
        Self::of(app, alice).await
    }

    async fn of(app: TestApp, alice: Shopper) -> Self {
        app.quiet().await;
        let subscription = app.stripe.objects("subscription").await.remove(0);
        Self {
            app,
            alice,
            subscription,
        }
    }

    /// Something that Stripe has no call for, with what comes of it.
    pub(crate) async fn play(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox{path}", self.app.stripe.url());
        let request = http().post(url).bearer_auth(self.app.stripe.secret_key());
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        let answer = answer.json().await.unwrap();
        self.app.quiet().await;
        answer
    }

    /// A call of Stripe's API, with what comes of it.
    pub(crate) async fn ask(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        let answer = self.app.stripe.api(method, path, form).await;
        assert!(answer.get("error").is_none(), "{answer}");
        self.app.quiet().await;
        answer
    }

    pub(crate) async fn mine(&self) -> Value {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        mine["subscriptions"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone()
    }

    /// Checks the status and what the shop sees of the payment.
    #[track_caller]
    pub(crate) fn check(
        &self,
        status: &str,
        state: &str,
        reason: Option<&str>,
    ) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let mine = self.mine().await;
            let seen = (mine["status"].clone(), mine["payment"].clone());
            let expected = (json!(status), json!({"state": state, "reason": reason}));
            assert_eq!(seen, expected, "{caller}");
        }
    }

    /// The types of what the shop was told of the subscription since it began, in order.
    pub(crate) async fn told(&self) -> Vec<String> {
        let mut types = self.told_types(false).await;
        assert_eq!(types.remove(0), "subscription.activated");
        types
    }

    /// The types of what it was told of money, which stands outside that order.
    pub(crate) async fn told_of_money(&self) -> Vec<String> {
        let mut types = self.told_types(true).await;
        types.sort_unstable();
        types
    }

    async fn told_types(&self, of_money: bool) -> Vec<String> {
        let told = self.app.table.items_of("OUT#").await;
        let mut types = Vec::new();
        for event in told
            .iter()
            .filter(|it| it["sequence"].is_null() == of_money)
        {
            assert_eq!(event["pk"], "OUT#alice");
            assert!(
                event["id"]
                    .as_str()
                    .is_some_and(|id| id.starts_with("pev_"))
            );
            let data: Value = serde_json::from_str(event["data"].as_str().unwrap()).unwrap();
            assert!(
                of_money || data["subscription"]["payment"]["state"].is_string(),
                "{data}"
            );
            types.push(event["type"].as_str().unwrap().to_owned());
        }
        types
    }

    pub(crate) fn id_of(&self, field: &str) -> &str {
        self.subscription[field].as_str().unwrap()
    }

    /// The charge of the newest invoice.
    pub(crate) async fn charge(&self) -> String {
        let charges = self.app.stripe.objects("charge").await;
        charges.last().unwrap()["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_detached_method_is_asked_for_anew() {
    let it = Subscriber::start().await;
    it.check("active", "ok", None).await;
    let path = format!(
        "/v1/payment_methods/{}/detach",
        it.id_of("default_payment_method")
    );
    it.ask("POST", &path, &[]).await;
    it.check("active", "method_required", Some("method_detached"))
        .await;
    assert_eq!(it.told().await, ["subscription.payment_method_required"]);
}

#[tokio::test]
async fn a_revoked_mandate_is_asked_for_anew_and_one_of_another_method_is_not() {
    let it = Subscriber::start().await;
    // The shopper approved another time, and the subscription is not charged to that.
    let mandates = it.app.stripe.objects("mandate").await;
    let other = it.alice.clone();
    let first = mandates[0]["id"].as_str().unwrap();
    it.play(&format!("/mandates/{first}/revoke"), json!({}))
        .await;
    it.check("active", "method_required", Some("mandate_revoked"))
        .await;
    let opened = {
        let form = [
            ("customer", it.id_of("customer")),
            ("confirm", "true"),
            ("allowed_payment_method_types[]", "amazon_pay"),
            ("payment_method_data[type]", "amazon_pay"),
            ("return_url", "https://shop.example/return"),
            ("mandate_data[customer_acceptance][type]", "online"),
            (
                "mandate_data[customer_acceptance][online][ip_address]",
                "203.0.113.7",
            ),
            (
                "mandate_data[customer_acceptance][online][user_agent]",
                "Browser/1.0",
            ),
        ];
        it.ask("POST", "/v1/setup_intents", &form).await
    };
    other
        .stripe
        .answer_wallet(opened["id"].as_str().unwrap(), "approve")
        .await;
    let mandates = it.app.stripe.objects("mandate").await;
    let second = mandates
        .iter()
        .find(|mandate| mandate["id"] != first)
        .unwrap();
    let method = second["payment_method"].as_str().unwrap();
    let path = format!("/v1/subscriptions/{}", it.id_of("id"));
    it.ask("POST", &path, &[("default_payment_method", method)])
        .await;
    it.check("active", "ok", None).await;
    // Only now is what pays revoked, and the other one does not hide it.
    it.play(
        &format!("/mandates/{}/revoke", second["id"].as_str().unwrap()),
        json!({}),
    )
    .await;
    it.check("active", "method_required", Some("mandate_revoked"))
        .await;
    let required = "subscription.payment_method_required";
    let changed = "subscription.payment_method_changed";
    assert_eq!(it.told().await, [required, changed, required]);
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_and_recovers() {
    let it = Subscriber::with_apple_pay().await;
    let method = it.id_of("default_payment_method");
    it.app.stripe.charges_of(method, "decline").await;
    it.app.pass_days(31).await;
    it.check("past_due", "retrying", Some("payment_failed"))
        .await;
    assert_eq!(
        it.told().await,
        ["subscription.past_due"],
        "nothing is renewed that is not paid"
    );
    it.app.stripe.charges_of(method, "succeed").await;
    it.app.pass_days(4).await;
    it.check("active", "ok", None).await;
    it.app.pass_days(31).await;
    let told = [
        "subscription.past_due",
        "subscription.activated",
        "subscription.renewed",
    ];
    assert_eq!(it.told().await, told);
}

/// What is left once Stripe has tried as often as it does.
async fn check_exhausted(after: &str, status: &str, payment: (&str, Option<&str>), last: &str) {
    for is_tried_again in [true, false] {
        let it = if is_tried_again {
            Subscriber::with_apple_pay().await
        } else {
            Subscriber::start().await
        };
        it.app
            .stripe
            .set_account(json!({"after_retries": after}))
            .await;
        it.app
            .stripe
            .charges_of(it.id_of("default_payment_method"), "decline")
            .await;
        for days in [31, 4, 6, 8] {
            it.app.pass_days(days).await;
        }
        it.check(status, payment.0, payment.1).await;
        let mut told = it.told().await;
        // With Amazon Pay the first try is the last, so a method is asked for at once.
        let asked_at_once = !is_tried_again;
        let first = usize::from(asked_at_once) + 1;
        told[..first].sort_unstable();
        let mut expected = vec!["subscription.past_due"];
        expected.extend(asked_at_once.then_some("subscription.payment_method_required"));
        if !(asked_at_once && after == "past_due") {
            expected.push(last);
        }
        assert_eq!(told, expected, "{after}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_as_often_as_it_is_tried_needs_a_method() {
    let required = ("method_required", Some("retries_exhausted"));
    let told = "subscription.payment_method_required";
    check_exhausted("past_due", "past_due", required, told).await;
    check_exhausted("unpaid", "unpaid", required, told).await;
    check_exhausted("cancel", "canceled", ("ok", None), "subscription.canceled").await;
}

#[tokio::test]
async fn a_deleted_customer_has_nothing_and_can_begin_anew() {
    let it = Subscriber::start().await;
    let customer = it.id_of("customer").to_owned();
    it.ask("DELETE", &format!("/v1/customers/{customer}"), &[])
        .await;
    it.check("canceled", "ok", None).await;
    assert_eq!(it.told().await, ["subscription.canceled"]);
    let opened = it
        .alice
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(201)
        .json();
    let back = it.alice.answer_wallet(&opened, "approve").await;
    let landed = it.alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    it.app.quiet().await;
    let subscriptions = it.app.stripe.objects("subscription").await;
    assert_eq!(subscriptions.len(), 2);
    assert_ne!(subscriptions[1]["customer"], customer.as_str());
    let mine = it.alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    assert_eq!(
        it.told().await,
        ["subscription.canceled", "subscription.activated"]
    );
}

/// Brings an event that is signed as Stripe signs; gives what the inbox says of it.
async fn bring(it: &Subscriber, event: &Value) -> Value {
    let body = event.to_string();
    let signature = sign(
        it.app.variable("STRIPE_WEBHOOK_SECRETS"),
        body.as_bytes(),
        0,
    );
    it.app
        .anybody()
        .webhook(body, Some(&signature))
        .await
        .expect(200);
    let is_it = |item: &Value| item["event"] == event["id"] && item["status"] != "received";
    perennial_tests::wait_until("the event is settled", async || {
        it.app.inbox().await.into_iter().find(is_it)
    })
    .await
}

#[tokio::test]
async fn an_event_of_an_old_api_version_is_applied() {
    let it = Subscriber::start().await;
    it.app.stripe.hold_webhooks().await;
    let path = format!("/v1/subscriptions/{}", it.id_of("id"));
    it.app
        .stripe
        .api("POST", &path, &[("cancel_at_period_end", "true")])
        .await;
    assert_eq!(it.mine().await["cancel_at_period_end"], false);
    let settled = bring(
        &it,
        &json!({
            "id": "evt_old", "object": "event", "type": "invoice.payment_failed", "livemode": false,
            "created": 1_790_000_000, "api_version": "2024-06-20",
            "data": {"object": {
                "object": "invoice", "id": "in_old", "customer": it.id_of("customer"),
                "subscription": it.id_of("id"), "paid": false,
            }},
        }),
    )
    .await;
    assert_eq!(settled["status"], "processed");
    assert_eq!(it.mine().await["cancel_at_period_end"], true);
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn payments_and_mandates_of_somebody_else_are_ignored() {
    let it = Subscriber::start().await;
    // The account also serves a shop that Perennial knows nothing of.
    let form = [("metadata[shop]", "another")];
    let customer = it.ask("POST", "/v1/customers", &form).await["id"].clone();
    let customer = customer.as_str().unwrap();
    let form = [("customer", customer)];
    let method = it
        .ask("POST", "/v1/payment_methods/pm_card_visa/attach", &form)
        .await["id"]
        .clone();
    let form = [
        ("customer", customer),
        (
            "items[0][price]",
            it.subscription["items"]["data"][0]["price"]["id"]
                .as_str()
                .unwrap(),
        ),
        ("default_payment_method", method.as_str().unwrap()),
    ];
    it.ask("POST", "/v1/subscriptions", &form).await;
    let charge = it.charge().await;
    let dispute = it
        .play(&format!("/charges/{charge}/dispute"), json!({}))
        .await;
    let path = format!("/disputes/{}/close", dispute["id"].as_str().unwrap());
    it.play(&path, json!({"status": "lost"})).await;
    it.ask("DELETE", &format!("/v1/customers/{customer}"), &[])
        .await;
    for item in it.app.inbox().await {
        let concerns_it = item["customer"] == customer || item["object"] == dispute["id"];
        assert!(!concerns_it || item["status"] == "ignored", "{item}");
    }
    it.check("active", "ok", None).await;
    assert!(it.told().await.is_empty());
}
