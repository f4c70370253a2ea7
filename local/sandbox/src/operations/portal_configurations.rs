//! Configurations of the customer portal: created and changed.

use crate::error::{ApiError, Result};
use crate::objects::{merge_metadata, portal_configuration};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// The lists that an empty value clears.
const LISTS: [&str; 5] = [
    "allowed_updates",
    "conditions",
    "default_allowed_updates",
    "interval_options",
    "options",
];

/// What of a customer may be changed on the page that stands for the portal.
const SIMULATED_UPDATES: [&str; 3] = ["email", "name", "phone"];

/// Gives the account the configuration that its owner has saved in the Dashboard, or takes it away.
pub(crate) fn set_default(world: &mut World, is_there: bool) {
    let (kind, id) = (Kind::PortalConfiguration, portal_configuration::DEFAULT);
    if !is_there {
        world.store.remove(kind, id);
    } else if world.store.get(kind, id).is_none() {
        let saved = portal_configuration::saved_in_the_dashboard(world);
        world.save(&saved);
    }
}

/// `POST /v1/billing_portal/configurations`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let mut made = portal_configuration::new(world);
    apply(world, &mut made, &call.params)?;
    world.create(&made, "billing_portal.configuration.created");
    Ok(made)
}

/// `POST /v1/billing_portal/configurations/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::PortalConfiguration, &call.id)?;
    let mut after = before.clone();
    if let Some(active) = call.params.get("active") {
        if before.flag("is_default") && active == &json!(false) {
            let message = "You cannot deactivate the default configuration of the portal.";
            return Err(ApiError::invalid(message).with_param("active"));
        }
        after.set("active", active.clone());
    }
    apply(world, &mut after, &call.params)?;
    after.set("updated", world.now());
    world.update(&before, &after, "billing_portal.configuration.updated");
    Ok(after)
}

fn apply(world: &World, configuration: &mut Value, params: &Value) -> Result<()> {
    check_simulated(params)?;
    for name in ["default_return_url", "name"] {
        if let Some(value) = params.get(name) {
            configuration.set(name, value.clone());
        }
    }
    for name in ["business_profile", "features"] {
        merge(configuration, name, params.at(name));
    }
    merge_metadata(configuration, params);
    if params.at("features").has("subscription_update") {
        check_products(world, configuration)?;
    }
    check_features(configuration)
}

/// Puts what is sent over what is there, hash by hash; a list replaces the one before.
fn merge(configuration: &mut Value, path: &str, given: &Value) {
    for (name, value) in given.as_object().into_iter().flatten() {
        let inner = match name.as_str() {
            "products" => format!("{path}._products"),
            name => format!("{path}.{name}"),
        };
        match value {
            Value::Object(_) => merge(configuration, &inner, value),
            Value::Null if LISTS.contains(&name.as_str()) => configuration.set(&inner, json!([])),
            value => configuration.set(&inner, value.clone()),
        }
    }
}

fn check_simulated(params: &Value) -> Result<()> {
    let refuse = |is_wanted: bool, name: &str| {
        if is_wanted {
            Err(ApiError::not_simulated(name))
        } else {
            Ok(())
        }
    };
    refuse(params.flag("login_page.enabled"), "login_page[enabled]")?;
    let features = params.at("features");
    let others = |path: &str, simulated: &[&str]| {
        let wanted = features.list(path).iter().filter_map(Value::as_str);
        wanted
            .into_iter()
            .any(|wanted| !simulated.contains(&wanted))
    };
    refuse(
        others("customer_update.allowed_updates", &SIMULATED_UPDATES),
        "features[customer_update][allowed_updates]",
    )?;
    refuse(
        features.has("payment_method_update.payment_method_configuration"),
        "features[payment_method_update][payment_method_configuration]",
    )?;
    refuse(
        !features
            .list("subscription_cancel.cancellation_reason.feedback_options")
            .is_empty(),
        "features[subscription_cancel][cancellation_reason][feedback_options]",
    )?;
    refuse(
        features.flag("subscription_pause.enabled"),
        "features[subscription_pause][enabled]",
    )?;
    refuse(
        others(
            "subscription_update.default_allowed_updates",
            &["price", "quantity"],
        ),
        "features[subscription_update][default_allowed_updates]",
    )?;
    refuse(
        !features
            .list("subscription_update.schedule_at_period_end.conditions")
            .is_empty(),
        "features[subscription_update][schedule_at_period_end][conditions]",
    )
}

/// Refuses features that do not go together.
fn check_features(configuration: &Value) -> Result<()> {
    let features = configuration.at("features");
    let refusal =
        |message: &str, param: &str| Err(ApiError::invalid(message).with_param(param.to_owned()));
    let cancel = features.at("subscription_cancel");
    let prorates = cancel.text("proration_behavior").unwrap_or("none");
    if prorates == "always_invoice" || (prorates != "none" && cancel.is("mode", "at_period_end")) {
        // Types of npm stripe 23.1.0 say so.
        return refusal(
            "Cancellations are prorated with `create_prorations`, and only where `mode` is `immediately`.",
            "features[subscription_cancel][proration_behavior]",
        );
    }
    let update = features.at("subscription_update");
    if !update.flag("enabled") {
        return Ok(());
    }
    if !features.flag("payment_method_update.enabled") {
        // https://github.com/nextjs/saas-starter/issues/68
        return refusal(
            "Cannot enable subscription updates while payment method update is disabled.",
            "features[subscription_update][enabled]",
        );
    }
    for (name, field) in [
        ("default_allowed_updates", "default_allowed_updates"),
        ("products", "_products"),
    ] {
        if update.list(field).is_empty() {
            return Err(ApiError::missing(&format!(
                "features[subscription_update][{name}]"
            )));
        }
    }
    Ok(())
}

/// Refuses products and prices that the portal could not sell, and gives each product how its quantity is changed.
fn check_products(world: &World, configuration: &mut Value) -> Result<()> {
    let path = "features.subscription_update._products";
    let mut products = configuration.list(path).to_vec();
    for (place, product) in products.iter_mut().enumerate() {
        let inside = format!("features[subscription_update][products][{place}]");
        let id = product.owned("product").unwrap_or_default();
        world.at_param(Kind::Product, &id, &format!("{inside}[product]"))?;
        let mut intervals = Vec::new();
        for (place, price) in product.list("prices").iter().enumerate() {
            let param = format!("{inside}[prices][{place}]");
            let price = price.as_str().unwrap_or_default();
            let price = crate::objects::subscription_item::price_of(world, price, &param)?;
            if !price.is("product", &id) {
                let message = format!("The price {} is not one of the product {id}.", price.id());
                return Err(ApiError::invalid(message).with_param(param));
            }
            let interval = (
                price.at("recurring.interval").clone(),
                price.at("recurring.interval_count").clone(),
                price.at("currency").clone(),
            );
            if intervals.contains(&interval) {
                let message =
                    "All prices of a product in the portal must have different billing intervals.";
                return Err(ApiError::invalid(message).with_param(param));
            }
            intervals.push(interval);
        }
        if !product.has("adjustable_quantity") {
            product.set("adjustable_quantity", json!({"enabled": false}));
        }
        for (name, value) in [("maximum", json!(null)), ("minimum", json!(1))] {
            if !product.at("adjustable_quantity").has(name) {
                product.set(&format!("adjustable_quantity.{name}"), value);
            }
        }
    }
    if configuration.has(path) {
        configuration.set(path, products);
    }
    Ok(())
}
