//! What a wallet sends the shopper back with.

use perennial_api::{parse_checkout, unknown_checkout};
use perennial_flows::{Return, ReturnedIntent};
use perennial_http::{ApiError, Request};
use secrecy::SecretString;

pub(crate) fn read_return(request: &Request) -> Result<Return, ApiError> {
    let parameter = |name: &'static str| {
        let value = request.query.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_parameter",
                format!("The address lacks {name}. Use the return_url of POST /client-secret as it is; Stripe adds the rest."),
            )
        })
    };
    let (intent, id, secret) = if request.query.contains_key("payment_intent") {
        let id = parameter("payment_intent")?;
        let intent = id.parse().map(ReturnedIntent::Payment);
        (intent, id, parameter("payment_intent_client_secret")?)
    } else {
        let id = parameter("setup_intent")?;
        let intent = id.parse().map(ReturnedIntent::Setup);
        (intent, id, parameter("setup_intent_client_secret")?)
    };
    let checkout = parameter("checkout")?;
    let intent = intent.map_err(|_| unknown_checkout())?;
    // A secret begins with its intent's id, so that most made-up ones cost no call.
    if !secret.starts_with(&format!("{id}_secret_")) {
        return Err(unknown_checkout());
    }
    Ok(Return {
        intent,
        secret: SecretString::from(secret.as_str()),
        checkout: parse_checkout(checkout)?,
    })
}
