//! A plan that the shop's servers give to a user for free, until a time or without an end.
//!
//! Stripe is not asked and hears nothing of it, so nothing can be charged for it. To send it again changes nothing.

use perennial_types::{GivenPlan, Grant, Grants, Plans, Timestamp, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::FlowError;

/// How a plan is given.
#[derive(Debug, Clone, Copy)]
pub struct AskedGrant {
    /// From when on it is over; none for no end.
    pub until: Option<Timestamp>,
    /// How many of a plan that is sold in quantities; the least that is sold when none.
    pub quantity: Option<u64>,
}

impl SubscriptionActions<'_> {
    /// Gives a user this plan, in place of how it was given before, or takes away what was given, and answers with
    /// what the user has then.
    pub async fn give_plan(
        &self,
        user: &UserId,
        plan: &str,
        asked: Option<AskedGrant>,
    ) -> Result<Vec<GivenPlan>, ActionError> {
        let (now, plans) = (self.cx.clock.now(), self.cx.plans());
        let written = self.cx.table.change_grants(user, |grants: Grants| {
            let mut grants = grants.renewed(plans, now);
            match asked {
                Some(asked) => give(&mut grants, plan, asked, plans, now)?,
                None => take_away(&mut grants, plan, plans)?,
            }
            Ok::<_, ActionError>(grants)
        });
        let grants = written.await?.ok_or(FlowError::Erasing)?;
        Ok(grants.running(plans, now))
    }
}

fn give(
    grants: &mut Grants,
    name: &str,
    asked: AskedGrant,
    plans: &Plans,
    now: Timestamp,
) -> Result<(), ActionErrorCode> {
    if asked.until.is_some_and(|until| until <= now) {
        return Err(ActionErrorCode::GrantEndPast);
    }
    let Some((name, plan)) = plans.get(name) else {
        return Err(match plans.refusal(name) {
            Some(_) => ActionErrorCode::PlanNotAvailable,
            None => ActionErrorCode::UnknownPlan,
        });
    };
    // Nothing is sold, so less than the least that is sold may be given.
    let quantity = match (plan.quantity, asked.quantity) {
        (None, None | Some(1)) => None,
        (Some(limits), None) => Some(limits.minimum),
        (Some(limits), Some(quantity)) if (1..=limits.maximum).contains(&quantity) => {
            Some(quantity)
        }
        _ => return Err(ActionErrorCode::QuantityNotOffered),
    };
    let grant = Grant {
        price: plan.price.clone(),
        until: asked.until,
        quantity,
    };
    if grants.give(name.clone(), grant) {
        Ok(())
    } else {
        Err(ActionErrorCode::TooManyGrants)
    }
}

/// To take away what was not given changes nothing, unless its name is a mistake.
fn take_away(grants: &mut Grants, name: &str, plans: &Plans) -> Result<(), ActionErrorCode> {
    let is_known = plans.get(name).is_some() || plans.refusal(name).is_some();
    if grants.take_away(name) || is_known {
        Ok(())
    } else {
        Err(ActionErrorCode::UnknownPlan)
    }
}
