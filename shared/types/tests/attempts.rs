//! What the phase of an attempt says of it.

#![allow(clippy::unwrap_used)]

use perennial_types::{
    Attempt, Awaited, Claim, ConfirmBy, Confirming, Ending, FailureReason, First, FrozenRequest,
    IdempotencyKey, Lease, Phase, SetupIntentId, SubscriptionId, Timestamp, Wallet,
};

fn attempt(phase: Phase) -> Attempt {
    let now = Timestamp::from_unix(1_793_000_000);
    Attempt {
        id: "chk_01kavq8r3hx6m2n9d4t7w5zc1f".parse().unwrap(),
        user: "alice".parse().unwrap(),
        plan: "monthly".parse().unwrap(),
        group: "photos".parse().unwrap(),
        price: "price_1".parse().unwrap(),
        quantity: 1,
        addons: Vec::new(),
        trial_days: 0,
        discount: None,
        tax: None,
        wallet: Some(Wallet::AmazonPay),
        confirm: ConfirmBy::Client,
        first: First::SetupIntent,
        consent: None,
        return_to: None,
        customer: "cus_1".parse().unwrap(),
        created: now,
        open_until: now,
        reason: None,
        counted: None,
        phase,
    }
}

fn request() -> FrozenRequest {
    FrozenRequest {
        path: "/v1/subscriptions".to_owned(),
        body: String::new(),
        idempotency_key: IdempotencyKey::new("sub:1").unwrap(),
    }
}

fn confirming(awaited: Awaited) -> Phase {
    Phase::Confirming(Confirming {
        subscription: "sub_1".parse().unwrap(),
        awaited,
    })
}

fn subscribing(setup_intent: Option<SetupIntentId>) -> Phase {
    Phase::Subscribing {
        setup_intent,
        request: request(),
        frozen_at: Timestamp::from_unix(0),
    }
}

#[test]
fn each_phase_says_what_is_open_issued_set_up_and_subscribed() {
    let setup: SetupIntentId = "seti_1".parse().unwrap();
    let subscription: SubscriptionId = "sub_1".parse().unwrap();
    let claim = Claim {
        lease: Lease {
            owner: "one".to_owned(),
            until: Timestamp::from_unix(0),
        },
        frozen_at: Timestamp::from_unix(0),
        request: request(),
    };
    let payment = Awaited::Payment("pi_1".parse().unwrap());
    let subscribed = Phase::Subscribed {
        subscription: subscription.clone(),
        setup_intent: Some(setup.clone()),
    };
    let ended = Phase::Ended {
        ending: Ending::Failed,
        reason: FailureReason::PaymentDeclined,
        setup_intent: Some(setup.clone()),
        subscription_was_sent: true,
    };
    for (phase, is_open, is_issued, has_setup, has_subscription) in [
        (Phase::Creating(claim), true, true, false, false),
        (Phase::AwaitingSetup(setup.clone()), true, true, true, false),
        (Phase::Opened, true, true, false, false),
        (subscribing(Some(setup.clone())), true, false, true, false),
        (subscribing(None), true, false, false, false),
        (
            confirming(Awaited::Setup(setup.clone())),
            true,
            false,
            true,
            true,
        ),
        (confirming(payment), true, false, false, true),
        (subscribed, false, false, true, true),
        (ended, false, false, true, false),
    ] {
        let attempt = attempt(phase);
        assert_eq!(attempt.is_open(), is_open, "{attempt:?}");
        assert_eq!(attempt.is_issued(), is_issued, "{attempt:?}");
        assert_eq!(
            attempt.setup_intent(),
            has_setup.then_some(&setup),
            "{attempt:?}"
        );
        assert_eq!(
            attempt.subscription(),
            has_subscription.then_some(&subscription),
            "{attempt:?}"
        );
    }
}

#[test]
fn a_claim_that_is_taken_over_keeps_what_was_frozen() {
    let lease = |owner: &str, until| Lease {
        owner: owner.to_owned(),
        until: Timestamp::from_unix(until),
    };
    let claim = Claim {
        lease: lease("one", 1),
        frozen_at: Timestamp::from_unix(0),
        request: request(),
    };
    let taken = claim.clone().taken_over(lease("two", 2));
    assert_eq!(taken.lease, lease("two", 2));
    assert_eq!(
        (taken.frozen_at, taken.request),
        (claim.frozen_at, claim.request)
    );
}

#[test]
fn a_request_shows_its_path_and_key_and_not_what_it_holds() {
    let secret = FrozenRequest {
        body: "metadata[perennial_user]=alice".to_owned(),
        ..request()
    };
    let shown = format!("{secret:?}");
    assert!(
        shown.contains("/v1/subscriptions") && shown.contains("sub:1"),
        "{shown}"
    );
    assert!(!shown.contains("alice"), "{shown}");
    let key = serde_json::to_string(&secret.idempotency_key).unwrap();
    assert_eq!(key, "\"sub:1\"");
    assert_eq!(secret.idempotency_key.to_string(), "sub:1");
}
