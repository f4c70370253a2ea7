//! The answer.

use std::collections::BTreeMap;

use perennial_api::stripe_js::{ApplePay, Elements, ExpressCheckout};
use perennial_types::{Consent, First, Plan, PlanName, Shown, Timestamp, Wallet};
use serde::Serialize;
use url::Url;

use crate::{
    reason::{Reason, against_wallet},
    standing::Standing,
};

/// What a page may offer for a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Offer {
    plan: PlanName,
    /// How many everything here is about, of a plan that is sold in quantities.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    trial_days: u32,
    publishable_key: String,
    consent: Texts,
    wallets: Vec<WalletOffer>,
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
        (name, quantity): (&PlanName, Option<u64>),
        plan: &Plan,
        consent: &Consent,
        standing: &Standing,
        place: &Place<'_>,
        against: &[Reason],
    ) -> Self {
        // Nobody has to be told of a wallet that a shop has to ask for and has not asked for.
        let told = |wallet: &Wallet| wallet.row().is_usual || plan.wallets.contains(wallet);
        let wallets = || Wallet::ALL.into_iter().filter(told);
        let text = |wallet: Wallet| (wallet.as_str(), consent.text_for(plan, wallet));
        let offer = |wallet| WalletOffer::new(wallet, plan, consent, standing, place, against);
        Self {
            plan: name.clone(),
            quantity,
            trial_days: plan.trial_days,
            publishable_key: place.publishable_key.to_owned(),
            consent: Texts {
                version: consent.version().to_owned(),
                text: wallets().map(text).collect(),
            },
            wallets: wallets().map(offer).collect(),
        }
    }
}

impl WalletOffer {
    fn new(
        wallet: Wallet,
        plan: &Plan,
        consent: &Consent,
        standing: &Standing,
        place: &Place<'_>,
        against_user: &[Reason],
    ) -> Self {
        let mut reasons = against_wallet(wallet, plan, standing, place.shop, place.live);
        let offer = against_user.is_empty() && !reasons.iter().any(|reason| reason.hides);
        reasons.extend_from_slice(against_user);
        let (elements, express_checkout) = match wallet.row().shown {
            // Its button needs no options: the page leaves with the SetupIntent's secret.
            Shown::Redirect => (None, None),
            Shown::Sheet { .. } => {
                let elements = ElementsByFirst {
                    setup_intent: Elements::setup(plan),
                    subscription: Elements::subscription(plan),
                };
                // Apple alone is told of later payments, and asked for a merchant token with that.
                let apple_pay = (wallet == Wallet::ApplePay)
                    .then(|| ApplePay::recurring(plan, consent, &place.management, place.now));
                let express_checkout = ExpressCheckout::new(wallet, apple_pay);
                (Some(elements), Some(express_checkout))
            }
        };
        Self {
            wallet,
            offer,
            reasons,
            first: wallet.row().first,
            elements,
            express_checkout,
        }
    }
}
