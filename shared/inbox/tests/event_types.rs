//! One table of event types, from which everything else follows.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use perennial_inbox::{About, EVENT_TYPES, EventType};

#[test]
fn the_endpoint_of_the_readme_is_subscribed_to_exactly_these_types() {
    let readme = include_str!("../../../README.md");
    let subscribed: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-d 'enabled_events[]="))
        .filter_map(|rest| rest.split_once('\'').map(|(name, _)| name))
        .collect();
    assert_eq!(subscribed, EventType::names());
}

#[test]
fn no_type_is_named_twice() {
    let names: BTreeSet<&str> = EventType::names().into();
    assert_eq!(names.len(), EVENT_TYPES.len());
}

#[test]
fn every_type_is_in_exactly_one_listing_and_no_listing_is_longer_than_stripe_takes() {
    let listings = EventType::listings();
    assert!(
        listings
            .iter()
            .all(|listing| (1..=20).contains(&listing.len()))
    );
    assert_eq!(listings.concat(), EventType::names());
}

#[test]
fn a_type_says_what_it_is_about_and_others_are_about_nothing() {
    let about = |name: &str| EventType::find(name).map(|known| known.about);
    for (name, expected) in [
        ("setup_intent.succeeded", Some(About::SetupIntent)),
        ("customer.subscription.resumed", Some(About::Subscription)),
        (
            "customer.subscription.trial_will_end",
            Some(About::Subscription),
        ),
        ("customer.deleted", Some(About::Customer)),
        ("invoice.paid", Some(About::Subscription)),
        ("payment_method.detached", Some(About::PaymentMethods)),
        ("mandate.updated", Some(About::Mandate)),
        ("charge.dispute.funds_reinstated", Some(About::Dispute)),
        (
            "radar.early_fraud_warning.created",
            Some(About::FraudWarning),
        ),
        ("refund.updated", Some(About::Refund)),
        ("price.updated", Some(About::Price)),
        ("product.deleted", Some(About::Product)),
        ("invoice.created", None),
        ("customer.updated", None),
        ("v1.invoice.paid", None),
        ("invoice", None),
        ("", None),
    ] {
        assert_eq!(about(name), expected, "{name}");
    }
}
