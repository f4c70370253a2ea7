//! Why a wallet is not offered, in words for the shop's developers and codes for its pages.

use perennial_store::UserItems;
use perennial_types::{BoughtAddon, Plan, Plans, TaxRefusal, TaxedPrice, Wallet, WalletRow};
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
pub(crate) fn against_this_user(
    (plan, addons): (&Plan, &[BoughtAddon]),
    plans: &Plans,
    items: &UserItems,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if items.was_refused(&plan.price, addons) {
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

/// What stands against selling a plan with taxes as long as nobody has said where the shopper is.
pub(crate) fn without_address(plan: &Plan, taxed: Option<&TaxedPrice>) -> Option<Reason> {
    let lacks = plan.tax.is_some() && taxed.is_none();
    lacks.then(|| {
        Reason::new(
            TaxRefusal::AddressNeeded.as_str(),
            "Taxes are added to this plan: ask the shopper for country and postal code, and send them to POST /wallets as \"billing_address\".",
        )
    })
}

/// What stands against a free trial without a payment method if the user has had the group's.
pub(crate) fn without_trial(plan: &Plan) -> Option<Reason> {
    (plan.trial_days == 0).then(|| {
        Reason::new(
            "trial_used",
            "This user has had the free trial of the plan's group: offer the wallets.",
        )
    })
}

/// What stands against it beside a promotion code.
pub(crate) fn with_code() -> Reason {
    Reason::new(
        "code_needs_wallet",
        "A promotion code is redeemed with a wallet. A trial without a payment method begins without one, and the shopper may use a code later, with a change.",
    )
}

/// Everything that stands against a wallet for this plan, by the facts of the wallet's row.
pub(crate) fn against_wallet(
    wallet: Wallet,
    plan: &Plan,
    standing: &Standing,
    shop: &Url,
    live: bool,
) -> Vec<Reason> {
    let row = wallet.row();
    let country = standing.country.as_deref();
    let not_for = country.filter(|country| !wallet.is_for(country));
    let host = shop.host_str().unwrap_or_default();
    let domain = row.domain_field.and_then(|field| {
        let mut reason = against_domain(wallet, standing.domain(field), host)?;
        if is_loopback(host) && !live {
            // The domain of a developer's machine cannot be registered with Stripe, and Stripe.js
            // knows best whether it shows the button there.
            reason.hides = false;
        }
        Some(reason)
    });
    [
        against_currency(wallet, plan, country),
        against_plan(wallet, plan),
        not_for.map(|country| {
            Reason::new(
                "country_not_supported",
                format!("A Stripe account in {country} cannot take {}.", row.label),
            )
        }),
        against_capability(wallet, standing),
        domain,
        row.trial_note
            .filter(|_| plan.trial_days > 0)
            .map(|note| Reason::told("zero_amount_trial", note)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn against_currency(wallet: Wallet, plan: &Plan, country: Option<&str>) -> Option<Reason> {
    let WalletRow { label, tied, .. } = wallet.row();
    let refused = |message| Some(Reason::new("currency_not_supported", message));
    let currency = plan.currency.as_str();
    if !wallet.takes(plan.currency) {
        let code = currency.to_ascii_uppercase();
        return refused(format!("{label} cannot be charged in {code}."));
    }
    let (country, only) = tied.iter().find(|(tied, _)| Some(*tied) == country)?;
    if *only == currency {
        return None;
    }
    let code = only.to_ascii_uppercase();
    refused(format!(
        "A Stripe account in the {country} can charge {label} in {code} only."
    ))
}

/// Whether the shop does not sell the plan with this wallet. One that cannot be charged in the
/// currency has a reason of its own.
fn against_plan(wallet: Wallet, plan: &Plan) -> Option<Reason> {
    let is_sold = plan.wallets.contains(&wallet) || !wallet.takes(plan.currency);
    let message = format!("The shop does not sell this plan with {}.", wallet.label());
    (!is_sold).then(|| Reason::new("wallet_not_offered", message))
}

fn against_capability(wallet: Wallet, standing: &Standing) -> Option<Reason> {
    let WalletRow {
        label, capability, ..
    } = wallet.row();
    let what = match wallet.row().card_wallet {
        Some(_) => format!("cards, of which {label} is one"),
        None => (*label).to_owned(),
    };
    match standing.capability(capability) {
        Capability::Active => None,
        Capability::NotActive(status) => Some(Reason::new(
            "wallet_not_enabled",
            format!(
                "The shop's Stripe account does not take {what}: its capability {capability} is {status}. Enable it in Stripe's Dashboard, under Settings, Payment methods."
            ),
        )),
        Capability::Unknown => Some(Reason::told(
            "not_checked",
            format!("Stripe does not tell this key whether the account takes {what}."),
        )),
    }
}

fn against_domain(wallet: Wallet, domain: Domain<'_>, host: &str) -> Option<Reason> {
    match domain {
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
                "{} is not active on the domain {host}. Stripe says: {}",
                wallet.label(),
                why.unwrap_or("nothing more.")
            ),
        )),
        Domain::Unknown => Some(Reason::told(
            "not_checked",
            "The Stripe key may not list payment method domains, so it is not known whether the shop's domain is registered.",
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests;
