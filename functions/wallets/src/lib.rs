//! `GET /wallets`: which wallets a plan may offer and why not, with the options of Stripe.js for
//! each, so that a page has everything before the shopper's click.

mod offer;
mod reason;
mod standing;

use perennial_api::{SignedLinks, api_url, failure, unknown_plan};
use perennial_config::{Api, Env, Mode, Problems, Shop, StartError};
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_stripe::{Settings, Stripe};
use perennial_types::{Clock, Consent, Plans};

use offer::{Offer, Place};
use standing::Account;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    plans: Plans,
    consent: Consent,
    api: Api,
    shop: Shop,
    links: SignedLinks,
    account: Account,
    mode: Mode,
    clock: Clock,
}

impl App {
    /// Reads the environment and builds the client.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let mut problems = Problems::default();
        let mode = perennial_config::stripe_mode(env, &mut Problems::default());
        let plans = perennial_config::plans(env, &mut problems);
        let consent = perennial_config::consent(env, &mut problems);
        let api = Api::read(env, mode, &mut problems);
        let shop = Shop::read(env, &mut problems);
        perennial_config::check_link_secret(env, &mut problems);
        let stripe = perennial_config::Stripe::read(env, problems).await?;
        let (Some(plans), Some(shop)) = (plans, shop) else {
            // `Stripe::read` has told all problems, these among them.
            return Err(Problems::default().into());
        };
        let secret = perennial_config::link_secret(env, Problems::default()).await?;
        let stripe =
            Stripe::new(Settings::new(stripe.secret_key, stripe.base)).map_err(|source| {
                StartError::Client {
                    what: "Stripe",
                    source: Box::new(source),
                }
            })?;
        Ok(Self {
            plans,
            consent,
            api,
            account: Account::new(stripe, &shop.url, clock.clone()),
            shop,
            links: SignedLinks::new(&secret),
            mode,
            clock,
        })
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user()?;
        let name = request.query.get("plan").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            ApiError::new(
                400,
                "missing_parameter",
                "The address lacks plan: ask for /wallets?plan=<name>.",
            )
        })?;
        let (name, plan) = self.plans.get(name).ok_or_else(unknown_plan)?;
        let standing = self.account.standing().await.map_err(failure)?;
        let base = api_url(&self.api, request, "")?;
        let place = Place {
            publishable_key: &self.api.publishable_key,
            shop: &self.shop.url,
            live: self.mode.is_live(),
            management: self.links.manage(&base, user),
            now: self.clock.now(),
        };
        let offer = Offer::new(name, plan, &self.consent, &standing, &place);
        Ok(Response::json(200, &offer))
    }
}
