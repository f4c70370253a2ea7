//! `GET /subscriptions`: what a user has, and what they are entitled to; and `GET /plans`: what anyone
//! may buy.
//!
//! One consistent query of the table answers the first, and the second costs nothing but the look at
//! the catalog that is due once a minute. Stripe is not asked, so both can stand in front of every
//! page of a shop.

mod plans;

use std::sync::Arc;

use perennial_config::{Dynamo, Env, Start, StartError, all, grace, stripe_mode};
use perennial_http::{
    ApiError, Handler, Request, Response, Routes, SubscriptionBody, routes, sentence,
};
use perennial_store::{Catalog, Table};
use perennial_types::{Clock, Grace, Plans, Subscription, entitlements};
use serde_json::json;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    table: Table,
    catalog: Catalog,
    grace: Grace,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (dynamo, mode, grace) = all((Dynamo::read(env), stripe_mode(env), grace(env)))?;
        let table = Table::given_or_new(env.given(), &dynamo.table, &dynamo.aws)
            .of_mode(mode.is_live())
            .await
            .map_err(StartError::table)?;
        let catalog = Catalog::new(table.clone(), clock.clone());
        catalog.warm_up().await;
        Ok(Self {
            table,
            catalog,
            grace,
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

    async fn subscriptions(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user()?;
        let plans = self.plans().await?;
        let subscriptions = self.table.load_subscriptions(user).await.map_err(|error| {
            ApiError::new(
                503,
                "table_unavailable",
                "The table did not answer in time. Try again.",
            )
            .retry_after(2)
            .because(error)
        })?;
        // A plan may have another name by now than when the subscription was last read.
        let named = |subscription: Subscription| subscription.named_by(&plans);
        let subscriptions: Vec<Subscription> = subscriptions.into_iter().map(named).collect();
        let now = self.clock.now();
        let entitlements = entitlements(&plans, &subscriptions, now, self.grace);
        let bodies: Vec<_> = subscriptions.into_iter().map(SubscriptionBody).collect();
        Ok(Response::json(
            200,
            &json!({ "subscriptions": bodies, "entitlements": entitlements }),
        ))
    }
}

routes! {
    Subscriptions = "GET /subscriptions",
    Plans = "GET /plans",
}

impl Handler for App {
    type Route = Route;
    const ROUTES: Routes<Route> = Route::ALL;

    async fn handle(&self, route: Route, request: &Request) -> Result<Response, ApiError> {
        match route {
            Route::Subscriptions => self.subscriptions(request).await,
            Route::Plans => Ok(plans::answer(&*self.plans().await?)),
        }
    }
}
