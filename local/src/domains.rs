//! The domain of the shop's page, registered with the sandbox, so that Apple Pay is there at once.

use perennial_stripe::{IdempotencyKey, Stripe, StripeError};
use url::Url;

/// Why Apple Pay would not be offered.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// The sandbox refused it.
    #[error("the shop's domain could not be registered")]
    Stripe(#[source] StripeError),
    /// There is no randomness to name the request with.
    #[error("the system has no random numbers")]
    Random,
}

/// A page of this machine may be opened by either name.
const THIS_MACHINE: [&str; 2] = ["127.0.0.1", "localhost"];

/// Registers the host of the shop's address, and every name of this machine if it is there.
pub(crate) async fn register(stripe: &Stripe, shop: &str) -> Result<(), DomainError> {
    let shop = Url::parse(shop).ok();
    let host = shop.as_ref().and_then(Url::host_str).unwrap_or_default();
    let hosts: &[&str] = if THIS_MACHINE.contains(&host) {
        &THIS_MACHINE
    } else {
        &[host]
    };
    for host in hosts {
        let key = IdempotencyKey::new(&format!("domain:{}", ulid::Ulid::new()))
            .map_err(|_| DomainError::Random)?;
        stripe
            .create_payment_method_domain(host, &key)
            .await
            .map_err(DomainError::Stripe)?;
    }
    Ok(())
}
