//! What a signed link shows of a subscription to a browser that is not signed in.

use perennial_stripe::Invoice;
use perennial_types::{
    InvoiceStatus, Plan, PlanName, Subscription, SubscriptionId, UserId, Wallet,
};

use super::{ActionError, ActionErrorCode, AskedAction, SubscriptionActions};
use crate::subscriptions::Refreshed;

/// A subscription as the table has it.
#[derive(Debug)]
pub struct Known {
    /// The subscription, with its plan by today's names.
    pub subscription: Subscription,
    /// What the plan is called.
    pub label: Option<String>,
    /// The number that a link of its user has to name.
    pub number: u64,
}

/// What another payment method would pay.
#[derive(Debug)]
pub struct Due {
    /// The subscription.
    pub subscription: Subscription,
    /// The plan that it is for.
    pub plan: Option<(PlanName, Plan)>,
    /// The wallets with which it may be paid.
    pub wallets: Vec<Wallet>,
    /// What is open, in the currency's smallest unit, and the currency's code; none if nothing is billed yet.
    pub open: Option<(i64, String)>,
}

impl SubscriptionActions<'_> {
    /// A user's subscription. Programs that look through mails open the links in them, so this asks Stripe for
    /// nothing and writes nothing.
    pub async fn known(&self, user: &UserId, id: &SubscriptionId) -> Result<Known, ActionError> {
        let item = self.cx.table.subscription(user, id).await?;
        let subscription = item.and_then(|item| item.subscription);
        let subscription = subscription.ok_or(ActionErrorCode::UnknownSubscription)?;
        let plans = &self.cx.plans;
        let subscription = subscription.named_by(plans);
        let plan = subscription.plan.as_ref();
        let plan = plan.and_then(|name| plans.get(name.as_str()));
        Ok(Known {
            label: plan.map(|(_, plan)| plan.label.clone()),
            number: self.cx.table.link_number(user).await?,
            subscription,
        })
    }

    /// What a subscription lacks that needs another payment method.
    pub async fn due(&self, asked: &AskedAction) -> Result<Due, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        let refuse = |why| Err(ActionError::refused(why, &seen.model));
        let may = self.may(asked.by, &seen.model);
        if let Some(reason) = may.replace_payment_method.reason {
            return refuse(reason.into());
        }
        if !seen.model.needs_payment_method() {
            return refuse(ActionErrorCode::NothingToRepair);
        }
        let open = self.cx.stripe.list_open_invoices(&of.customer, of.id);
        let open = sum(&open.await?.value.data).or_else(|| draft_of(&seen));
        let plans = &self.cx.plans;
        let sold: Vec<_> = seen.model.plans(plans).collect();
        let pays = |wallet: &Wallet| {
            let mut sold = sold.iter();
            sold.all(|(_, plan)| plan.wallets.contains(wallet) && wallet.takes(plan.currency))
        };
        let plan = seen.model.plan.as_ref();
        let plan = plan.and_then(|name| plans.get(name.as_str()));
        Ok(Due {
            wallets: Wallet::ALL.into_iter().filter(pays).collect(),
            plan: plan.map(|(name, plan)| (name.clone(), without_trial(plan))),
            open,
            subscription: seen.model,
        })
    }
}

/// The plan as its subscriber agrees to it again: their free trial is over, or goes on as it is.
fn without_trial(plan: &Plan) -> Plan {
    Plan {
        trial_days: 0,
        ..plan.clone()
    }
}

fn sum(open: &[Invoice]) -> Option<(i64, String)> {
    let currency = open.first()?.currency.clone()?;
    let left = open.iter().map(|invoice| invoice.amount_remaining);
    Some((left.sum(), currency))
}

/// What an unpaid subscription was billed since waits as drafts; the newest is the one that is paid.
fn draft_of(seen: &Refreshed) -> Option<(i64, String)> {
    let newest = seen.read.as_ref()?.newest_invoice()?;
    let draft = Some(newest).filter(|it| it.status == Some(InvoiceStatus::Draft))?;
    Some((draft.amount_due, draft.currency.clone()?))
}
