//! `GET /wallets`: which wallets a plan may offer and why not, with the options of Stripe.js for
//! each, so that a page has everything before the shopper's click.

mod offer;
mod reason;
mod standing;

use perennial_api::{SignedLinks, api_url, failure, find_plan, no_plans, plan_not_available};
use perennial_config::{Api, Dynamo, Env, Mode, Problems, Shop, StartError};
use perennial_flows::FlowError;
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_store::{Catalog, Table};
use perennial_stripe::{Settings, Stripe};
use perennial_types::{Clock, Consent, Plan, Trials};

use offer::{Offer, Place};
use reason::against_this_user;
use standing::Account;

/// As far back as a click looks for what Stripe has refused.
const HOUR: i64 = 3600;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    catalog: Catalog,
    consent: Consent,
    api: Api,
    shop: Shop,
    links: SignedLinks,
    table: Table,
    trials: Trials,
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
        let consent = perennial_config::consent(env, &mut problems);
        let api = Api::read(env, mode, &mut problems);
        let shop = Shop::read(env, &mut problems);
        let dynamo = Dynamo::read(env, &mut problems);
        let trials = perennial_config::trials(env, &mut problems);
        perennial_config::check_link_secret(env, &mut problems);
        let stripe = perennial_config::Stripe::read(env, problems).await?;
        let Some(shop) = shop else {
            // `Stripe::read` has told all problems, that of the shop's address among them.
            return Err(Problems::default().into());
        };
        let secret = perennial_config::link_secret(env, Problems::default()).await?;
        let settings = Settings::new(stripe.secret_key, stripe.base).with_new_key(stripe.new_key);
        let livemode = stripe.mode.is_live();
        let stripe = Stripe::new(settings).map_err(|source| StartError::Client {
            what: "Stripe",
            source: Box::new(source),
        })?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        let table = Table::connect(&dynamo.table, endpoint)
            .await
            .of_mode(livemode)
            .await
            .map_err(|error| StartError::Table(Box::new(error)))?;
        let catalog = Catalog::new(table.clone(), clock.clone());
        catalog.warm_up().await;
        Ok(Self {
            catalog,
            consent,
            api,
            account: Account::new(stripe, &shop.url, clock.clone()),
            shop,
            links: SignedLinks::new(&secret),
            table,
            trials,
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
        let plans = self.catalog.current().await.map_err(no_plans)?;
        let (name, plan) = find_plan(&plans, name)?;
        if plan.refusal.is_some() {
            return Err(plan_not_available());
        }
        let (standing, items) = tokio::join!(
            self.account.standing(),
            self.table
                .load_user(user, self.clock.now().plus_seconds(-HOUR))
        );
        let standing = standing.map_err(failure)?;
        let items = items.map_err(|error| failure(FlowError::Store(error)))?;
        // Everything that the shopper reads is about the trial that they would get.
        let plan = &Plan {
            trial_days: items.trial_days(plan, self.trials),
            ..plan.clone()
        };
        let base = api_url(&self.api, request, "")?;
        let place = Place {
            publishable_key: &self.api.publishable_key,
            shop: &self.shop.url,
            live: self.mode.is_live(),
            management: self.links.manage(&base, user, items.links),
            now: self.clock.now(),
        };
        let against = against_this_user(plan, &plans, &items);
        let offer = Offer::new(name, plan, &self.consent, &standing, &place, &against);
        Ok(Response::json(200, &offer))
    }
}
