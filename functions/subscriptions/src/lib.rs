//! `GET /subscriptions`: what a user has, and what they are entitled to; and `GET /plans`: what anyone
//! may buy.
//!
//! One consistent query of the table answers the first, and the second costs nothing but the look at
//! the catalog that is due once a minute. Stripe is not asked, so both can stand in front of every
//! page of a shop.
//!
//! The shop's servers ask the same of any user, by IAM: `GET /shop/subscriptions`, and `GET /shop/users` for
//! all that is known of one.

mod held_plans;
mod plans;
mod user;

use std::{collections::BTreeMap, sync::Arc};

use held_plans::HeldPlans;
use perennial_config::{Dynamo, Env, Start, StartError, all, disputed_access, grace, stripe_mode};
use perennial_http::{
    ApiError, Handler, ManagedSubscription, Request, Response, Routes, routes, sentence,
};
use perennial_store::{Catalog, CustomerItem, StoreError, Table};
use perennial_types::{
    AccessRules, By, Clock, Entitlement, GivenPlan, PlanGroup, Plans, Subscription, UserId,
    entitlements,
};
use serde::Serialize;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    table: Table,
    catalog: Catalog,
    rules: AccessRules,
    clock: Clock,
}

/// What a user has.
#[derive(Serialize)]
struct Standing {
    subscriptions: Vec<ManagedSubscription>,
    plans: HeldPlans,
    grants: Vec<GivenPlan>,
    entitlements: BTreeMap<PlanGroup, Entitlement>,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (dynamo, mode, grace, disputed) = all((
            Dynamo::read(env),
            stripe_mode(env),
            grace(env),
            disputed_access(env),
        ))?;
        let table = Table::given_or_new(env.given(), &dynamo.table, &dynamo.aws);
        let table = table.of_mode(mode.is_live());
        let catalog = Catalog::new(table.clone(), clock.clone());
        catalog.warm_up().await.map_err(StartError::table)?;
        Ok(Self {
            table,
            catalog,
            rules: AccessRules { grace, disputed },
            clock,
        })
    }
}

impl App {
    async fn plans(&self) -> Result<Arc<Plans>, ApiError> {
        self.catalog.current().await.map_err(|error| {
            ApiError::new(503, "catalog_unavailable", sentence(&error))
                .retry_after(5)
                .because(error)
        })
    }

    async fn subscriptions(&self, by: By, user: &UserId) -> Result<Response, ApiError> {
        let standing = self.standing(by, user).await?;
        Ok(Response::json(200, &standing))
    }

    /// What a user has, and what they are entitled to.
    async fn standing(&self, by: By, user: &UserId) -> Result<Standing, ApiError> {
        let plans = self.plans().await?;
        let known = self.table.load_subscriptions(user).await;
        let (subscriptions, grants) = known.map_err(unavailable)?;
        // A plan may have another name by now than when the subscription was last read.
        let named = |subscription: Subscription| subscription.named_by(&plans);
        let subscriptions: Vec<Subscription> = subscriptions.into_iter().map(named).collect();
        let now = self.clock.now();
        let mut entitlements = entitlements(&plans, &subscriptions, &grants, now, self.rules);
        if by == By::Shopper {
            // Nor does a shopper hear of a group before they have something of it, if all of its plans are private.
            entitlements.retain(|group, it| it.because != "none" || !plans.is_private_group(group));
        }
        let held = HeldPlans::of(&subscriptions, &plans);
        let managed = |it: Subscription| ManagedSubscription::new(it, by, now, &plans);
        Ok(Standing {
            subscriptions: subscriptions.into_iter().map(managed).collect(),
            plans: held,
            grants: grants.running(&plans, now),
            entitlements,
        })
    }

    /// All that is known of a user.
    async fn user(&self, request: &Request) -> Result<Response, ApiError> {
        let user = Request::named_user(request.query.get("user").map(String::as_str))?;
        let most = user::most(request)?;
        let standing = self.standing(By::Server, &user).await?;
        let items = self.table.load_user(&user, self.clock.now()).await;
        let items = items.map_err(unavailable)?;
        let customer = items.customer.and_then(|item| match item {
            CustomerItem::Known { customer } => Some(customer),
            CustomerItem::Creating(_) | CustomerItem::Erasing(_) => None,
        });
        let history = self.table.load_history(&user, customer.as_ref(), most);
        let history = Box::pin(history).await.map_err(unavailable)?;
        let (timeline, complete) = user::timeline(history, most);
        // What Stripe told of a customer that it has deleted since is not looked for.
        let complete = complete && items.links == 0;
        let trials = items.trials.into_iter();
        let trials: Vec<Value> = trials
            .map(|trial| json!({ "group": trial.group, "checkouts": trial.attempts }))
            .collect();
        Ok(Response::json(
            200,
            &json!({
                "user": user,
                "customer": customer,
                "subscriptions": standing.subscriptions,
                "grants": standing.grants,
                "entitlements": standing.entitlements,
                "trials": trials,
                "offers": items.offers,
                "timeline": timeline,
                "complete": complete,
            }),
        ))
    }
}

fn unavailable(error: StoreError) -> ApiError {
    ApiError::new(
        503,
        "table_unavailable",
        "The table did not answer in time. Try again.",
    )
    .retry_after(2)
    .because(error)
}

routes! {
    Subscriptions = "GET /subscriptions",
    Plans = "GET /plans",
    ShopSubscriptions = "GET /shop/subscriptions",
    ShopUser = "GET /shop/users",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        match route {
            Route::Subscriptions => self.subscriptions(By::Shopper, request.user()?).await,
            Route::Plans => Ok(plans::answer(&*self.plans().await?)),
            Route::ShopSubscriptions => {
                request.check_server()?;
                let user = Request::named_user(request.query.get("user").map(String::as_str))?;
                self.subscriptions(By::Server, &user).await
            }
            Route::ShopUser => {
                request.check_server()?;
                self.user(request).await
            }
        }
    }
}
