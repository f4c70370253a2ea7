//! The journeys, put together from the environment.

use perennial_config::{Dynamo, Env, Problems, StartError, plans};
use perennial_store::Table;
use perennial_stripe::{Settings, Stripe};
use perennial_types::Clock;

use crate::Flows;

impl Flows {
    /// Reads `TABLE_NAME`, `PLANS` and Stripe's variables, and builds the clients. `problems` are
    /// those that the caller has found in its own variables.
    pub async fn start(
        env: &Env,
        mut problems: Problems,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let dynamo = Dynamo::read(env, &mut problems);
        let plans = plans(env, &mut problems);
        let stripe = perennial_config::Stripe::read(env, problems).await?;
        let Some(plans) = plans else {
            // `Stripe::read` has told all problems, those of the plans among them.
            return Err(Problems::default().into());
        };
        let livemode = stripe.mode.is_live();
        let stripe =
            Stripe::new(Settings::new(stripe.secret_key, stripe.base)).map_err(|source| {
                StartError::Client {
                    what: "Stripe",
                    source: Box::new(source),
                }
            })?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        let table = Table::connect(&dynamo.table, endpoint).await;
        Ok(Self::new(stripe, table, plans, clock, livemode))
    }
}
