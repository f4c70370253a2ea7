//! `GET /manage` and `GET /authorize`: where a signed link leads a shopper who is not signed in.
//!
//! The signature is the proof. A link of one purpose does not open the other, and whatever is wrong
//! with a link, the answer is in the same words. These links are in mails and in Apple's wallet, so a
//! browser whose link opens nothing is sent to the shop's page, which has a sentence for it.

mod authorize;
mod manage;

use perennial_api::{Link, LinkError, SignedLinks, failure, landing_of_link};
use perennial_config::{Api, Dynamo, Env, Problems, Rolling, Shop, StartError};
use perennial_flows::FlowError;
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_store::Table;
use perennial_stripe::{Settings, Stripe, StripeError};
use perennial_types::{Clock, CustomerId, UserId};
use secrecy::SecretString;

const NOT_OPENED: &str = "a link opened nothing; the shop's page says so";

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    stripe: Stripe,
    table: Table,
    api: Api,
    shop: Shop,
    secret: Rolling<SecretString>,
    livemode: bool,
    clock: Clock,
}

impl App {
    /// Reads the environment and builds the clients.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let mut problems = Problems::default();
        let mode = perennial_config::stripe_mode(env, &mut Problems::default());
        let dynamo = Dynamo::read(env, &mut problems);
        let api = Api::read(env, mode, &mut problems);
        let shop = Shop::read(env, &mut problems);
        perennial_config::check_link_secret(env, &mut problems);
        let stripe = perennial_config::Stripe::read(env, problems).await?;
        let Some(shop) = shop else {
            // `Stripe::read` has told all problems, that of the shop's address among them.
            return Err(Problems::default().into());
        };
        let secret = perennial_config::rolling_link_secret(env, Problems::default()).await?;
        let settings = Settings::new(stripe.secret_key, stripe.base).with_new_key(stripe.new_key);
        let stripe = Stripe::new(settings).map_err(|source| StartError::Client {
            what: "Stripe",
            source: Box::new(source),
        })?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        let table = Table::connect(&dynamo.table, endpoint)
            .await
            .of_mode(mode.is_live())
            .await
            .map_err(|error| StartError::Table(Box::new(error)))?;
        Ok(Self {
            stripe,
            table,
            api,
            shop,
            secret,
            livemode: mode.is_live(),
            clock,
        })
    }

    /// What the link of this request is good for.
    async fn link(&self, request: &Request) -> Result<Link, ApiError> {
        let text = request.query.get("link").map_or("", String::as_str);
        let now = self.clock.now();
        let known = self.secret.current().await;
        let mut link = SignedLinks::new(&known).read(text, now);
        if link == Err(LinkError::Signature) {
            // It may be signed with a secret that was put there since this copy started.
            if let Some(secret) = self.secret.after_refusal(&known, now).await {
                link = SignedLinks::new(&secret).read(text, now);
            }
        }
        link.map_err(|error| unknown_link().because(error))
    }

    async fn customer(&self, user: &UserId) -> Result<Option<CustomerId>, ApiError> {
        let customer = self.table.known_customer(user).await;
        customer.map_err(|error| failure(FlowError::Store(error)))
    }

    async fn open(&self, request: &Request) -> Result<Response, ApiError> {
        match (request.route.as_str(), self.link(request).await?) {
            (
                "GET /manage",
                Link::Manage {
                    user,
                    number,
                    saved,
                },
            ) => self.manage(&user, number, saved).await,
            ("GET /authorize", Link::Authorize { user, payment }) => {
                self.authorize(request, &user, &payment).await
            }
            _ => Err(unknown_link()),
        }
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        match self.open(request).await {
            Err(error) if !request.wants_json() => {
                error.log(request, NOT_OPENED);
                let why = match error.code {
                    "unknown_link" => "expired",
                    _ => "unavailable",
                };
                Ok(Response::see_other(&landing_of_link(&self.shop, why)))
            }
            answer => answer,
        }
    }
}

/// The same words whether the link was never signed, was changed, has expired or is about something
/// that is not there.
fn unknown_link() -> ApiError {
    ApiError::new(
        404,
        "unknown_link",
        "This link is invalid or has expired. Ask the shop for another one.",
    )
}

/// Whether Stripe says that the object is not there.
fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
        || matches!(error, StripeError::Invalid { status: 404, .. })
}
