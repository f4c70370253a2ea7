//! Why a wallet is not offered, in words for the shop's developers and codes for its pages.

use perennial_store::UserItems;
use perennial_types::{Plan, Plans, Wallet};
use serde::Serialize;
use url::Url;

use crate::standing::{Capability, Domain, Standing};

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Whether the wallet is not offered because of it.
    #[serde(skip)]
    pub(crate) hides: bool,
}

/// Where an account's business must be to take Amazon Pay
/// (<https://docs.stripe.com/payments/amazon-pay>, read in May 2026).
const AMAZON_PAY_COUNTRIES: [&str; 17] = [
    "AT", "BE", "CH", "CY", "DE", "DK", "ES", "FR", "GB", "HU", "IE", "IT", "LU", "NL", "PT", "SE",
    "US",
];

/// Stripe's accounts in India cannot take Apple Pay (<https://docs.stripe.com/apple-pay>).
const NO_APPLE_PAY: [&str; 1] = ["IN"];

impl Reason {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hides: true,
        }
    }

    /// Something to know, because of which nothing is hidden.
    fn told(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            hides: false,
            ..Self::new(code, message)
        }
    }
}

/// What stands against selling this plan to this user, whichever way they pay.
pub(crate) fn against_this_user(plan: &Plan, plans: &Plans, items: &UserItems) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if items.was_refused(&plan.price) {
        reasons.push(Reason::new(
            "plan_not_available",
            "Stripe has refused to sell this plan to this user within the last hour. The log says why.",
        ));
    }
    if items.pays_in_another_currency(plan, plans) {
        reasons.push(Reason::new(
            "currency_conflict",
            "This user pays another subscription in another currency, and Stripe takes no two at once from a customer.",
        ));
    }
    reasons
}

/// Everything that stands against Amazon Pay for this plan. Its button is the page's own and leads
/// away, so that no domain has to be registered for it.
pub(crate) fn against_amazon_pay(plan: &Plan, standing: &Standing) -> Vec<Reason> {
    let country = standing.country.as_deref();
    let mut reasons = Vec::new();
    if !plan.currency.is_taken_by_amazon_pay() {
        reasons.push(Reason::new(
            "currency_not_supported",
            format!(
                "Amazon Pay cannot be charged in {}.",
                plan.currency.as_str().to_ascii_uppercase()
            ),
        ));
    } else if country == Some("US") && plan.currency.as_str() != "usd" {
        reasons.push(Reason::new(
            "currency_not_supported",
            "A Stripe account in the US can charge Amazon Pay in USD only.",
        ));
    }
    reasons.extend(against_plan(plan, Wallet::AmazonPay));
    if let Some(country) = country.filter(|it| !AMAZON_PAY_COUNTRIES.contains(it)) {
        reasons.push(country_not_supported(Wallet::AmazonPay, country));
    }
    reasons.extend(capability(
        &standing.amazon_pay,
        "Amazon Pay",
        "amazon_pay_payments",
    ));
    if plan.trial_days > 0 {
        reasons.push(Reason::told(
            "zero_amount_trial",
            "A trial charges nothing today, and an Express Checkout Element in the mode subscription cannot save Amazon Pay without a payment. So this plan is offered with \"first\":\"setup_intent\", where Amazon's own page asks for the mandate.",
        ));
    }
    reasons
}

/// Whether the shop does not sell the plan with this wallet. One that cannot be charged in the
/// currency has a reason of its own.
pub(crate) fn against_plan(plan: &Plan, wallet: Wallet) -> Option<Reason> {
    let is_sold = plan.wallets.contains(&wallet) || !wallet.takes(plan.currency);
    let message = format!("The shop does not sell this plan with {}.", wallet.label());
    (!is_sold).then(|| Reason::new("wallet_not_offered", message))
}

/// Everything that stands against Apple Pay. Any currency that cards are charged in will do, and so
/// will a trial, in either integration.
pub(crate) fn against_apple_pay(standing: &Standing, shop: &Url, live: bool) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let country = standing.country.as_deref();
    if let Some(country) = country.filter(|it| NO_APPLE_PAY.contains(it)) {
        reasons.push(country_not_supported(Wallet::ApplePay, country));
    }
    reasons.extend(capability(
        &standing.cards,
        "cards, of which Apple Pay is one",
        "card_payments",
    ));
    let host = shop.host_str().unwrap_or_default();
    let domain = match &standing.domain {
        Domain::Active => None,
        Domain::NotRegistered => Some(Reason::new(
            "domain_not_registered",
            format!(
                "The domain {host} is not registered with Stripe. Register it in Stripe's Dashboard, under Settings, Payment method domains, and so each subdomain that shows the button."
            ),
        )),
        Domain::Inactive(why) => Some(Reason::new(
            "domain_inactive",
            format!(
                "Apple Pay is not active on the domain {host}. Stripe says: {}",
                why.as_deref().unwrap_or("nothing more.")
            ),
        )),
        Domain::Unknown => Some(Reason::told(
            "not_checked",
            "The Stripe key may not list payment method domains, so it is not known whether the shop's domain is registered.",
        )),
    };
    reasons.extend(domain.map(|mut reason| {
        if is_loopback(host) && !live {
            // The domain of a developer's machine cannot be registered with Stripe, and Stripe.js
            // knows best whether it shows the button there.
            reason.hides = false;
        }
        reason
    }));
    reasons
}

fn country_not_supported(wallet: Wallet, country: &str) -> Reason {
    Reason::new(
        "country_not_supported",
        format!(
            "A Stripe account in {country} cannot take {}.",
            wallet.label()
        ),
    )
}

fn capability(capability: &Capability, what: &str, name: &str) -> Option<Reason> {
    match capability {
        Capability::Active => None,
        Capability::NotActive(status) => Some(Reason::new(
            "wallet_not_enabled",
            format!(
                "The shop's Stripe account does not take {what}: its capability {name} is {status}. Enable it in Stripe's Dashboard, under Settings, Payment methods."
            ),
        )),
        Capability::Unknown => Some(Reason::told(
            "not_checked",
            format!("Stripe does not tell this key whether the account takes {what}."),
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests;
