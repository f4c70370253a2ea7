//! A shopper pauses a subscription and lets it go on, or it goes on by itself; and so does the shop's server.

mod balance;
mod failing;

use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::wait_until;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use super::{Subscriber, at_period_end};
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
pub(super) const DAY: i64 = 24 * 3600;

pub(super) fn seconds(value: &Value) -> i64 {
    let at: Timestamp = serde_json::from_value(value.clone()).expect("a time");
    at.unix()
}

impl Subscriber {
    /// The time of Stripe, and of the functions.
    pub(super) async fn now(&self) -> i64 {
        self.app.stripe.state().await["now"]
            .as_i64()
            .expect("a time")
    }

    /// So many days ahead, to the second.
    pub(super) async fn days_ahead(&self, days: i64) -> Value {
        let at = Timestamp::from_unix(self.now().await + days * DAY);
        json!(at)
    }

    pub(super) async fn pause_for(&self, days: i64) -> Value {
        let body = json!({"until": self.days_ahead(days).await});
        let paused = self.asks("pause", &body).await.expect(200).json();
        self.app.quiet().await;
        paused["subscription"].clone()
    }

    pub(super) async fn entitlement(&self) -> Value {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        mine["entitlements"]["stock-photos"].clone()
    }

    /// What a sweep has done, which no schedule runs in a test.
    pub(super) async fn reconciled(&self, sweep: &str, settings: &[(&str, &str)]) -> Value {
        let env = self.app.env_of("reconcile", settings);
        // What is due in this very second is due in the next one.
        let now = Timestamp::from_unix(self.now().await + 2);
        let sweeper = reconcile::App::start(&env, Clock::manual(now)).await;
        let swept = sweeper.unwrap().handle(json!({"sweep": sweep})).await;
        // What failed is looked at again.
        swept.unwrap_or_default()
    }

    /// What it has done about the pauses.
    async fn swept(&self) -> Value {
        self.reconciled("open", &[]).await["pauses"].clone()
    }

    async fn sweep(&self) -> Value {
        let swept = self.swept().await;
        self.app.quiet().await;
        swept
    }

    /// Lets time pass at Stripe and here.
    pub(super) async fn pass(&self, seconds: i64) {
        let seconds = u32::try_from(seconds).expect("a time to come");
        self.app.stripe.advance(seconds).await;
        self.app.quiet().await;
    }

    pub(super) async fn method_meets(&self, what: &str) {
        let method = text(&self.at_stripe().await["default_payment_method"]).to_owned();
        self.app.stripe.charges_of(&method, what).await;
    }

    /// The next request that is made about it brings to its end what another one has left.
    async fn next_request(&self) {
        let settled = wait_until("its lease is over", async || {
            let answer = self.asks("withdraw-cancellation", &json!({})).await;
            (answer.status == 200).then_some(())
        });
        settled.await;
        self.app.quiet().await;
    }

    /// What was charged in all, in cents.
    pub(super) async fn charged(&self) -> i64 {
        let invoices = self.app.stripe.objects("invoice").await;
        let paid = invoices.iter().filter_map(|it| it["amount_paid"].as_i64());
        paid.sum()
    }

    /// What is noted of its pause in the table.
    async fn noted(&self) -> (Value, Value) {
        let items = self.app.table.items_of(&format!("SUB#{}", self.id)).await;
        let item = items.first().cloned().unwrap_or_default();
        let due = Some(item["due"].clone()).filter(|due| due == "PAUSE");
        (item["pause"].clone(), due.unwrap_or_default())
    }

    /// Ends it, and has another one in its place that was made at Stripe in the older billing mode.
    async fn with_a_classic_one(mut self) -> Self {
        let old = self.at_stripe().await;
        self.server_asks("cancel", "ends", &json!({"when": "now"}))
            .await
            .expect(200);
        let form = [
            ("customer", text(&old["customer"])),
            (
                "items[0][price]",
                text(&old["items"]["data"][0]["price"]["id"]),
            ),
            (
                "default_payment_method",
                text(&old["default_payment_method"]),
            ),
            ("billing_mode[type]", "classic"),
        ];
        let made = self
            .app
            .stripe
            .api("POST", "/v1/subscriptions", &form)
            .await;
        self.id = text(&made["id"]).to_owned();
        self.app.quiet().await;
        self
    }

    /// How often Stripe was asked for this, below the subscription.
    async fn asked_stripe(&self, what: &str) -> usize {
        let path = format!("/v1/subscriptions/{}/{what}", self.id);
        let requests = self.app.stripe.requests().await;
        requests
            .iter()
            .filter(|it| it["path"] == path.as_str())
            .count()
    }
}

#[tokio::test]
async fn a_shopper_pauses_until_a_day_and_it_goes_on_by_itself() {
    let it = Subscriber::of(MONTHLY).await;
    let may = it.mine().await["actions"]["pause"].clone();
    let allowed = json!({"open": true, "reason": null, "longest_days": 90, "open_end": false});
    assert_eq!(may, allowed);
    assert_eq!(it.mine().await["actions"]["resume"]["reason"], "not_paused");
    it.pass(10 * DAY).await;

    let until = it.days_ahead(30).await;
    let preview = json!({"pause": {"until": until}});
    let preview = it.asks("preview", &preview).await.expect(200).json();
    assert_eq!(preview["due_now"]["amount"], 0);
    assert_eq!(preview["resumes_at"], until);
    let credit = preview["credit"]["amount"].as_i64().unwrap();
    assert!(
        (1000..=1030).contains(&credit),
        "20 of 30 or 31 days: {preview}"
    );
    let next = &preview["next_charge"];
    assert_eq!(
        (&next["at"], &next["amount"]),
        (&until, &json!(1500 - credit))
    );

    let paused = it
        .asks("pause", &json!({"until": until}))
        .await
        .expect(200)
        .json();
    let paused = &paused["subscription"];
    assert_eq!(paused["status"], "paused", "{paused}");
    assert_eq!(paused["pause"]["reason"], "pause_requested");
    assert_eq!(
        paused["pause"]["resumes_at"],
        until,
        "{paused} {:?}",
        it.noted().await
    );
    assert_eq!(paused["actions"]["pause"]["reason"], "paused");
    assert_eq!(paused["actions"]["resume"]["open"], true);
    it.app.quiet().await;
    assert_eq!(it.mine().await, *paused, "the table says the same");
    assert_eq!(it.at_stripe().await["status"], "paused");
    let none = json!({"active": false, "until": null, "because": "paused"});
    assert_eq!(it.entitlement().await, none);

    // Nothing is charged before its time.
    it.pass(29 * DAY).await;
    let waits = it.sweep().await;
    assert_eq!((&waits["over"], &waits["pending"]), (&json!(0), &json!(0)));
    assert_eq!(
        (it.mine().await["status"].clone(), it.charged().await),
        (json!("paused"), 1500)
    );
    it.pass(DAY).await;
    assert_eq!(it.sweep().await["over"], 1);
    let resumed = it.mine().await;
    assert_eq!(resumed["status"], "active", "{resumed}");
    assert_eq!(resumed["pause"], Value::Null);
    let charged = it.charged().await;
    assert!(
        (charged - (3000 - credit)).abs() <= 1,
        "{charged} and {credit}"
    );
    assert_eq!(it.entitlement().await["active"], true);
    assert_eq!(it.noted().await, (Value::Null, Value::Null));
    assert_eq!(it.sweep().await["over"], 0);
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
    let told = it.app.table.items_of("OUT#").await;
    let data: Value = serde_json::from_str(text(&told[1]["data"])).unwrap();
    assert_eq!(data["subscription"]["pause"]["resumes_at"], until, "{data}");
}

#[tokio::test]
async fn a_shopper_resumes_for_the_amount_that_was_shown() {
    let it = Subscriber::of(MONTHLY).await;
    it.pause_for(60).await;
    it.pass(10 * DAY).await;
    let preview = json!({"resume": {}});
    let preview = it.asks("preview", &preview).await.expect(200).json();
    let due = preview["due_now"]["amount"].as_i64().unwrap();
    assert_eq!(preview["next_charge"]["amount"], 1500, "{preview}");
    let before = it.charged().await;
    let other = json!({"due_now": due + 1});
    let refused = it.asks("resume", &other).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    let anew = &refused.json()["new_preview"];
    assert_eq!(anew["due_now"], preview["due_now"]);
    assert!(anew["next_charge"]["at"].is_string(), "{anew}");
    assert_eq!(it.mine().await["status"], "paused");
    let resumed = it.asks("resume", &json!({"due_now": due})).await;
    let resumed = resumed.expect(200).json()["subscription"].clone();
    assert_eq!(resumed["status"], "active");
    // The preview was a moment before.
    let later = seconds(&resumed["current_period_end"]) - seconds(&preview["next_charge"]["at"]);
    assert!((0..60).contains(&later), "{later}");
    assert_eq!(it.charged().await - before, due);
    let again = it.asks("resume", &json!({"due_now": due})).await;
    assert_eq!(again.expect_error(409), "subscription_not_paused");
    assert_eq!(again.json()["subscription"]["status"], "active");
    it.app.quiet().await;
    assert_eq!(it.noted().await, (Value::Null, Value::Null));
    // The end of the pause is over as well.
    it.pass(60 * DAY).await;
    assert_eq!(it.sweep().await["over"], 0);
    assert_eq!(it.asked_stripe("resume").await, 1);
}

#[tokio::test]
async fn what_is_too_little_to_be_charged_is_told_as_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    // Half a dollar is Stripe's least, and this early all of the period is credited but some cents.
    it.pass(10 * 3600).await;
    let until = it.days_ahead(7).await;
    let preview = it
        .asks("preview", &json!({"pause": {"until": until}}))
        .await;
    let preview = preview.expect(200).json();
    let credit = preview["credit"]["amount"].as_i64().unwrap();
    assert!((1451..1500).contains(&credit), "{preview}");
    assert_eq!(preview["next_charge"]["amount"], 0, "{preview}");
    let before = it.charged().await;
    it.asks("pause", &json!({"until": until})).await.expect(200);
    it.pass(8 * DAY).await;
    assert_eq!(it.sweep().await["over"], 1);
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.charged().await, before);
}

#[tokio::test]
async fn a_server_pauses_without_an_end_whatever_the_plan_allows() {
    let it = Subscriber::of(MONTHLY).await;
    let paused = it
        .server_asks("pause", "k1", &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(paused["subscription"]["status"], "paused");
    assert_eq!(paused["subscription"]["pause"]["resumes_at"], Value::Null);
    let again = it
        .server_asks("pause", "k1", &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(again["subscription"]["status"], "paused");
    let other = json!({"until": it.days_ahead(9).await});
    let reused = it.server_asks("pause", "k1", &other).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");
    it.pass(40 * DAY).await;
    it.pass(40 * DAY).await;
    assert_eq!(it.sweep().await["pending"], 0);
    assert_eq!(it.mine().await["status"], "paused");
    let resumed = it.server_asks("resume", "k2", &json!({})).await;
    assert_eq!(
        resumed.expect(200).json()["subscription"]["status"],
        "active"
    );
    let again = it.server_asks("resume", "k2", &json!({})).await;
    assert_eq!(again.expect(200).json()["subscription"]["status"], "active");
    assert_eq!(it.asked_stripe("resume").await, 1);
    it.app.quiet().await;
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

#[tokio::test]
async fn what_a_plan_does_not_allow_is_refused_and_changes_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    for (until, code) in [
        (it.days_ahead(91).await, "pause_too_long"),
        (Value::Null, "pause_too_long"),
    ] {
        let refused = it.asks("pause", &json!({"until": until})).await;
        assert_eq!(refused.expect_error(409), code);
        let refused = it
            .asks("preview", &json!({"pause": {"until": until}}))
            .await;
        assert_eq!(refused.expect_error(409), code);
    }
    let years = json!({"until": it.days_ahead(800).await});
    let refused = it.server_asks("pause", "k1", &years).await;
    assert_eq!(refused.expect_error(409), "pause_too_long");
    let now = json!({"until": it.days_ahead(0).await});
    assert_eq!(
        it.asks("pause", &now).await.expect_error(400),
        "pause_too_short"
    );
    for body in [
        json!({"pause": {}, "plan": MONTHLY}),
        json!({"pause": {}, "resume": {}}),
        json!({"resume": {}, "quantity": 2}),
    ] {
        let refused = it.server_asks("preview", "k", &body).await;
        assert_eq!(refused.expect_error(400), "conflicting_fields", "{body}");
    }
    assert_eq!(
        it.asks("preview", &json!({})).await.expect_error(400),
        "missing_field"
    );
    assert_eq!(it.changes().await, 0);
    assert_eq!(it.noted().await, (Value::Null, Value::Null));

    let yearly = Subscriber::of("stock-photos-yearly").await;
    let refused = yearly
        .asks("pause", &json!({"until": yearly.days_ahead(5).await}))
        .await;
    assert_eq!(refused.expect_error(409), "pause_not_allowed");
    let team = Subscriber::of("stock-photos-team").await;
    team.asks("pause", &json!({})).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_paused_says_why() {
    let it = Subscriber::of(MONTHLY).await;
    let until = json!({"until": it.days_ahead(9).await});
    it.asks("cancel", &at_period_end()).await.expect(200);
    let refused = it.asks("pause", &until).await;
    assert_eq!(refused.expect_error(409), "cancellation_scheduled");
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.asks("pause", &until).await.expect(200);
    // It is what was asked for.
    it.asks("pause", &until).await.expect(200);
    assert_eq!(it.asked_stripe("pause").await, 1);
    let longer = json!({"until": it.days_ahead(12).await});
    let refused = it.asks("pause", &longer).await;
    assert_eq!(refused.expect_error(409), "subscription_paused");
    it.server_asks("cancel", "k1", &json!({"when": "now"}))
        .await
        .expect(200);
    for action in ["pause", "resume"] {
        let refused = it.asks(action, &json!({})).await;
        assert_eq!(refused.expect_error(409), "subscription_ended", "{action}");
    }
    it.app.quiet().await;
    it.pass(10 * DAY).await;
    assert_eq!(it.sweep().await["over"], 0);

    let trial = Subscriber::of("stock-photos-trial").await;
    let refused = trial.server_asks("pause", "k1", &json!({})).await;
    assert_eq!(refused.expect_error(409), "subscription_in_trial");

    let late = Subscriber::of(MONTHLY).await;
    late.method_meets("decline").await;
    late.app.pass_days(32).await;
    let refused = late.server_asks("pause", "k1", &json!({})).await;
    assert_eq!(refused.expect_error(409), "payment_open");
}

#[tokio::test]
async fn a_change_to_come_is_given_up_and_a_schedule_of_the_dashboard_is_not() {
    let it = Subscriber::of("stock-photos-team").await;
    let cheaper = json!({"plan": MONTHLY});
    let preview = it.asks("preview", &cheaper).await.expect(200).json();
    let change = json!({"preview": preview["preview"]});
    let changed = it.asks("change", &change).await.expect(200).json();
    assert_ne!(changed["subscription"]["pending_change"], Value::Null);
    let shown = it.asks("preview", &json!({"pause": {}})).await;
    let shown = shown.expect(200).json();
    assert!(shown["credit"]["amount"].as_i64().unwrap() > 0, "{shown}");
    let paused = it.asks("pause", &json!({})).await.expect(200).json();
    assert_eq!(paused["subscription"]["status"], "paused");
    assert_eq!(paused["subscription"]["pending_change"], Value::Null);

    let it = Subscriber::of("stock-photos-team").await;
    let form = [("from_subscription", it.id.as_str())];
    let path = "/v1/subscription_schedules";
    it.app.stripe.api("POST", path, &form).await;
    it.app.quiet().await;
    for (what, body) in [("preview", json!({"pause": {}})), ("pause", json!({}))] {
        let refused = it.asks(what, &body).await;
        assert_eq!(refused.expect_error(409), "managed_by_schedule");
    }
    assert_eq!(it.noted().await.0, Value::Null);
}

#[tokio::test]
async fn a_declined_resumption_owes_nothing_when_it_was_asked_for() {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(20 * DAY).await;
    it.pause_for(60).await;
    let shown = it.asks("preview", &json!({"resume": {}})).await;
    let shown = shown.expect(200).json()["due_now"].clone();
    let due = shown["amount"].as_i64().unwrap();
    assert!(due > 0 && due < 1500, "the pause has credited {shown}");
    it.method_meets("decline").await;
    let before = it.charged().await;
    let declined = it.asks("resume", &json!({"due_now": due})).await;
    assert_eq!(declined.expect_error(402), "resume_declined");
    assert_eq!(declined.json()["subscription"]["status"], "paused");
    let again = it.asks("preview", &json!({"resume": {}})).await;
    assert_eq!(again.expect(200).json()["due_now"], shown);
    it.app.quiet().await;
    it.method_meets("succeed").await;
    // Nothing is charged later for what was refused.
    it.pass(20 * DAY).await;
    assert_eq!(
        (it.mine().await["status"].clone(), it.charged().await),
        (json!("paused"), before)
    );
    assert_eq!(it.mine().await["payment"]["state"], "ok");
    // It still ends when it was said to.
    it.pass(40 * DAY).await;
    assert_eq!(it.sweep().await["over"], 1);
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.charged().await - before, due);
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );
}

/// What was credited is the customer's, whatever becomes of the subscription.
#[tokio::test]
async fn what_a_pause_has_credited_outlives_the_end_of_the_subscription() {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(20 * DAY).await;
    let pause = json!({"pause": {"until": it.days_ahead(60).await}});
    let shown = it.asks("preview", &pause).await.expect(200).json();
    let credit = shown["credit"]["amount"].as_i64().unwrap();
    it.pause_for(60).await;
    it.server_asks("cancel", "k1", &json!({"when": "now"}))
        .await
        .expect(200);
    it.app.quiet().await;
    let customers = it.app.stripe.objects("customer").await;
    let left = -customers[0]["balance"].as_i64().unwrap();
    assert!(
        credit > 0 && (credit - left).abs() <= 1,
        "{left} of {credit}"
    );
}

#[tokio::test]
async fn a_declined_end_of_a_pause_is_told_and_another_method_pays_it() {
    let it = Subscriber::of(MONTHLY).await;
    it.pass(20 * DAY).await;
    it.pause_for(30).await;
    it.method_meets("decline").await;
    it.pass(30 * DAY).await;
    assert_eq!(it.sweep().await["declined"], 1);
    let mine = it.mine().await;
    assert_eq!(mine["status"], "paused", "{mine}");
    let required = json!({"state": "method_required", "reason": "payment_failed"});
    assert_eq!(mine["payment"], required);
    assert_eq!(mine["pause"]["resumes_at"], Value::Null);
    let told = [
        "subscription.paused",
        "subscription.payment_method_required",
    ];
    assert_eq!(it.told().await, told);
    assert_eq!(
        it.sweep().await["declined"],
        0,
        "it is tried once by itself"
    );
    let declined = it.asks("resume", &json!({})).await;
    assert_eq!(declined.expect_error(402), "resume_declined");
    it.method_meets("succeed").await;
    let preview = it
        .asks("preview", &json!({"resume": {}}))
        .await
        .expect(200)
        .json();
    let resume = json!({"due_now": preview["due_now"]["amount"]});
    let resumed = it.asks("resume", &resume).await.expect(200).json();
    assert_eq!(resumed["subscription"]["status"], "active");
    it.app.quiet().await;
    // The sweep goes by a clock of its own here, so the order of their ids is not that of the events.
    let resumed = "subscription.resumed".to_owned();
    assert!(it.told().await.contains(&resumed));
}

#[tokio::test]
async fn a_pause_of_the_portal_or_the_dashboard_is_the_same_and_ends_here() {
    let it = Subscriber::of(MONTHLY).await;
    let path = format!("/v1/subscriptions/{}/pause", it.id);
    it.app.stripe.api("POST", &path, &[]).await;
    it.app.quiet().await;
    let mine = it.mine().await;
    assert_eq!(mine["pause"]["reason"], "pause_requested");
    assert_eq!(mine["actions"]["resume"]["open"], true);
    it.asks("resume", &json!({})).await.expect(200);
    it.app.quiet().await;
    assert_eq!(
        it.told().await,
        ["subscription.paused", "subscription.resumed"]
    );

    // One that was made here and ended there has no end any more that would meet another pause.
    it.pause_for(30).await;
    let path = format!("/v1/subscriptions/{}/resume", it.id);
    let pays = [("payment_behavior", "resume_on_payment_success")];
    it.app.stripe.api("POST", &path, &pays).await;
    it.app.quiet().await;
    assert_eq!(it.noted().await, (Value::Null, Value::Null));
    let path = format!("/v1/subscriptions/{}/pause", it.id);
    it.app.stripe.api("POST", &path, &[]).await;
    it.app.quiet().await;
    assert_eq!(it.mine().await["pause"]["resumes_at"], Value::Null);
    it.pass(31 * DAY).await;
    assert_eq!(it.sweep().await["over"], 0);
    assert_eq!(it.mine().await["status"], "paused");
}

#[tokio::test]
async fn in_classic_billing_mode_what_is_paid_for_is_kept_and_nothing_after_it() {
    let it = Subscriber::of(MONTHLY).await.with_a_classic_one().await;
    let until = it.days_ahead(70).await;
    let preview = json!({"pause": {"until": until}});
    let preview = it.asks("preview", &preview).await.expect(200).json();
    assert_eq!(preview["credit"]["amount"], 0, "{preview}");
    let end = it.mine().await["current_period_end"].clone();
    assert_eq!(preview["runs_until"], end);
    let paused = it
        .asks("pause", &json!({"until": until}))
        .await
        .expect(200)
        .json();
    let paused = &paused["subscription"];
    assert_eq!(paused["status"], "active", "{paused}");
    assert_eq!(paused["pause"]["reason"], "pause_collection");
    assert_eq!(paused["pause"]["resumes_at"], until);
    it.app.quiet().await;
    assert_eq!(it.entitlement().await["until"], end);
    it.pass(33 * DAY).await;
    let none = json!({"active": false, "until": null, "because": "paused"});
    assert_eq!(it.entitlement().await, none);
    assert_eq!(it.charged().await, 3000);
    it.pass(38 * DAY).await;
    assert_eq!(
        it.mine().await["pause"],
        Value::Null,
        "Stripe ends it by itself"
    );
    assert_eq!(it.noted().await.0, Value::Null);
    it.app.pass_days(31).await;
    assert_eq!(it.charged().await, 4500);
    let told = it.told().await;
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    let both = ["subscription.paused", "subscription.resumed"];
    assert!(told.windows(2).any(|two| two == both), "{told:?}");

    it.asks("pause", &json!({"until": it.days_ahead(50).await}))
        .await
        .expect(200);
    let resumed = it
        .asks("resume", &json!({"due_now": 0}))
        .await
        .expect(200)
        .json();
    assert_eq!(resumed["subscription"]["pause"], Value::Null);
}

#[tokio::test]
async fn a_pause_costs_two_calls_of_stripe_beside_its_readings() {
    let it = Subscriber::of(MONTHLY).await;
    it.app.forget_calls().await;
    it.pause_for(30).await;
    let changed = async |it: &Subscriber| {
        let requests = it.app.stripe.requests().await;
        let of = requests.iter().filter(|it| it["method"] == "POST");
        of.map(|it| text(&it["path"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        changed(&it).await,
        [format!("/v1/subscriptions/{}/pause", it.id)]
    );
    it.app.forget_calls().await;
    it.asks("resume", &json!({})).await.expect(200);
    assert_eq!(
        changed(&it).await,
        [format!("/v1/subscriptions/{}/resume", it.id)]
    );
}
