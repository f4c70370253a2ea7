//! What the table knows of one user and what a click needs, in one consistent query.
//!
//! How much is read does not depend on how many checkouts the user has had: of those, the query holds
//! only the ones that began lately, and an older one is read by its key when something names it. Events
//! for the shop and subscriptions that have ended lie apart, and what no click goes on with expires.

use std::collections::BTreeSet;

use perennial_types::{
    Attempt, AttemptId, BoughtAddon, FailureReason, Grants, Phase, Plan, PlanGroup, PlanName,
    Plans, PriceId, Subscription, Timestamp, Trials, UserId, Wallet,
};
use serde::Deserialize;

use crate::{
    CustomerItem, Offers, Slot, StoreError, SubscriptionItem, Table, Trial,
    attempt_row::StoredAttempt,
    customer, grants,
    key::{
        ARCHIVE, ATTEMPT, Attributes, CUSTOMER, GRANTS, HAS_ARCHIVE, Key, OPEN, SLOT, SUBSCRIPTION,
        TRIAL, text,
    },
};

/// Which attempt a new click on the same button goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenCheckout {
    /// Of which plan.
    pub plan: PlanName,
    /// With which wallet; none of a free trial that begins without a payment method.
    #[serde(default)]
    pub wallet: Option<Wallet>,
    /// The attempt.
    pub attempt: AttemptId,
}

/// A user's items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserItems {
    /// The user's customer, or the claim on it.
    pub customer: Option<CustomerItem>,
    /// Whether the customer was adopted, and not all of its subscriptions may be known.
    pub adopting: bool,
    /// The number that a link of this user has to name.
    pub links: u64,
    /// The private plans that were offered to the user.
    pub offers: Offers,
    /// The declines that were noted, each with its time before its id at Stripe.
    pub declines: BTreeSet<String>,
    /// The attempts that began lately, oldest first.
    pub attempts: Vec<Attempt>,
    /// Who may subscribe, by plan group.
    pub slots: Vec<Slot>,
    /// The attempts that new clicks go on with.
    pub open: Vec<OpenCheckout>,
    /// The read models, and the fences of those that are being read for the first time.
    pub subscriptions: Vec<SubscriptionItem>,
    /// Who has had a free trial, by plan group.
    pub trials: Vec<Trial>,
    /// Whether subscriptions that have ended may be in the archive.
    pub has_archive: bool,
    /// What the shop has given to the user for free.
    pub grants: Grants,
}

impl UserItems {
    /// The attempt of that id, if it began lately.
    pub fn attempt(&self, id: &AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == *id)
    }

    /// The slot of that group.
    pub fn slot(&self, group: &PlanGroup) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.group == *group)
    }

    /// The attempt that a new click for this plan and wallet goes on with.
    pub fn open(&self, plan: &PlanName, wallet: Option<Wallet>) -> Option<&AttemptId> {
        let open = self
            .open
            .iter()
            .find(|open| open.plan == *plan && open.wallet == wallet);
        open.map(|open| &open.attempt)
    }

    /// The free days that a plan begins with for this user.
    pub fn trial_days(&self, plan: &Plan, trials: Trials) -> u32 {
        if trials == Trials::Once && self.had_trial(&plan.group) {
            0
        } else {
            plan.trial_days
        }
    }

    /// Whether the user pays a subscription in another currency than this plan's. Stripe takes no two
    /// at once from a customer (<https://docs.stripe.com/invoicing/multi-currency-customers>).
    pub fn pays_in_another_currency(&self, plan: &Plan, plans: &Plans) -> bool {
        self.subscriptions().any(|subscription| {
            let price = subscription.price.as_ref();
            let paid = price.and_then(|price| plans.charging(price, None, None));
            !subscription.status.is_terminal()
                && !subscription.awaits_shopper()
                && paid.is_some_and(|(_, paid)| paid.currency != plan.currency)
        })
    }

    /// Whether Stripe has lately refused to sell this price to this user, alone or with some of these add-ons.
    pub fn was_refused(&self, price: &PriceId, addons: &[BoughtAddon]) -> bool {
        self.attempts.iter().any(|attempt| {
            let refused = matches!(
                attempt.phase,
                Phase::Ended {
                    reason: FailureReason::PlanNotAvailable | FailureReason::Rejected,
                    subscription_was_sent: true,
                    ..
                }
            );
            let with_these = attempt.addons.iter().all(|it| addons.contains(it));
            refused && attempt.price == *price && with_these
        })
    }

    /// The attempts that have, or have had, the free trial of that group.
    pub fn trials(&self, group: &PlanGroup) -> impl Iterator<Item = &AttemptId> {
        let of_group = self
            .trials
            .iter()
            .filter(move |trial| trial.group == *group);
        of_group.flat_map(|trial| trial.attempts.iter())
    }

    /// Whether the free trial of that group is gone. One whose shopper has yet to confirm it is not:
    /// it goes back when they choose otherwise.
    pub fn had_trial(&self, group: &PlanGroup) -> bool {
        let slot = self.slot(group);
        let awaits = |id: &AttemptId| {
            let holder = slot.filter(|slot| slot.attempt == *id);
            holder.is_some_and(|slot| {
                let mut all = self.subscriptions();
                let held = slot.subscription.as_ref();
                let model = all.find(|model| Some(&model.id) == held);
                held.is_none() || model.is_some_and(Subscription::awaits_shopper)
            })
        };
        self.trials(group).any(|id| !awaits(id))
    }

    /// The read models.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions
            .iter()
            .filter_map(|item| item.subscription.as_ref())
    }

    /// Whether the user has a plan, and pays what it costs today.
    pub fn has_at_its_price(&self, name: &PlanName, plan: &Plan, plans: &Plans) -> bool {
        self.subscriptions().any(|it| {
            !it.status.is_terminal()
                && it.charged().contains(&plan.price)
                && it.plans(plans).any(|(own, _)| own == name)
        })
    }

    fn add(&mut self, item: Attributes) -> Result<(), StoreError> {
        let operation = "load_user";
        let sort_key = item
            .get("sk")
            .and_then(|sk| sk.as_s().ok())
            .cloned()
            .unwrap_or_default();
        let unreadable = StoreError::unreadable(operation, sort_key.clone());
        if sort_key == CUSTOMER {
            let stored: customer::Stored = serde_dynamo::from_item(item).map_err(unreadable)?;
            self.adopting = stored.adopting;
            self.links = stored.links;
            self.declines.clone_from(&stored.declines);
            self.offers = Offers(stored.offers.clone());
            self.customer = stored.customer();
        } else if sort_key.starts_with(ATTEMPT) {
            // One that another version has written must not lock its user out. Whatever needs it reads
            // it by its key, and hears then that it cannot be read.
            match serde_dynamo::from_item::<_, StoredAttempt>(item) {
                Ok(stored) => self.attempts.push(stored.0),
                Err(error) => {
                    let error = unreadable(error).to_string();
                    tracing::error!(error, "a checkout cannot be read, and is passed over");
                }
            }
        } else if sort_key.starts_with(SLOT) {
            self.slots
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(OPEN) {
            self.open
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key == HAS_ARCHIVE {
            self.has_archive = true;
        } else if sort_key == GRANTS {
            let stored: grants::Stored = serde_dynamo::from_item(item).map_err(unreadable)?;
            self.grants = stored.grants;
        } else if sort_key.starts_with(SUBSCRIPTION) || sort_key.starts_with(ARCHIVE) {
            self.subscriptions
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(TRIAL) {
            self.trials
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        }
        Ok(())
    }
}

/// The condition for the items whose sort keys begin so.
const WITH: &str = "begins_with(sk, :sk)";

impl Table {
    /// Reads a user's items, and of the attempts those that began at `since` or later.
    pub async fn load_user(
        &self,
        user: &UserId,
        since: Timestamp,
    ) -> Result<UserItems, StoreError> {
        // Every other item sorts behind the attempts.
        let from = format!("{ATTEMPT}{}", AttemptId::earliest(since));
        self.query_user(user, "sk >= :sk", &from).await
    }

    /// Reads all of a user's subscriptions, those that have ended included, and what the user was given for free. One
    /// that ends meanwhile may be missing, and entitles to nothing in either place.
    pub async fn load_subscriptions(
        &self,
        user: &UserId,
    ) -> Result<(Vec<Subscription>, Grants), StoreError> {
        let current = self.query_user(user, WITH, SUBSCRIPTION).await?;
        let mut items = current.subscriptions;
        if current.has_archive {
            let archived = self.query_user(user, WITH, ARCHIVE).await?;
            items.extend(archived.subscriptions);
        }
        let models = items.into_iter().filter_map(|item| item.subscription);
        Ok((models.collect(), current.grants))
    }

    /// Reads the subscriptions of a user that have not ended, and some that have, with what is noted
    /// beside each.
    pub async fn load_subscription_items(
        &self,
        user: &UserId,
    ) -> Result<Vec<SubscriptionItem>, StoreError> {
        let items = self.query_user(user, WITH, SUBSCRIPTION).await?;
        Ok(items.subscriptions)
    }

    async fn query_user(
        &self,
        user: &UserId,
        condition: &str,
        sort_key: &str,
    ) -> Result<UserItems, StoreError> {
        self.admit().await?;
        let mut items = UserItems::default();
        let mut start = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(self.name())
                .consistent_read(true)
                .key_condition_expression(format!("pk = :pk AND {condition}"))
                .expression_attribute_values(":pk", text(Key::user(user)))
                .expression_attribute_values(":sk", text(sort_key))
                .set_exclusive_start_key(start);
            let page = query.send().await.map_err(StoreError::call("load_user"))?;
            for item in page.items.unwrap_or_default() {
                items.add(item)?;
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
