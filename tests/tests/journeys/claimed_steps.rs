//! The claim on a step at Stripe: whose it is, who may take it over, and when it is over. The same for
//! every step, and so tried for every step.

use perennial_store::ClaimedStep;
use perennial_tests::TestApp;
use perennial_types::{Attempt, ConfirmBy, First, Lease, Phase, Timestamp, UserId, Wallet};
use serde_json::{Value, json};

const ATTEMPT: &str = "chk_01kavq8r3hx6m2n9d4t7w5z000";
const HASH: &str = "0f1e2d";

fn lease(owner: &str, until: i64) -> Lease {
    Lease {
        owner: owner.to_owned(),
        until: Timestamp::from_unix(until),
    }
}

fn attempt() -> Attempt {
    let began = Timestamp::from_unix(1_767_225_600);
    Attempt {
        id: ATTEMPT.parse().unwrap(),
        user: "alice".parse().unwrap(),
        plan: "basic".parse().unwrap(),
        group: "one".parse().unwrap(),
        price: "price_1".parse().unwrap(),
        quantity: 1,
        addons: Vec::new(),
        trial_days: 0,
        discount: None,
        tax: None,
        wallet: Some(Wallet::AmazonPay),
        confirm: ConfirmBy::Client,
        first: First::Subscription,
        consent: None,
        return_to: None,
        customer: "cus_1".parse().unwrap(),
        created: began,
        open_until: began.plus_seconds(24 * 3600),
        reason: None,
        counted: None,
        phase: Phase::Opened,
    }
}

/// What the claim's item is, and what it has in addition once the step is done.
struct Kind<'a> {
    step: ClaimedStep<'a>,
    pk: String,
    sk: String,
    owner: &'static str,
    lease: &'static str,
    open: Value,
    done: Value,
}

fn kinds<'a>(user: &'a UserId, attempt: &'a Attempt) -> Vec<Kind<'a>> {
    let of_user = "USER#alice".to_owned();
    vec![
        Kind {
            step: ClaimedStep::Customer(user),
            pk: of_user.clone(),
            sk: "CUSTOMER".to_owned(),
            owner: "owner",
            lease: "lease",
            open: json!({}),
            done: json!({"customer": {"S": "cus_1"}}),
        },
        Kind {
            step: ClaimedStep::SetupIntent(attempt),
            pk: of_user.clone(),
            sk: format!("CHECKOUT#{ATTEMPT}"),
            owner: "setup_owner",
            lease: "setup_lease",
            open: json!({}),
            done: json!({"setup_intent": {"S": "seti_1"}}),
        },
        Kind {
            step: ClaimedStep::Subscription(attempt),
            pk: of_user.clone(),
            sk: "SLOT#one".to_owned(),
            owner: "owner",
            lease: "lease",
            open: json!({"attempt": {"S": ATTEMPT}}),
            done: json!({"subscription": {"S": "sub_1"}}),
        },
        // Another attempt has the slot by now.
        Kind {
            step: ClaimedStep::Subscription(attempt),
            pk: of_user,
            sk: "SLOT#one".to_owned(),
            owner: "owner",
            lease: "lease",
            open: json!({"attempt": {"S": ATTEMPT}}),
            done: json!({"attempt": {"S": "chk_01kavq8r3hx6m2n9d4t7w5z001"}}),
        },
        Kind {
            step: ClaimedStep::Payment(HASH),
            pk: format!("REQUEST#{HASH}"),
            sk: "PAYMENT".to_owned(),
            owner: "owner",
            lease: "lease",
            open: json!({"state": {"S": "sending"}}),
            done: json!({"state": {"S": "done"}}),
        },
        Kind {
            step: ClaimedStep::Portal,
            pk: "PORTAL".to_owned(),
            sk: "CONFIGURATION".to_owned(),
            owner: "owner",
            lease: "lease",
            open: json!({}),
            done: json!({"configuration": {"S": "bpc_1"}}),
        },
    ]
}

impl Kind<'_> {
    async fn put(&self, app: &TestApp, held: &Lease, more: &Value) {
        let mut item = json!({
            "pk": {"S": self.pk}, "sk": {"S": self.sk},
            self.owner: {"S": held.owner}, self.lease: {"S": held.until.to_string()},
            "request": {"S": "as it was"},
        });
        for members in [&self.open, more] {
            let members = members.as_object().unwrap().clone();
            item.as_object_mut().unwrap().extend(members);
        }
        if held.owner.is_empty() {
            item.as_object_mut().unwrap().remove(self.owner);
        }
        app.table.put(&item).await;
    }

    async fn held(&self, app: &TestApp) -> Lease {
        let mut items = app.table.items().await;
        items.push(app.table.portal().await);
        let item = items.iter().find(|it| it["sk"] == self.sk).unwrap();
        assert_eq!(item["request"], "as it was");
        Lease {
            owner: item[self.owner].as_str().unwrap_or_default().to_owned(),
            until: serde_json::from_value(item[self.lease].clone()).unwrap(),
        }
    }
}

#[tokio::test]
async fn one_caller_takes_over_a_claim_and_its_owner_alone_releases_it() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    let table = app.table_client();
    let (user, attempt) = ("alice".parse().unwrap(), attempt());
    let (dead, me, rival) = (lease("dead", 12), lease("me", 24), lease("rival", 24));
    for kind in kinds(&user, &attempt) {
        let step = kind.step;
        kind.put(&app, &dead, &json!({})).await;
        // It was renewed, or taken over, since it was read.
        for outdated in [lease("dead", 11), lease("another", 12)] {
            let taken = table.take_over(step, &outdated, &me).await.unwrap();
            assert!(!taken, "{step:?} {outdated:?}");
        }
        assert!(table.take_over(step, &dead, &me).await.unwrap(), "{step:?}");
        assert!(!table.take_over(step, &dead, &rival).await.unwrap());
        // The first answer was lost on its way, and the call was repeated.
        assert!(table.take_over(step, &dead, &me).await.unwrap(), "{step:?}");
        assert_eq!(kind.held(&app).await, me, "{step:?}");

        assert!(!table.release(step, "dead").await.unwrap(), "{step:?}");
        assert_eq!(kind.held(&app).await, me, "{step:?}");
        assert!(table.release(step, "me").await.unwrap(), "{step:?}");
        let released = kind.held(&app).await;
        assert_eq!(released, lease("me", 0), "{step:?}");
        assert!(table.take_over(step, &released, &rival).await.unwrap());
        assert_eq!(kind.held(&app).await, rival, "{step:?}");
    }
}

#[tokio::test]
async fn what_is_done_or_was_never_begun_is_not_claimed() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    let table = app.table_client();
    let (user, attempt) = ("alice".parse().unwrap(), attempt());
    let (dead, me) = (lease("dead", 12), lease("me", 24));
    for kind in kinds(&user, &attempt) {
        assert!(!table.take_over(kind.step, &dead, &me).await.unwrap());
        assert!(!table.release(kind.step, "dead").await.unwrap());
        assert_eq!(app.table.items_of(&kind.sk).await, Vec::<Value>::new());

        kind.put(&app, &dead, &kind.done).await;
        assert!(!table.take_over(kind.step, &dead, &me).await.unwrap());
        assert!(!table.release(kind.step, "dead").await.unwrap());
        assert_eq!(kind.held(&app).await, dead, "{:?}", kind.step);
        let key = json!({"pk": {"S": kind.pk}, "sk": {"S": kind.sk}});
        app.table.delete(&key).await;
    }
}

/// An attempt that an older version has opened names no owner of its lease.
#[tokio::test]
async fn a_claim_without_an_owner_is_taken_over_by_its_lease() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    let table = app.table_client();
    let (user, attempt) = ("alice".parse().unwrap(), attempt());
    let kinds = kinds(&user, &attempt);
    let kind = &kinds[1];
    kind.put(&app, &lease("", 12), &json!({})).await;
    let me = lease("me", 24);
    let outdated = table.take_over(kind.step, &lease("", 11), &me).await;
    assert!(!outdated.unwrap());
    let taken = table.take_over(kind.step, &lease("", 12), &me).await;
    assert!(taken.unwrap());
    assert_eq!(kind.held(&app).await, me);
}
