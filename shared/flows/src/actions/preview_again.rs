//! What another subscription would cost after one that has ended, with what that was paid with.

use std::collections::BTreeMap;

use perennial_types::{BoughtAddon, Plan, PlanName, PlanTax, TaxRefusal, TaxedPrice, Timestamp};

use super::{ActionError, ActionErrorCode, AskedAction, SubscriptionActions};
use crate::{
    FlowError,
    first_period::items_of,
    subscriptions::{Saved, Subscriptions},
    tax,
};

/// What another subscription would cost.
#[derive(Debug)]
pub struct AgainPreview {
    /// The plan's name.
    pub name: PlanName,
    /// The plan, with what all of them cost.
    pub plan: Plan,
    /// What all of them cost with taxes, of a plan that has them.
    pub taxed: Option<TaxedPrice>,
    /// How many of it.
    pub quantity: u64,
    /// What is bought beside it.
    pub addons: Vec<BoughtAddon>,
    /// The free days that this user has left; 0 for none.
    pub trial_days: u32,
    /// What is charged at once, after what the shopper has left, in the currency's smallest unit.
    pub due_now: i64,
    /// When nothing is charged at once, the end of the trial.
    pub trial_end: Option<Timestamp>,
}

impl SubscriptionActions<'_> {
    /// Reckons what a shopper pays who comes again, for so many or else for the least that is sold, with add-ons.
    pub async fn preview_again(
        &self,
        asked: &AskedAction,
        plan: &str,
        quantity: Option<u64>,
        addons: &BTreeMap<String, u64>,
    ) -> Result<AgainPreview, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let saved = match subscriptions
            .saved_method(&asked.user, &asked.subscription)
            .await
        {
            Ok(Saved::Yes(saved)) => saved,
            Ok(Saved::No) => return Err(ActionErrorCode::NothingSaved.into()),
            Ok(Saved::Lives(living)) => {
                return Err(ActionError::refused(ActionErrorCode::NotEnded, &living));
            }
            Err(FlowError::UnknownSubscription) => {
                return Err(ActionErrorCode::UnknownSubscription.into());
            }
            Err(error) => return Err(error.into()),
        };
        let plans = &self.cx.plans;
        let (name, found) = self.plan_for((asked.by, &saved.offers), plan, |_| false)?;
        if found.refusal.is_some() {
            return Err(ActionErrorCode::PlanNotAvailable.into());
        }
        let quantity = quantity.unwrap_or_else(|| found.least());
        if !found.sells(quantity) {
            return Err(ActionErrorCode::QuantityNotOffered.into());
        }
        let addons = found.buy_addons(quantity, addons);
        let addons = addons.map_err(|_| ActionErrorCode::AddonNotOffered)?;
        if !found
            .payable_with()
            .contains(&perennial_types::Wallet::AmazonPay)
        {
            return Err(ActionErrorCode::OtherWallet.into());
        }
        let items = self.cx.load_user(&asked.user).await?;
        if items.was_refused(&found.price, &addons) {
            return Err(ActionErrorCode::PlanNotAvailable.into());
        }
        if items.pays_in_another_currency(found, plans) {
            return Err(ActionErrorCode::OtherCurrency.into());
        }
        let trial_days = items.trial_days(found, self.cx.trials);
        let bought = items_of(&found.price, quantity, &addons);
        let taxed = match found.tax {
            Some(PlanTax::Automatic) => {
                let taxed = tax::at_customer(&self.cx.stripe, &saved.customer, &bought).await;
                Some(taxed.map_err(as_refusal)?)
            }
            None => None,
        };
        let due_now = subscriptions.due_first(&saved.customer, &bought, (found.tax, trial_days));
        let due_now = due_now.await.map_err(as_refusal)?;
        let days = i64::from(trial_days);
        let trial_end = self.cx.clock.now().plus_seconds(days * 24 * 3600);
        Ok(AgainPreview {
            name: name.clone(),
            plan: found.times_with(quantity, &addons),
            taxed,
            quantity,
            addons,
            trial_days,
            due_now,
            trial_end: (trial_days > 0).then_some(trial_end),
        })
    }
}

/// What Stripe has against the plan, or against where the customer is.
fn as_refusal(error: FlowError) -> ActionError {
    match error {
        FlowError::PlanNotAvailable => ActionErrorCode::PlanNotAvailable.into(),
        FlowError::Tax(TaxRefusal::AddressNeeded) => ActionErrorCode::AddressNeeded.into(),
        error => error.into(),
    }
}
