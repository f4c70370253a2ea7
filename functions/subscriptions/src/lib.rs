//! `GET /subscriptions`: what a user has, and what they are entitled to.
//!
//! One consistent query of the table answers it. Stripe is not asked, so this can stand in front
//! of every page of a shop.

use perennial_config::{Dynamo, Env, Problems, StartError};
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_store::Table;
use perennial_types::{Plans, entitlements};
use serde_json::json;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    table: Table,
    plans: Plans,
}

impl App {
    /// Reads the environment and connects to the table.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        let mut problems = Problems::default();
        let dynamo = Dynamo::read(env, &mut problems);
        let plans = perennial_config::plans(env, &mut problems);
        problems.into_result()?;
        let plans = plans.ok_or_else(Problems::default)?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        Ok(Self {
            table: Table::connect(&dynamo.table, endpoint).await,
            plans,
        })
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user()?;
        let subscriptions = self.table.load_subscriptions(user).await.map_err(|error| {
            ApiError::new(
                503,
                "table_unavailable",
                "The table did not answer in time. Try again.",
            )
            .retry_after(2)
            .because(error)
        })?;
        let entitlements = entitlements(&self.plans, &subscriptions);
        Ok(Response::json(
            200,
            &json!({ "subscriptions": subscriptions, "entitlements": entitlements }),
        ))
    }
}
