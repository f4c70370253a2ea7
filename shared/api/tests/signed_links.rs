//! A link opens what it was signed for, and nothing else.

#![allow(clippy::unwrap_used)]

use perennial_api::{Link, LinkError, SignedLinks};
use perennial_types::{PaymentIntentId, Timestamp, UserId};
use proptest::prelude::*;
use secrecy::SecretString;
use url::Url;

const NOW: Timestamp = Timestamp::from_unix(1_795_000_000);

fn links(secret: &str) -> SignedLinks {
    SignedLinks::new(&SecretString::from(secret))
}

fn signer() -> SignedLinks {
    links("a secret of at least thirty-two characters")
}

fn base() -> Url {
    "https://api.shop.example/v2/".parse().unwrap()
}

fn link_of(url: &Url) -> String {
    let (name, link) = url.query_pairs().next().unwrap();
    assert_eq!(name, "link");
    link.into_owned()
}

prop_compose! {
    fn user()(text in "[!-~]([ -~]{0,253}[!-~])?") -> UserId {
        text.parse().unwrap()
    }
}

prop_compose! {
    fn payment()(tail in "[A-Za-z0-9_]{1,60}") -> PaymentIntentId {
        format!("pi_{tail}").parse().unwrap()
    }
}

proptest! {
    #[test]
    fn a_link_says_what_was_signed(
        user in user(),
        payment in payment(),
        left in 0_i64..100_000,
        number in any::<u64>(),
    ) {
        let signer = signer();
        for saved in [false, true] {
            let address = if saved { SignedLinks::manage_saved } else { SignedLinks::manage };
            let manage = link_of(&address(&signer, &base(), &user, number));
            let expected = Link::Manage { user: user.clone(), number, saved };
            prop_assert_eq!(signer.read(&manage, NOW), Ok(expected));
        }
        let until = NOW.plus_seconds(left);
        let authorize = link_of(&signer.authorize(&base(), &user, &payment, until));
        let expected = Link::Authorize { user, payment };
        prop_assert_eq!(signer.read(&authorize, NOW), Ok(expected));
        prop_assert_eq!(
            signer.read(&authorize, until.plus_seconds(1)),
            Err(LinkError::Expired(until))
        );
    }

    #[test]
    fn a_changed_link_opens_nothing(
        user in user(),
        place in any::<prop::sample::Index>(),
        letter in "[A-Za-z0-9_.-]",
    ) {
        let signer = signer();
        let link = link_of(&signer.manage(&base(), &user, 0));
        let place = place.index(link.len());
        let mut changed = link.clone();
        changed.replace_range(place..=place, &letter);
        prop_assume!(changed != link);
        prop_assert!(signer.read(&changed, NOW).is_err(), "{changed}");
    }

    #[test]
    fn a_link_of_another_secret_opens_nothing(user in user(), secret in "[ -~]{32,80}") {
        let link = link_of(&links(&secret).manage(&base(), &user, 0));
        prop_assert_eq!(signer().read(&link, NOW), Err(LinkError::Signature));
    }

    #[test]
    fn no_text_brings_the_reader_down(text in ".{0,400}") {
        prop_assert!(signer().read(&text, NOW).is_err());
    }
}

#[test]
fn a_link_stands_below_the_base_of_the_api() {
    let url = signer().manage(&base(), &"alice".parse().unwrap(), 0);
    let start = "https://api.shop.example/v2/manage?link=v1.";
    assert!(url.as_str().starts_with(start), "{url}");
}

#[test]
fn a_link_is_the_same_whenever_it_is_made() {
    let user = "alice".parse().unwrap();
    assert_eq!(
        signer().manage(&base(), &user, 0),
        signer().manage(&base(), &user, 0)
    );
}

#[test]
fn a_link_of_another_version_or_without_its_parts_is_malformed() {
    let link = link_of(&signer().manage(&base(), &"alice".parse().unwrap(), 0));
    for text in [
        String::new(),
        "v1".to_owned(),
        "v1.".to_owned(),
        link.replacen("v1", "v2", 1),
        format!("{link}="),
    ] {
        assert_eq!(
            signer().read(&text, NOW),
            Err(LinkError::Malformed),
            "{text:?}"
        );
    }
}

/// Apple keeps the link of a subscription for as long as it lives.
#[test]
fn a_link_that_was_signed_before_there_were_numbers_is_of_the_number_0() {
    let old = "v1.eyJmb3IiOiJtYW5hZ2UiLCJ1c2VyIjoiYWxpY2UifQ";
    let user: UserId = "alice".parse().unwrap();
    let link = link_of(&signer().manage(&base(), &user, 0));
    assert_eq!(link.rsplit_once('.').unwrap().0, old);
    let expected = Link::Manage {
        user,
        number: 0,
        saved: false,
    };
    assert_eq!(signer().read(&link, NOW), Ok(expected));
}

#[test]
fn the_secret_is_not_shown() {
    assert_eq!(format!("{:?}", signer()), "SignedLinks { .. }");
}

#[test]
fn a_link_to_cancel_is_of_a_number_and_one_to_repair_ends() {
    let user: UserId = "alice".parse().unwrap();
    let subscription: perennial_types::SubscriptionId = "sub_1".parse().unwrap();
    let cancel = signer().cancel(&base(), &user, &subscription, 3);
    let expected = Link::Cancel {
        user: user.clone(),
        subscription: subscription.clone(),
        number: 3,
    };
    assert!(cancel.as_str().contains("/v2/cancel?link=v1."), "{cancel}");
    assert_eq!(signer().read(&link_of(&cancel), NOW), Ok(expected));
    let repair = signer().repair(&base(), &user, &subscription, NOW);
    let expected = Link::Repair { user, subscription };
    let repair = link_of(&repair);
    assert_eq!(signer().read(&repair, NOW), Ok(expected));
    let late = signer().read(&repair, NOW.plus_seconds(1));
    assert_eq!(late, Err(LinkError::Expired(NOW)));
    // Neither is a preview that is agreed to.
    let change = signer().read_change::<serde_json::Value>(&repair);
    assert_eq!(change, Err(LinkError::Malformed));
}
