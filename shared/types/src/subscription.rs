//! The read model of a subscription.

use serde::{Deserialize, Serialize};

use crate::{
    CancelRefund, Currency, Disputes, EntitledAddon, ExtraItem, Pause, Payment, PaymentMethodId,
    PaymentReason, PaymentState, Plan, PlanGroup, PlanName, Plans, PriceId, SubscriptionId,
    Timestamp, Wallet, open_enum,
};

open_enum! {
    /// How a subscription stands at Stripe (<https://docs.stripe.com/billing/subscriptions/overview>).
    SubscriptionStatus {
        /// The first payment is missing; it has about 23 hours.
        Incomplete => "incomplete",
        /// The first payment never came.
        IncompleteExpired => "incomplete_expired",
        /// In its free trial.
        Trialing => "trialing",
        /// Running, which does not mean that every invoice is paid.
        Active => "active",
        /// A renewal failed and Stripe tries again.
        PastDue => "past_due",
        /// Ended, for good.
        Canceled => "canceled",
        /// A renewal failed and Stripe has stopped trying.
        Unpaid => "unpaid",
        /// Paused.
        Paused => "paused",
    }
}

impl SubscriptionStatus {
    /// Whether it can never change again.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

open_enum! {
    /// How far an invoice has come.
    InvoiceStatus {
        /// Not final yet.
        Draft => "draft",
        /// Final and not paid.
        Open => "open",
        /// Paid, or nothing was due.
        Paid => "paid",
        /// Given up.
        Uncollectible => "uncollectible",
        /// Annulled.
        Void => "void",
    }
}

/// What a checkout sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldAs {
    /// The plan's name at that time.
    pub plan: PlanName,
    /// The price that the subscription was made with; none while that is not known.
    pub price: Option<PriceId>,
}

/// Another price, or another quantity, that a subscription is going to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    /// The plan that has the price today; none if no plan has it.
    pub plan: Option<PlanName>,
    /// The price.
    pub price: PriceId,
    /// How many of it; none as an older version has noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// What is charged beside it then; none as an older version has noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<Vec<ExtraItem>>,
    /// When it takes effect.
    pub at: Timestamp,
}

/// What went back of one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// Which invoice, `in_...`.
    pub invoice: String,
    /// How much of it was refunded, in the currency's smallest unit.
    pub amount: u64,
    /// How much of it was paid, in the same unit.
    pub paid: u64,
    /// The currency of both.
    pub currency: Option<Currency>,
}

impl Refunded {
    /// Whether nothing of what was paid is left.
    pub fn is_full(&self) -> bool {
        self.amount >= self.paid
    }
}

/// Three days, and an hour for what two clocks differ by.
const TRIAL_IS_NEAR_SECONDS: i64 = (3 * 24 + 1) * 3600;

/// A subscription as it is known here. What it is in the table, in an answer and in an event is declared
/// there, so that each of the three can change by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Stripe's id.
    pub id: SubscriptionId,
    /// Stripe's status.
    pub status: SubscriptionStatus,
    /// The plan whose price is charged; none when no configured plan has it.
    pub plan: Option<PlanName>,
    /// The price that is charged; that of the plan if there are several.
    pub price: Option<PriceId>,
    /// All prices that are charged: more than one if an item was added at Stripe, and none if each
    /// item's quantity is 0. An older version has noted [`Self::price`] alone.
    pub prices: Option<Vec<PriceId>>,
    /// What the checkout sold; none when the subscription was not made here.
    pub sold_as: Option<SoldAs>,
    /// The wallet that pays; none when the subscription was not made here.
    pub wallet: Option<Wallet>,
    /// The payment method that renewals are charged to; none if there is none, or if an older version has
    /// written this.
    pub payment_method: Option<PaymentMethodId>,
    /// Start of the current period.
    pub current_period_start: Option<Timestamp>,
    /// End of that period, which is when the next charge falls due.
    pub current_period_end: Option<Timestamp>,
    /// Until when it is paid for, or free: the period's end, or the time of the newest invoice
    /// while that one is unpaid.
    pub paid_until: Option<Timestamp>,
    /// End of the free trial.
    pub trial_end: Option<Timestamp>,
    /// Of which charge that comes the shop was told, by its time; none while it was told of none, or once that
    /// time is another or over.
    pub reminded: Option<Timestamp>,
    /// When it is going to end, by whichever way that was asked for, or when it has ended.
    pub ends_at: Option<Timestamp>,
    /// Whether it is going to end with its current period.
    pub cancel_at_period_end: bool,
    /// When the cancellation was received that is going to end it, or has ended it.
    pub canceled_at: Option<Timestamp>,
    /// How many are charged of the price that makes the plan; none while that is not known.
    pub quantity: Option<u64>,
    /// What else is charged: add-ons of its plan in the order of their names, and then what is none.
    pub addons: Vec<ExtraItem>,
    /// What it is going to be changed to.
    pub pending_change: Option<PendingChange>,
    /// Why it is paused, if it is.
    pub pause: Option<Pause>,
    /// Stripe's status of the newest invoice.
    pub latest_invoice_status: Option<InvoiceStatus>,
    /// The newest invoice that was paid, `in_...`.
    pub latest_paid_invoice: Option<String>,
    /// How often the newest invoice of a subscription that is past due was tried to be collected.
    pub payment_attempts: u64,
    /// When Stripe tries again to collect it by itself; none if it does not.
    pub next_payment_attempt: Option<Timestamp>,
    /// What was refunded, by invoice.
    pub refunds: Vec<Refunded>,
    /// Which payments are claimed back. That is noted beside the read model and counts from then on, whether
    /// or not the subscription has been read again.
    pub disputes: Disputes,
    /// Whether the next charge can be expected to succeed.
    pub payment: Payment,
}

impl PendingChange {
    /// Whether it is the same change. An older version has noted no quantity and no add-ons.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let quantities = self.quantity.zip(other.quantity);
        let addons = self.addons.as_ref().zip(other.addons.as_ref());
        (&self.price, self.at) == (&other.price, other.at)
            && quantities.is_none_or(|(one, other)| one == other)
            && addons.is_none_or(|(one, other)| same_items(one, other))
    }
}

impl Subscription {
    /// Whether the shopper has yet to confirm its first payment, or the payment method of its
    /// trial. Stripe calls the latter `trialing` from the start.
    pub fn awaits_shopper(&self) -> bool {
        self.status == SubscriptionStatus::Incomplete
            || self.payment.reason == Some(PaymentReason::FirstSetupOpen)
    }

    /// Whether it stands in the way of another one of its group: it has not ended, and is not one of a
    /// checkout here (`is_ours`) whose shopper has yet to confirm it and may choose otherwise.
    pub fn stands(&self, is_ours: bool) -> bool {
        !(self.status.is_terminal() || is_ours && self.awaits_shopper())
    }

    /// Whether it has ended within its free trial, so that nothing was ever charged.
    pub fn ended_in_trial(&self) -> bool {
        let ended = self.ends_at.filter(|_| self.status.is_terminal());
        ended
            .zip(self.trial_end)
            .is_some_and(|(ended, trial)| ended <= trial)
    }

    /// The end of its free trial, if that is near and something is charged then: Stripe tells of it three days
    /// before, and by its own clock.
    pub fn near_trial_end(&self, now: Timestamp) -> Option<Timestamp> {
        let runs = self.status == SubscriptionStatus::Trialing && !self.awaits_shopper();
        let end = self.trial_end.filter(|_| runs)?;
        let near = now.plus_seconds(TRIAL_IS_NEAR_SECONDS);
        let goes_on = self.planned_end().is_none_or(|ends| ends > end);
        (goes_on && now < end && end <= near).then_some(end)
    }

    /// When it is charged next, if it is and goes on.
    pub fn renews_at(&self) -> Option<Timestamp> {
        let runs = matches!(
            self.status,
            SubscriptionStatus::Active | SubscriptionStatus::Trialing | SubscriptionStatus::PastDue
        );
        let goes_on = runs && self.pause.is_none() && !self.awaits_shopper();
        let end = self.current_period_end.filter(|_| goes_on)?;
        self.planned_end()
            .is_none_or(|ends| ends > end)
            .then_some(end)
    }

    /// When the next charge comes of which the shop is told ahead: the end of a trial, or else of a period.
    pub fn charged_at(&self) -> Option<Timestamp> {
        let at = self.renews_at()?;
        match self.status {
            SubscriptionStatus::Trialing => self.trial_end,
            _ => Some(at),
        }
    }

    /// When it is going to end. An older version has noted only whether it ends with its period.
    pub fn planned_end(&self) -> Option<Timestamp> {
        self.ends_at.or(self
            .current_period_end
            .filter(|_| self.cancel_at_period_end))
    }

    /// Whether it goes on only with another payment method: a charge has failed, or the next one will.
    pub fn needs_payment_method(&self) -> bool {
        let owes = matches!(
            self.status,
            SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid
        );
        owes || self.payment.state == PaymentState::MethodRequired
    }

    /// The prices that are charged, as far as they are noted.
    pub fn charged(&self) -> &[PriceId] {
        match &self.prices {
            Some(prices) => prices,
            None => self.price.as_slice(),
        }
    }

    /// The plans that are paid for, by today's configuration: one for each price that has one.
    pub fn plans<'a>(&'a self, plans: &'a Plans) -> impl Iterator<Item = (&'a PlanName, &'a Plan)> {
        let charged = self.charged().iter();
        charged.filter_map(move |price| self.plan_charging(plans, price))
    }

    fn plan_charging<'a>(
        &self,
        plans: &'a Plans,
        price: &PriceId,
    ) -> Option<(&'a PlanName, &'a Plan)> {
        if let Some(sold) = &self.sold_as {
            return plans.charging(price, Some(&sold.plan), sold.price.as_ref());
        }
        // Whether another price was charged at first is not known of what an older version has
        // written, so its plan stands until Stripe is asked again.
        let made_with = self.prices.is_none().then_some(price);
        plans.charging(price, self.plan.as_ref(), made_with)
    }

    /// Whether one of the plans that are paid for is of this group.
    pub fn is_of_group(&self, plans: &Plans, group: &PlanGroup) -> bool {
        self.plans(plans).any(|(_, plan)| plan.group == *group)
    }

    /// How many it has of its plan, if that is of this group and sold in quantities.
    pub fn quantity_of(&self, plans: &Plans, group: &PlanGroup) -> Option<u64> {
        self.paid_plan(plans, group)?.quantity?;
        self.quantity
    }

    /// The plan that is paid for, if it is of this group.
    pub fn paid_plan<'a>(&self, plans: &'a Plans, group: &PlanGroup) -> Option<&'a Plan> {
        let price = self.price.as_ref();
        let price = price.filter(|price| self.charged().contains(price))?;
        let (_, plan) = self.plan_charging(plans, price)?;
        Some(plan).filter(|plan| plan.group == *group)
    }

    /// The add-ons of its plan that are paid for, if that plan is of this group.
    pub fn addons_of(&self, plans: &Plans, group: &PlanGroup) -> Vec<EntitledAddon> {
        let Some(plan) = self.paid_plan(plans, group) else {
            return Vec::new();
        };
        let addons = self.addons.iter().filter_map(|item| {
            let (name, _) = plan.addon_of_price(&item.price)?;
            Some(EntitledAddon {
                name: name.clone(),
                quantity: item.quantity?,
            })
        });
        let mut addons: Vec<_> = addons.collect();
        addons.sort_by(|one, other| one.name.cmp(&other.name));
        addons
    }

    /// What it was paid with, if that may be charged again without its wallet's page or sheet when the shopper
    /// says so. A device's wallet asks each time
    /// (<https://docs.stripe.com/apple-pay#recurring-payments>), and Amazon Pay has a standing permission.
    pub fn saved_method(&self) -> Option<&PaymentMethodId> {
        let revoked = matches!(
            self.payment.reason,
            Some(PaymentReason::MandateRevoked | PaymentReason::MethodDetached)
        );
        let stands =
            self.status.is_terminal() && self.wallet == Some(Wallet::AmazonPay) && !revoked;
        self.payment_method.as_ref().filter(|_| stands)
    }

    /// What goes back if its paid period is ended at once: what all plans say that are paid for.
    pub fn cancel_refund(&self, plans: &Plans) -> CancelRefund {
        let mut found = self.plans(plans).map(|(_, plan)| plan.cancel_refund);
        let gives = |it| it == CancelRefund::Prorated;
        if found.next().is_some_and(gives) && found.all(gives) {
            CancelRefund::Prorated
        } else {
            CancelRefund::None
        }
    }

    /// The same with the plan's name of today, whatever it was when this was written.
    #[must_use]
    pub fn named_by(mut self, plans: &Plans) -> Self {
        let price = self.price.as_ref();
        let price = price.filter(|price| self.charged().contains(price));
        let plan = price.and_then(|price| self.plan_charging(plans, price));
        let plan = plan.or_else(|| self.plans(plans).next());
        let named = plan.map(|(name, _)| name.clone());
        let mut items = self.addons.clone();
        name_items(&mut items, plan.map(|(_, plan)| plan));
        self.addons = items;
        self.plan = named;
        if let Some(pending) = &mut self.pending_change {
            let plan = plans.charging(&pending.price, None, None);
            pending.plan = plan.map(|(name, _)| name.clone());
            if let Some(items) = &mut pending.addons {
                name_items(items, plan.map(|(_, plan)| plan));
            }
        }
        self
    }
}

/// Names the items that are add-ons of the plan, and puts these first, by their names.
fn name_items(items: &mut [ExtraItem], plan: Option<&Plan>) {
    for item in items.iter_mut() {
        let addon = plan.and_then(|plan| plan.addon_of_price(&item.price));
        item.name = addon.map(|(name, _)| name.clone());
    }
    items.sort_by_cached_key(|it| (it.name.is_none(), it.name.clone(), it.price.clone()));
}

/// Whether as many of the same prices are charged, whatever they are called.
pub(crate) fn same_items(one: &[ExtraItem], other: &[ExtraItem]) -> bool {
    let of = |items: &[ExtraItem]| -> Vec<_> {
        let mut all: Vec<_> = items
            .iter()
            .map(|item| (item.price.clone(), item.quantity))
            .collect();
        all.sort();
        all
    };
    of(one) == of(other)
}

#[cfg(test)]
impl Subscription {
    /// One of which nothing is known but its status and its price.
    pub(crate) fn bare(status: &str, price: &str) -> Self {
        Self {
            id: "sub_1".parse().unwrap(),
            status: status.to_owned().into(),
            plan: None,
            price: Some(price.parse().unwrap()),
            prices: None,
            sold_as: None,
            wallet: None,
            payment_method: None,
            current_period_start: None,
            current_period_end: None,
            paid_until: None,
            trial_end: None,
            reminded: None,
            ends_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            quantity: None,
            addons: Vec::new(),
            pending_change: None,
            pause: None,
            latest_invoice_status: None,
            latest_paid_invoice: None,
            payment_attempts: 0,
            next_payment_attempt: None,
            refunds: Vec::new(),
            disputes: Disputes::default(),
            payment: Payment::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> Plans {
        serde_json::from_str(
            r#"{
              "basic": {"price":"price_b","group":"one","label":"Basic","amount":100,"currency":"usd","interval":"month"},
              "basic-yearly-gift": {"price":"price_b","group":"one","label":"Gift","amount":100,"currency":"usd","interval":"month"},
              "pro": {"price":"price_p","group":"two","label":"Pro","amount":900,"currency":"usd","interval":"month"}
            }"#,
        )
        .unwrap()
    }

    /// As an older version has written it: a plan's name and a price.
    fn old(plan: &str, price: &str) -> Subscription {
        Subscription {
            plan: Some(plan.parse().unwrap()),
            wallet: Some(Wallet::AmazonPay),
            latest_invoice_status: Some(InvoiceStatus::Paid),
            ..Subscription::bare("active", price)
        }
    }

    fn charged(prices: &[&str], sold: Option<(&str, Option<&str>)>) -> Subscription {
        let price = |text: &&str| text.parse::<PriceId>().unwrap();
        Subscription {
            price: prices.first().map(price),
            prices: Some(prices.iter().map(price).collect()),
            sold_as: sold.map(|(plan, made_with)| SoldAs {
                plan: plan.parse().unwrap(),
                price: made_with.as_ref().map(price),
            }),
            ..old("whatever", "price_x")
        }
    }

    fn names(subscription: &Subscription) -> Vec<String> {
        let plans = plans();
        let found = subscription.plans(&plans);
        found.map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn the_plan_is_the_one_whose_price_is_charged() {
        for (prices, sold, expected) in [
            // Switched at Stripe: the metadata still names what was sold.
            (
                &["price_p"][..],
                Some(("basic", Some("price_b"))),
                &["pro"][..],
            ),
            (&["price_x"], Some(("basic", Some("price_b"))), &[]),
            (&["price_x"], Some(("basic", None)), &[]),
            // Of several plans with the price, the one that was sold.
            (
                &["price_b"],
                Some(("basic-yearly-gift", None)),
                &["basic-yearly-gift"],
            ),
            (&["price_b"], Some(("pro", Some("price_p"))), &["basic"]),
            // The plan has another price by now, and this subscriber keeps the old one.
            (
                &["price_old"],
                Some(("basic", Some("price_old"))),
                &["basic"],
            ),
            // The plan was renamed.
            (
                &["price_p"],
                Some(("professional", Some("price_p"))),
                &["pro"],
            ),
            // Created at Stripe.
            (&["price_p"], None, &["pro"]),
            (&["price_x"], None, &[]),
            // An item was added at Stripe.
            (&["price_x", "price_b"], None, &["basic"]),
            (&["price_b", "price_p"], None, &["basic", "pro"]),
            // Nothing is charged.
            (&[], Some(("basic", Some("price_b"))), &[]),
        ] {
            let subscription = charged(prices, sold);
            assert_eq!(names(&subscription), expected, "{prices:?} {sold:?}");
            let named = subscription.named_by(&plans()).plan;
            let named = named.as_ref().map(PlanName::as_str);
            assert_eq!(named, expected.first().copied(), "{prices:?} {sold:?}");
        }
    }

    #[test]
    fn what_an_older_version_has_written_keeps_its_plan_until_it_is_read_again() {
        for (plan, price, expected) in [
            ("basic", "price_b", &["basic"][..]),
            ("basic", "price_p", &["pro"]),
            ("basic", "price_old", &["basic"]),
            ("gone", "price_old", &[]),
        ] {
            assert_eq!(names(&old(plan, price)), expected, "{plan} {price}");
        }
    }

    #[test]
    fn an_older_version_has_noted_the_end_as_a_flag() {
        let end = Timestamp::from_unix(900);
        let ending = Subscription {
            current_period_end: Some(end),
            cancel_at_period_end: true,
            ..old("basic", "price_b")
        };
        assert_eq!(ending.planned_end(), Some(end));
        assert_eq!(old("basic", "price_b").planned_end(), None);
    }
}
