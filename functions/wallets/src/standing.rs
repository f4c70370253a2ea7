//! What Stripe says of the shop's account, kept in memory so that a page view costs no call.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use perennial_flows::FlowError;
use perennial_stripe::{PaymentMethodDomain, Stripe, StripeError};
use perennial_types::{Clock, Timestamp};
use tokio::{sync::Mutex, time::Instant};
use url::Url;

/// How the account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// By ISO 3166-1, if Stripe says.
    pub(crate) country: Option<String>,
    /// By name. Empty if the key may not ask.
    pub(crate) capabilities: BTreeMap<String, String>,
    /// The domains of the shop's name, of which there is at most one; nothing if the key may not ask.
    pub(crate) domains: Option<Vec<PaymentMethodDomain>>,
}

/// Whether the account may take a kind of payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability<'a> {
    Active,
    /// With Stripe's word for it, such as `pending`.
    NotActive(&'a str),
    /// Stripe does not say, or the key may not ask.
    Unknown,
}

/// How a wallet stands on the shop's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain<'a> {
    Active,
    NotRegistered,
    /// With Stripe's reason, if it gives one.
    Inactive(Option<&'a str>),
    /// The key may not ask.
    Unknown,
}

impl Standing {
    /// How the account stands with a capability. One whose capabilities Stripe does not list is not one
    /// without any.
    pub(crate) fn capability(&self, name: &str) -> Capability<'_> {
        if self.capabilities.is_empty() {
            return Capability::Unknown;
        }
        match self
            .capabilities
            .get(name)
            .map_or("inactive", String::as_str)
        {
            "active" => Capability::Active,
            other => Capability::NotActive(other),
        }
    }

    /// How a wallet stands on the shop's domain, by the name of its field.
    pub(crate) fn domain(&self, field: &str) -> Domain<'_> {
        match self.domains.as_deref().map(<[_]>::first) {
            None => Domain::Unknown,
            Some(None) => Domain::NotRegistered,
            Some(Some(domain)) if !domain.is_enabled() => {
                Domain::Inactive(Some("The domain is registered and not enabled."))
            }
            Some(Some(domain)) if domain.is_active(field) => Domain::Active,
            Some(Some(domain)) => Domain::Inactive(domain.error_message(field)),
        }
    }
}

/// The account, as it was when it was last asked.
#[derive(Clone)]
pub(crate) struct Account {
    stripe: Stripe,
    host: String,
    clock: Clock,
    known: Arc<Mutex<Option<Known>>>,
}

struct Known {
    standing: Arc<Standing>,
    /// When it was asked for.
    at: Timestamp,
    /// When it is to be asked for again.
    until: Timestamp,
}

/// A change in Stripe's Dashboard is seen after at most this.
const FRESH_SECONDS: i64 = 300;

/// While Stripe does not answer, only one page view in so many seconds waits for it.
const PAUSE_SECONDS: i64 = 30;

/// A page that waits for longer shows no wallet at all.
const BUDGET: Duration = Duration::from_secs(5);

impl Account {
    pub(crate) fn new(stripe: Stripe, shop: &Url, clock: Clock) -> Self {
        Self {
            stripe,
            host: shop.host_str().unwrap_or_default().to_owned(),
            clock,
            known: Arc::default(),
        }
    }

    /// How the account stands, or stood within the last five minutes. When Stripe does not answer,
    /// what it said before is a better answer to a page than none.
    pub(crate) async fn standing(&self) -> Result<Arc<Standing>, FlowError> {
        // Whoever comes while another asks waits for that answer.
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(known) = known.as_ref().filter(|known| now < known.until) {
            return Ok(Arc::clone(&known.standing));
        }
        match (self.ask().await, &mut *known) {
            (Ok(standing), known) => {
                let standing = Arc::new(standing);
                *known = Some(Known {
                    standing: Arc::clone(&standing),
                    at: now,
                    until: now.plus_seconds(FRESH_SECONDS),
                });
                Ok(standing)
            }
            (Err(error), Some(known)) => {
                let error = FlowError::Stripe(error).chain();
                tracing::warn!(at = %known.at, error, "the account could not be asked; an older answer stands in");
                known.until = now.plus_seconds(PAUSE_SECONDS);
                Ok(Arc::clone(&known.standing))
            }
            (Err(error), None) => Err(error.into()),
        }
    }

    async fn ask(&self) -> Result<Standing, StripeError> {
        let stripe = self.stripe.with_deadline(Instant::now() + BUDGET);
        let (account, domains) = tokio::join!(
            stripe.retrieve_account(),
            stripe.list_payment_method_domains(&self.host)
        );
        let account = allowed(account.map(|it| it.value))?;
        let (country, capabilities) = account
            .map(|account| (account.country, account.capabilities))
            .unwrap_or_default();
        Ok(Standing {
            country,
            capabilities,
            domains: allowed(domains.map(|it| it.value.data))?,
        })
    }
}

/// Nothing, if the key may not ask: a restricted key can do all else without this permission.
fn allowed<T>(answer: Result<T, StripeError>) -> Result<Option<T>, StripeError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(StripeError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
