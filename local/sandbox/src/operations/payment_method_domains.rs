//! The domains of wallets: registered, and judged by the wallets.

use crate::error::{ApiError, Result};
use crate::objects::payment_method_domain;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// The payment methods that need a domain, in the fields of their names.
const WALLETS: [&str; 6] = [
    "amazon_pay",
    "apple_pay",
    "google_pay",
    "klarna",
    "link",
    "paypal",
];

/// `POST /v1/payment_method_domains`: a domain that is there already is answered again.
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let name = call.params.text("domain_name").unwrap_or_default();
    let name = host_name(name)?;
    let there = world
        .store
        .having(Kind::PaymentMethodDomain, "domain_name", &name)
        .next()
        .cloned();
    if let Some(domain) = there {
        return Ok(change(world, &domain, call));
    }
    let mut domain = payment_method_domain::new(world, &name, &call.params);
    judge(world, &mut domain);
    world.save(&domain);
    Ok(domain)
}

/// A host name without scheme, port or path. Stripe takes public ones only; here `localhost` and addresses will do.
fn host_name(given: &str) -> Result<String> {
    let name = given.to_lowercase();
    let parts_fit = name.split('.').all(|part| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    if parts_fit && name.len() <= 253 {
        Ok(name)
    } else {
        let message = format!(
            "Invalid domain name: {given}. Give the host alone, such as `shop.example.com`."
        );
        Err(ApiError::validation(message).with_param("domain_name"))
    }
}

/// `POST /v1/payment_method_domains/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let domain = world.at_path(Kind::PaymentMethodDomain, &call.id)?;
    Ok(change(world, &domain, call))
}

fn change(world: &mut World, before: &Value, call: &Call) -> Value {
    let mut domain = before.clone();
    if let Some(enabled) = call.params.at("enabled").as_bool() {
        domain.set("enabled", enabled);
        world.save(&domain);
    }
    domain
}

/// `POST /v1/payment_method_domains/{id}/validate`: asks the wallets again.
pub(crate) fn validate(world: &mut World, call: &Call) -> Answer {
    let mut domain = world.at_path(Kind::PaymentMethodDomain, &call.id)?;
    judge(world, &mut domain);
    world.save(&domain);
    Ok(domain)
}

/// What a wallet says of the domain from now on: nothing, or why it does not take it.
pub(crate) fn set_verdict(
    world: &mut World,
    id: &str,
    wallet: &str,
    refusal: Option<&str>,
) -> Answer {
    let mut domain = world.at_path(Kind::PaymentMethodDomain, id)?;
    domain.set(&refusal_of(wallet), refusal);
    judge(world, &mut domain);
    world.save(&domain);
    Ok(domain)
}

/// Looks at all domains again, after the account's settings changed.
pub(crate) fn judge_all(world: &mut World) {
    let all: Vec<Value> = world
        .store
        .oldest_first(Kind::PaymentMethodDomain)
        .cloned()
        .collect();
    for mut domain in all {
        judge(world, &mut domain);
        world.save(&domain);
    }
}

/// Writes the status of each wallet: inactive where the wallet refuses the domain, or the account has turned it off.
fn judge(world: &World, domain: &mut Value) {
    let account = world.account();
    for wallet in WALLETS {
        let refusal = match wallet {
            refused if domain.has(&refusal_of(refused)) => domain.owned(&refusal_of(refused)),
            known if wallets::named(known).is_some() && !account.flag(known) => Some(format!(
                "The payment method {known} is turned off in this account."
            )),
            _ => None,
        };
        let status = match refusal {
            Some(message) => {
                json!({"status": "inactive", "status_details": {"error_message": message}})
            }
            None => json!({"status": "active"}),
        };
        domain.set(wallet, status);
    }
}

/// The note of why a wallet does not take a domain.
fn refusal_of(wallet: &str) -> String {
    format!("_{wallet}_refusal")
}
