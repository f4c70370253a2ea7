//! `GET /wallets`: which wallets a plan may offer and why not, with the options of Stripe.js for
//! each, so that a page has everything before the shopper's click.

mod offer;
mod reason;
mod standing;

use perennial_api::{
    SignedLinks, api_url, check_quantity, failure, find_plan, no_plans, plan_not_available,
};
use perennial_config::{Api, Env, Shop, Start, StartError, all, consent, link_secret, trials};
use perennial_flows::{Connections, FlowError};
use perennial_http::{ApiError, Handler, Request, Response, Routes};
use perennial_store::{Catalog, Table};
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
    livemode: bool,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = all((
            consent(env),
            Api::read(env),
            Shop::read(env),
            trials(env),
            link_secret(env),
        ));
        let (to, (consent, api, shop, trials, links)) = Connections::open(env, own).await?;
        let links = SignedLinks::fetch(links).await?;
        let catalog = Catalog::new(to.table.clone(), clock.clone());
        catalog.warm_up().await.map_err(StartError::table)?;
        Ok(Self {
            catalog,
            consent,
            api,
            account: Account::new(to.stripe, &shop.url, clock.clone()),
            shop,
            links,
            table: to.table,
            trials,
            livemode: to.livemode,
            clock,
        })
    }
}

impl Handler for App {
    type Route = ();
    const ROUTES: Routes<()> = &[("GET /wallets", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
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
        let quantity = quantity(request, plan)?;
        let (standing, items) = tokio::join!(
            self.account.standing(),
            self.table
                .load_user(user, self.clock.now().plus_seconds(-HOUR))
        );
        let standing = standing.map_err(failure)?;
        let items = items.map_err(|error| failure(FlowError::Store(error)))?;
        // Everything that the shopper reads is about the trial that they would get, and about all that they buy.
        let plan = &Plan {
            trial_days: items.trial_days(plan, self.trials),
            ..plan.times(quantity)
        };
        let base = api_url(&self.api, request, "")?;
        let place = Place {
            publishable_key: &self.api.publishable_key,
            shop: &self.shop.url,
            live: self.livemode,
            management: self.links.manage(&base, user, items.links),
            now: self.clock.now(),
        };
        let against = against_this_user(plan, &plans, &items);
        let sold = (name, plan.quantity.map(|_| quantity));
        let offer = Offer::new(sold, plan, &self.consent, &standing, &place, &against);
        Ok(Response::json(200, &offer))
    }
}

/// How many are asked about; the least that is sold, if none are named.
fn quantity(request: &Request, plan: &Plan) -> Result<u64, ApiError> {
    let asked = request.query.get("quantity");
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(plan.least());
    };
    // What is no number is not sold either.
    let quantity = asked.parse().unwrap_or(0);
    check_quantity(plan, quantity)?;
    Ok(quantity)
}
