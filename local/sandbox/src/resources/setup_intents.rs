//! `SetupIntents`: the shopper's consent to be charged later.

use super::{Answer, Call, merge_metadata, setup_confirm};
use crate::error::{ApiError, Result};
use crate::list::{in_range, page, same};
use crate::resources::{customers, payment_methods};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
use serde_json::{Value, json};

/// Parameters that say which payment method types an intent takes, of which only one may be given.
const TYPE_CHOICES: [&str; 4] = [
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "excluded_payment_method_types",
    "payment_method_configuration",
];

/// Parameters of creation that mean nothing without `confirm=true`.
const ONLY_WITH_CONFIRM: [&str; 3] = ["return_url", "mandate_data", "confirmation_token"];

/// `POST /v1/setup_intents`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let confirm = params.flag("confirm");
    if let Some(param) = ONLY_WITH_CONFIRM
        .iter()
        .find(|param| !confirm && params.has(param))
    {
        let message = format!(
            "The parameter `{param}` cannot be passed when creating a SetupIntent unless `confirm` is set to true."
        );
        return Err(ApiError::validation(message).with_param(*param));
    }
    let types = accepted_types(world, params, None)?;
    let customer = params
        .text("customer")
        .map(|id| customers::named(world, id, "customer"))
        .transpose()?;
    let id = ids::id("seti");
    let mut intent = json!({
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": params.at("allowed_payment_method_types"),
        "application": null,
        "automatic_payment_methods": automatic(params),
        "cancellation_reason": null,
        "client_secret": ids::client_secret(&id),
        "created": world.now(),
        "customer": customer.as_ref().map(Fields::id),
        "customer_account": null,
        "description": params.at("description"),
        "excluded_payment_method_types": params.at("excluded_payment_method_types"),
        "flow_directions": null,
        "last_setup_error": null,
        "latest_attempt": null,
        "livemode": false,
        "managed_payments": null,
        "mandate": null,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": types,
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": params.text("usage").unwrap_or("off_session"),
    });
    take_options(&mut intent, params);
    merge_metadata(&mut intent, params);
    world.create(&intent, "setup_intent.created");
    if confirm {
        return setup_confirm::confirm_intent(world, &intent, call);
    }
    if let Some(method) = payment_methods::from_params(
        world,
        params,
        intent.text("customer"),
        intent.list("payment_method_types"),
    )? {
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
        world.save(&intent);
    }
    Ok(intent)
}

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

fn take_options(intent: &mut Value, params: &Value) {
    let redirects = wallets::redirects().map(|(wallet, _)| wallet.name);
    for kind in redirects.chain(["card"]) {
        if params.at("payment_method_options").has(kind) {
            let empty =
                json!({"mandate_options": null, "network": null, "request_three_d_secure": null});
            let mut options = if kind == "card" { empty } else { json!({}) };
            for (name, value) in params
                .at("payment_method_options")
                .at(kind)
                .as_object()
                .into_iter()
                .flatten()
            {
                options.set(name, value.clone());
            }
            intent.set(&format!("payment_method_options.{kind}"), options);
        }
    }
}

/// `POST /v1/setup_intents/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let mut intent = world.at_path(Kind::SetupIntent, &call.id)?;
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation")
    ) && !only_notes(params)
    {
        return Err(unexpected_state(&intent, "update"));
    }
    if let Some(customer) = params.text("customer") {
        if intent.has("customer") && !intent.is("customer", customer) {
            return Err(
                ApiError::invalid("The customer of a SetupIntent cannot be changed.")
                    .with_param("customer"),
            );
        }
        intent.set(
            "customer",
            customers::named(world, customer, "customer")?.id(),
        );
    }
    if TYPE_CHOICES.iter().any(|choice| params.has(choice)) {
        intent.set("payment_method_types", accepted_types(world, params, None)?);
        intent.set(
            "allowed_payment_method_types",
            params.at("allowed_payment_method_types").clone(),
        );
        intent.set(
            "excluded_payment_method_types",
            params.at("excluded_payment_method_types").clone(),
        );
        intent.set("automatic_payment_methods", Value::Null);
    }
    if let Some(description) = params.get("description") {
        intent.set("description", description.clone());
    }
    take_options(&mut intent, params);
    merge_metadata(&mut intent, params);
    if let Some(method) = payment_methods::from_params(
        world,
        params,
        intent.text("customer"),
        intent.list("payment_method_types"),
    )? {
        intent.set("payment_method", method.id());
        intent.set("status", "requires_confirmation");
    }
    world.save(&intent);
    Ok(intent)
}

fn only_notes(params: &Value) -> bool {
    params
        .as_object()
        .into_iter()
        .flatten()
        .all(|(name, _)| matches!(name.as_str(), "metadata" | "description" | "expand"))
}

/// `GET /v1/setup_intents/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::SetupIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    Ok(intent)
}

/// A page must prove with the client secret that it may see the intent; a secret that is sent must be right.
pub(crate) fn check_client_secret(intent: &Value, call: &Call) -> Result<()> {
    match call.params.text("client_secret") {
        Some(secret) if intent.is("client_secret", secret) => Ok(()),
        Some(_) => {
            let message = "The client_secret provided does not match any associated SetupIntent on this account.";
            let code = format!(
                "{}_invalid_parameter",
                intent.text("object").unwrap_or("setup_intent")
            );
            Err(ApiError::invalid(message)
                .with_code(code)
                .with_param("client_secret"))
        }
        None if call.from_page => Err(ApiError::missing("client_secret")),
        None => Ok(()),
    }
}

/// `GET /v1/setup_intents`
pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    page(
        world,
        Kind::SetupIntent,
        "/v1/setup_intents",
        params,
        |intent| {
            same(intent, params, "customer")
                && same(intent, params, "payment_method")
                && in_range(intent.int("created"), params.at("created"))
        },
    )
}

/// `POST /v1/setup_intents/{id}/confirm`
pub(crate) fn confirm(world: &mut World, call: &Call) -> Answer {
    let mut intent = world.at_path(Kind::SetupIntent, &call.id)?;
    check_client_secret(&intent, call)?;
    if call.params.has("allowed_payment_method_types") {
        intent.set(
            "payment_method_types",
            accepted_types(world, &call.params, None)?,
        );
        intent.set(
            "allowed_payment_method_types",
            call.params.at("allowed_payment_method_types").clone(),
        );
        intent.set("automatic_payment_methods", Value::Null);
    }
    take_options(&mut intent, &call.params);
    setup_confirm::confirm_intent(world, &intent, call)
}

/// `POST /v1/setup_intents/{id}/cancel`
pub(crate) fn cancel(world: &mut World, call: &Call) -> Answer {
    let intent = world.at_path(Kind::SetupIntent, &call.id)?;
    cancel_intent(world, &intent, call.params.text("cancellation_reason"))
}

/// Ends an intent that was not finished.
pub(crate) fn cancel_intent(world: &mut World, intent: &Value, reason: Option<&str>) -> Answer {
    if !matches!(
        intent.text("status"),
        Some("requires_payment_method" | "requires_confirmation" | "requires_action")
    ) {
        return Err(unexpected_state(intent, "cancel"));
    }
    let mut canceled = intent.clone();
    canceled.set("status", "canceled");
    canceled.set("cancellation_reason", reason);
    canceled.set("next_action", Value::Null);
    setup_confirm::abandon_attempt(world, intent);
    world.unschedule(Due::RedirectExpires, intent.id());
    world.save(&canceled);
    world.emit("setup_intent.canceled", &canceled);
    Ok(canceled)
}

/// The refusal of a step that the intent's status does not allow.
pub(crate) fn unexpected_state(intent: &Value, step: &str) -> ApiError {
    let why = match intent.text("status").unwrap_or_default() {
        "succeeded" => "it has already succeeded".to_owned(),
        "canceled" => "it has been canceled".to_owned(),
        status => format!("it has a status of {status}"),
    };
    ApiError::invalid(format!("You cannot {step} this SetupIntent because {why}."))
        .with_code("setup_intent_unexpected_state")
        .with("setup_intent", crate::state::render::shown(intent))
}
