//! `GET /wallets` and `POST /wallets`: which wallets a plan may offer and why not, with the options of Stripe.js for
//! each, so that a page has everything before the shopper's click. With `POST` come the promotion code that they have
//! typed in and where they are, since a URL is kept in logs that a body is in none of.

mod offer;
mod reason;
mod standing;

use std::collections::BTreeMap;

use perennial_api::{
    SignedLinks, api_url, buy_addons, check_quantity, failure, find_plan, no_plans,
    plan_not_available, unknown_plan,
};
use perennial_config::{Api, Env, Shop, Start, StartError, all, consent, link_secret, trials};
use perennial_flows::{
    Connections, FlowError,
    codes::{self, Quote},
    first_period::ForWhom,
    tax,
};
use perennial_http::{ApiError, Handler, Request, Response, Routes, read_json};
use perennial_store::{Catalog, Table};
use perennial_stripe::Stripe;
use perennial_types::{
    BillingAddress, BoughtAddon, Clock, CodeRefusal, Consent, Plan, TaxRefusal, Trials, UserId,
};
use serde::Deserialize;

use offer::{Offer, Order, Place};
use reason::{against_this_user, without_address};
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
    stripe: Stripe,
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
            stripe: to.stripe.clone(),
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

/// What a page asks with a code, with an address or with both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    plan: String,
    code: Option<String>,
    billing_address: Option<BillingAddress>,
    quantity: Option<u64>,
    addons: Option<BTreeMap<String, u64>>,
}

/// What is to be offered: the least that is sold unless a quantity is named, and no add-on.
#[derive(Debug)]
struct Wanted<'a> {
    plan: &'a str,
    quantity: Option<u64>,
    addons: BTreeMap<String, u64>,
    code: Option<&'a str>,
    address: Option<&'a BillingAddress>,
}

/// With a promotion code or an address, or without.
#[derive(Debug, Clone, Copy)]
pub enum Asked {
    /// What the plan costs.
    Plain,
    /// What it costs with a code, and with the taxes of an address.
    WithBody,
}

impl Handler for App {
    type Route = Asked;
    const ROUTES: Routes<Asked> = &[
        ("GET /wallets", Asked::Plain),
        ("POST /wallets", Asked::WithBody),
    ];

    async fn handle(&self, asked: Asked, request: &Request) -> Result<Response, ApiError> {
        let user = request.user()?;
        match asked {
            Asked::Plain => {
                let name = request.query.get("plan").filter(|name| !name.is_empty());
                let name = name.ok_or_else(|| {
                    ApiError::new(
                        400,
                        "missing_parameter",
                        "The address lacks plan: ask for /wallets?plan=<name>.",
                    )
                })?;
                let wanted = Wanted {
                    plan: name,
                    quantity: quantity(request),
                    addons: addons(request)?,
                    code: None,
                    address: None,
                };
                self.offer(request, user, wanted).await
            }
            Asked::WithBody => {
                let ask: Ask = read_json(request)?;
                let code = ask.code.as_deref().map(str::trim);
                if code.is_some_and(|code| code.is_empty() || code.len() > codes::LONGEST_WORDS) {
                    return Err(ApiError::new(
                        400,
                        "invalid_field",
                        "The body has a mistake: `code` has 1 to 500 characters.",
                    ));
                }
                if code.is_none() && ask.billing_address.is_none() {
                    return Err(ApiError::new(
                        400,
                        "missing_field",
                        "The body has a mistake: missing field `code`. Send `code`, `billing_address` or both.",
                    ));
                }
                let wanted = Wanted {
                    plan: &ask.plan,
                    quantity: ask.quantity,
                    addons: ask.addons.unwrap_or_default(),
                    code,
                    address: ask.billing_address.as_ref(),
                };
                self.offer(request, user, wanted).await
            }
        }
    }
}

impl App {
    async fn offer(
        &self,
        request: &Request,
        user: &UserId,
        wanted: Wanted<'_>,
    ) -> Result<Response, ApiError> {
        let plans = self.catalog.current().await.map_err(no_plans)?;
        let (name, plan) = find_plan(&plans, wanted.plan)?;
        let bought = match buy(plan, &wanted) {
            Err(error) if !plan.private => return Err(error),
            bought => bought,
        };
        let (standing, items) = tokio::join!(
            self.account.standing(),
            self.table
                .load_user(user, self.clock.now().plus_seconds(-HOUR))
        );
        let items = items.map_err(|error| failure(FlowError::Store(error)))?;
        if !items.offers.allow(name, plan) && !items.has_at_its_price(name, plan, &plans) {
            return Err(unknown_plan());
        }
        let (quantity, addons) = bought?;
        let standing = standing.map_err(failure)?;
        // Everything that the shopper reads is about the trial that they would get, and about all that they buy.
        let plan = &Plan {
            trial_days: items.trial_days(plan, self.trials),
            ..plan.times_with(quantity, &addons)
        };
        let whom = ForWhom {
            plan,
            quantity,
            addons: &addons,
            // Without taxes nobody needs to know it.
            address: wanted.address.filter(|_| plan.tax.is_some()),
            items: &items,
            now: self.clock.now(),
        };
        if plan.tax.is_some() && whom.address.is_none() && wanted.code.is_some() {
            return Err(failure(FlowError::Tax(TaxRefusal::AddressNeeded)));
        }
        let taxed = match whom.address {
            Some(_) => Some(tax::shown(&self.stripe, whom).await.map_err(failure)?),
            None => None,
        };
        let quote = match wanted.code {
            Some(code) => Some(self.quote(user, code, whom).await?),
            None => None,
        };
        let base = api_url(&self.api, request, "")?;
        let place = Place {
            publishable_key: &self.api.publishable_key,
            shop: &self.shop.url,
            live: self.livemode,
            management: self.links.manage(&base, user, items.links),
            offers: items.offers.for_sale(&plans).collect(),
            now: self.clock.now(),
        };
        let mut against = against_this_user((plan, &addons), &plans, &items);
        against.extend(without_address(plan, taxed.as_ref()));
        let sold = (name, plan.quantity.map(|_| quantity));
        // From here on it costs what it does with its taxes.
        let plan = &Plan {
            amount: taxed.map_or(plan.amount, |taxed| taxed.amount),
            ..plan.clone()
        };
        let order = Order {
            plan,
            addons: &addons,
            taxed: taxed.as_ref(),
            quote: quote.as_ref(),
        };
        let offer = Offer::new(sold, order, &self.consent, &standing, &place, &against);
        Ok(Response::json(200, &offer))
    }

    /// What the code takes off, if the user has not tried too many.
    async fn quote(&self, user: &UserId, code: &str, whom: ForWhom<'_>) -> Result<Quote, ApiError> {
        let counted = self
            .table
            .count_code_try(user, whom.now, codes::TRIES_AN_HOUR);
        let counted = counted.await;
        if !counted.map_err(|error| failure(FlowError::Store(error)))? {
            return Err(ApiError::new(
                429,
                "too_many_codes",
                "This user has tried too many codes within an hour. Try again later.",
            )
            .retry_after(600));
        }
        // No code has other characters, and Stripe need not be asked.
        if !code.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(failure(FlowError::Code(CodeRefusal::Unknown)));
        }
        codes::typed(&self.stripe, code, whom)
            .await
            .map_err(failure)
    }
}

/// How many of the plan, and what beside it, if it is sold so.
fn buy(plan: &Plan, wanted: &Wanted<'_>) -> Result<(u64, Vec<BoughtAddon>), ApiError> {
    if plan.refusal.is_some() {
        return Err(plan_not_available());
    }
    let quantity = wanted.quantity.unwrap_or_else(|| plan.least());
    check_quantity(plan, quantity)?;
    Ok((quantity, buy_addons(plan, quantity, &wanted.addons)?))
}

/// How many are asked about, if the address names some. What is no number is not sold either.
fn quantity(request: &Request) -> Option<u64> {
    let asked = request.query.get("quantity");
    let asked = asked.filter(|asked| !asked.is_empty())?;
    Some(asked.parse().unwrap_or(0))
}

/// The add-ons that are asked about, if the address names some: `extra-storage:2,support:1`.
fn addons(request: &Request) -> Result<BTreeMap<String, u64>, ApiError> {
    let asked = request.query.get("addons");
    let asked = asked.filter(|asked| !asked.is_empty());
    let mut addons = BTreeMap::new();
    for one in asked.into_iter().flat_map(|asked| asked.split(',')) {
        let (name, quantity) = one.split_once(':').unwrap_or((one, "1"));
        let quantity = quantity.parse().ok();
        let Some(quantity) = quantity.filter(|_| !addons.contains_key(name)) else {
            return Err(ApiError::new(
                400,
                "invalid_field",
                "\"addons\" of the address is of the form name:quantity, with a comma between two, and names each once.",
            ));
        };
        addons.insert(name.to_owned(), quantity);
    }
    Ok(addons)
}
