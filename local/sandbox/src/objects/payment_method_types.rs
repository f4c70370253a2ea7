//! Which payment method types an intent takes.

use crate::error::{ApiError, Result};
use crate::state::{Fields, World};
use crate::wallets;
use serde_json::{Value, json};

/// Parameters that say which payment method types an intent takes, of which only one may be given.
pub(crate) const TYPE_CHOICES: [&str; 4] = [
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "excluded_payment_method_types",
    "payment_method_configuration",
];

/// How an intent that names no types chooses them: all that the account may use.
pub(crate) fn automatic(params: &Value) -> Value {
    let chosen = TYPE_CHOICES.iter().any(|choice| params.has(choice));
    match (params.at("automatic_payment_methods"), chosen) {
        (Value::Null, true) => Value::Null,
        (given, _) => {
            json!({"enabled": true, "allow_redirects": given.text("allow_redirects").unwrap_or("always")})
        }
    }
}

/// Refuses a confirmation that names no address to come back to, where the intent takes whatever the account has and
/// some of that may lead the customer away: for cards too, which do not
/// (<https://docs.stripe.com/changelog/2023-08-16/automatic-payment-methods>). A payment without the customer needs none.
pub(crate) fn check_way_back(intent: &Value, params: &Value) -> Result<()> {
    let automatic = intent.at("automatic_payment_methods");
    let may_lead_away = automatic.flag("enabled") && !automatic.is("allow_redirects", "never");
    let without_customer = !matches!(params.at("off_session"), Value::Null | Value::Bool(false));
    if !may_lead_away || without_customer || params.has("return_url") {
        return Ok(());
    }
    let name = if intent.is("object", "setup_intent") {
        "SetupIntent"
    } else {
        "PaymentIntent"
    };
    Err(ApiError::invalid(format!(
        "This {name} is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods \
         might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept \
         redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and \
         `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
    )))
}

/// The types that the account may use among those that the parameters allow. What it may not use is left out in
/// silence, as Stripe does, and so is what takes no payment in the currency; an intent that nothing could pay is refused.
pub(crate) fn accepted_types(
    world: &World,
    params: &Value,
    currency: Option<&str>,
) -> Result<Vec<&'static str>> {
    let given: Vec<&str> = TYPE_CHOICES
        .into_iter()
        .filter(|choice| params.has(choice))
        .collect();
    if let [one, other, ..] = given.as_slice() {
        return Err(ApiError::exclusive(one, other));
    }
    if params.at("automatic_payment_methods.enabled").as_bool() == Some(false) {
        return Err(ApiError::not_simulated(
            "automatic_payment_methods[enabled]=false",
        ));
    }
    let redirects = !params
        .at("automatic_payment_methods")
        .is("allow_redirects", "never");
    let allowed = params.at("allowed_payment_method_types");
    let excluded = params.list("excluded_payment_method_types");
    let fits = |name: &&str| {
        let wanted = allowed
            .as_array()
            .is_none_or(|allowed| allowed.iter().any(|item| item == name));
        wanted
            && currency.is_none_or(|currency| wallets::takes(name, currency))
            && !excluded.iter().any(|item| item == name)
            && (redirects || wallets::redirect(name).is_none())
    };
    let types: Vec<&str> = world.capabilities().into_iter().filter(fits).collect();
    if types.is_empty() {
        let message = "None of the payment method types that this request allows are activated for your account. \
                       Activate them in the Dashboard or allow others.";
        let param = given
            .first()
            .copied()
            .unwrap_or("allowed_payment_method_types");
        return Err(ApiError::invalid(message)
            .with_code("payment_method_not_available")
            .with_param(param));
    }
    Ok(types)
}
