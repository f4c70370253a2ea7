//! The answer.

use std::collections::BTreeMap;

use perennial_api::stripe_js::{ApplePay, Elements, ExpressCheckout};
use perennial_types::{Consent, First, Plan, PlanName, Timestamp, Wallet};
use serde::Serialize;
use url::Url;

use crate::{
    reason::{Reason, against_amazon_pay, against_apple_pay, against_plan},
    standing::Standing,
};

/// What a page may offer for a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Offer {
    plan: PlanName,
    trial_days: u32,
    publishable_key: String,
    consent: Texts,
    wallets: [WalletOffer; 2],
}

/// What the shopper agrees to, which has to stand beside the button.
#[derive(Debug, Serialize)]
struct Texts {
    version: String,
    text: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
struct WalletOffer {
    wallet: Wallet,
    offer: bool,
    reasons: Vec<Reason>,
    /// What may come first, the usual one before the other.
    first: &'static [First],
    #[serde(skip_serializing_if = "Option::is_none")]
    elements: Option<ElementsByFirst>,
    #[serde(skip_serializing_if = "Option::is_none")]
    express_checkout: Option<ExpressCheckout>,
}

#[derive(Debug, Serialize)]
struct ElementsByFirst {
    setup_intent: Elements,
    subscription: Elements,
}

/// Whose page it is, where and when.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) publishable_key: &'a str,
    pub(crate) shop: &'a Url,
    pub(crate) live: bool,
    /// Where the user will manage the subscription.
    pub(crate) management: Url,
    pub(crate) now: Timestamp,
}

impl Offer {
    pub(crate) fn new(
        name: &PlanName,
        plan: &Plan,
        consent: &Consent,
        standing: &Standing,
        place: &Place<'_>,
        against: &[Reason],
    ) -> Self {
        let texts = [Wallet::AmazonPay, Wallet::ApplePay]
            .map(|wallet| (wallet.as_str(), consent.text_for(plan, wallet)));
        Self {
            plan: name.clone(),
            trial_days: plan.trial_days,
            publishable_key: place.publishable_key.to_owned(),
            consent: Texts {
                version: consent.version().to_owned(),
                text: texts.into(),
            },
            wallets: [
                amazon_pay(plan, standing),
                apple_pay(plan, consent, standing, place),
            ]
            .map(|offer| offer.but_for(against)),
        }
    }
}

impl WalletOffer {
    /// The same, with what stands against selling to this user.
    fn but_for(mut self, against: &[Reason]) -> Self {
        self.offer &= against.is_empty();
        self.reasons.extend_from_slice(against);
        self
    }
}

/// Its button needs no options: the page leaves for Amazon with the SetupIntent's secret.
fn amazon_pay(plan: &Plan, standing: &Standing) -> WalletOffer {
    let reasons = against_amazon_pay(plan, standing);
    WalletOffer {
        wallet: Wallet::AmazonPay,
        offer: !reasons.iter().any(|reason| reason.hides),
        reasons,
        first: &[First::SetupIntent],
        elements: None,
        express_checkout: None,
    }
}

fn apple_pay(
    plan: &Plan,
    consent: &Consent,
    standing: &Standing,
    place: &Place<'_>,
) -> WalletOffer {
    let mut reasons = against_apple_pay(standing, place.shop, place.live);
    reasons.extend(against_plan(plan, Wallet::ApplePay));
    let request = ApplePay::recurring(plan, consent, &place.management, place.now);
    WalletOffer {
        wallet: Wallet::ApplePay,
        offer: !reasons.iter().any(|reason| reason.hides),
        reasons,
        first: &[First::SetupIntent, First::Subscription],
        elements: Some(ElementsByFirst {
            setup_intent: Elements::setup(plan),
            subscription: Elements::subscription(plan),
        }),
        express_checkout: Some(ExpressCheckout::apple_pay(Some(request))),
    }
}
