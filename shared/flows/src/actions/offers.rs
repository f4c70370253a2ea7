//! Private plans that the shop offers to a user, or no longer does.

use perennial_store::{OfferWritten, Offers};
use perennial_types::{By, Plan, PlanName, UserId};

use super::{ActionError, ActionErrorCode, SubscriptionActions};
use crate::FlowError;

impl SubscriptionActions<'_> {
    /// Offers a private plan to a user, and answers with all that are offered then. To repeat it changes nothing.
    pub async fn offer(&self, user: &UserId, plan: &PlanName) -> Result<Offers, ActionError> {
        if self.cx.plans.is_private(plan.as_str()) != Some(true) {
            return Err(ActionErrorCode::NoPrivatePlan.into());
        }
        written(self.cx.table.offer_plan(user, plan).await?)
    }

    /// Takes an offer back, also of a plan that is gone, and answers with those that are left. What was begun goes on.
    pub async fn withdraw_offer(
        &self,
        user: &UserId,
        plan: &PlanName,
    ) -> Result<Offers, ActionError> {
        written(self.cx.table.withdraw_offer(user, plan).await?)
    }

    /// The plan of that name, which may be one that is not offered. A private one is known to servers, to those to whom
    /// it is offered, and to those who have it; one that never had a price, to servers alone.
    pub(super) fn plan_for(
        &self,
        (by, offers): (By, &Offers),
        wanted: &str,
        is_own: impl FnOnce(&PlanName) -> bool,
    ) -> Result<(&PlanName, &Plan), ActionErrorCode> {
        let plans = &self.cx.plans;
        let by_server = by == By::Server;
        match (plans.get(wanted), plans.is_private(wanted)) {
            (Some((name, plan)), _) if by_server || offers.allow(name, plan) || is_own(name) => {
                Ok((name, plan))
            }
            (None, Some(private)) if by_server || !private => {
                Err(ActionErrorCode::PlanNotAvailable)
            }
            _ => Err(ActionErrorCode::UnknownPlan),
        }
    }
}

fn written(written: OfferWritten) -> Result<Offers, ActionError> {
    match written {
        OfferWritten::Done(offers) => Ok(offers),
        OfferWritten::Erasing => Err(FlowError::Erasing.into()),
        OfferWritten::TooMany => Err(ActionErrorCode::TooManyOffers.into()),
    }
}
