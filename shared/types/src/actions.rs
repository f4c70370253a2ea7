//! What may be done to a subscription now, as it is known from its read model.

use serde::Serialize;

use crate::{
    AddonName, CancelRefund, InvoiceStatus, Plan, Plans, ShopperPause, Subscription,
    SubscriptionStatus, Timestamp,
};

/// Who asks for something to be done to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its user, with a token.
    Shopper,
    /// One of the shop's servers.
    Server,
}

/// When a cancellation takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelWhen {
    /// When the period that is paid for is over.
    PeriodEnd,
    /// At once.
    Now,
    /// At a date, which one of the shop's servers names.
    Date,
}

/// Why something cannot be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotNow {
    /// It has ended, for good.
    Ended,
    /// Its shopper has yet to confirm it; the checkout is what is given up.
    NotConfirmed,
    /// It is not going to end.
    NotCanceling,
    /// It is going to end.
    Canceling,
    /// It is paused.
    Paused,
    /// It is not paused.
    NotPaused,
    /// It is in its free trial.
    InTrial,
    /// The plan does not let a shopper do it.
    NotAllowed,
    /// An invoice of it is to be paid first.
    PaymentOpen,
    /// No change waits to take effect.
    NothingPending,
    /// It has not ended.
    NotEnded,
}

/// What may be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actions {
    /// Setting its end.
    pub cancel: CancelAction,
    /// Taking a cancellation back before it takes effect.
    pub withdraw_cancellation: Action,
    /// Another plan of its group.
    pub change_plan: Action,
    /// Another quantity of its plan.
    pub change_quantity: QuantityAction,
    /// Other add-ons of its plan.
    pub change_addons: AddonsAction,
    /// Taking another plan, another quantity, or other add-ons back before it takes effect.
    pub withdraw_change: Action,
    /// Another payment method, with which what is open is paid.
    pub replace_payment_method: Action,
    /// Pausing it.
    pub pause: PauseAction,
    /// Ending a pause before its time.
    pub resume: Action,
    /// Another subscription after this one has ended.
    pub come_again: ComeAgainAction,
}

/// Whether, and how, a shopper may subscribe again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ComeAgainAction {
    /// Whether they may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
    /// Whether the payment method of this subscription may be charged, without its wallet's page.
    pub saved: bool,
}

/// Whether, and for how long, a subscription may be paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PauseAction {
    /// Whether it may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
    /// For so many days at most; none if there is no limit, and where it may not be paused.
    pub longest_days: Option<u32>,
    /// Whether a pause may be without an end.
    pub open_end: bool,
}

/// Whether, and within which limits, the quantity may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuantityAction {
    /// Whether it may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
    /// The least; none where it may not be changed.
    pub minimum: Option<u64>,
    /// The most; none where it may not be changed.
    pub maximum: Option<u64>,
}

/// Whether, and which, add-ons may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddonsAction {
    /// Whether any may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
    /// Those that may, in the order of their names; none where it is not open.
    pub addons: Vec<AddonLimits>,
}

/// How many of an add-on there are and may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddonLimits {
    /// Its name.
    pub name: AddonName,
    /// How many there are.
    pub quantity: u64,
    /// How many there may be: as many as now of one that is not sold any more.
    pub maximum: u64,
}

/// Whether something may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Whether it may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
}

/// Whether, and for when, a subscription may be canceled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CancelAction {
    /// Whether it may.
    pub open: bool,
    /// Why not.
    pub reason: Option<NotNow>,
    /// When it may take effect, the usual choice first.
    pub when: Vec<CancelWhen>,
    /// What goes back of a paid period that is ended at once.
    pub refund: CancelRefund,
}

impl Action {
    fn unless(reason: Option<NotNow>) -> Self {
        Self {
            open: reason.is_none(),
            reason,
        }
    }
}

impl Subscription {
    /// What may be done to it now, and by whom.
    pub fn actions(&self, by: By, now: Timestamp, plans: &Plans) -> Actions {
        let blocked = self.blocked();
        let refund = self.cancel_refund(plans);
        let ends = self.planned_end().is_some();
        let when = if blocked.is_none() {
            self.may_cancel(by, now, refund)
        } else {
            Vec::new()
        };
        let canceling = ends && !when.contains(&CancelWhen::Now);
        let reason = blocked.or(canceling.then_some(NotNow::Canceling));
        Actions {
            cancel: CancelAction {
                open: reason.is_none(),
                when: if reason.is_none() { when } else { Vec::new() },
                reason,
                refund,
            },
            withdraw_cancellation: Action::unless(
                blocked.or((!ends).then_some(NotNow::NotCanceling)),
            ),
            change_plan: self.change_plan(),
            change_quantity: self.change_quantity(by, plans),
            change_addons: self.change_addons(by, plans),
            withdraw_change: Action::unless(
                blocked.or(self
                    .pending_change
                    .is_none()
                    .then_some(NotNow::NothingPending)),
            ),
            replace_payment_method: Action::unless(blocked),
            come_again: ComeAgainAction {
                open: self.status.is_terminal(),
                reason: (!self.status.is_terminal()).then_some(NotNow::NotEnded),
                saved: self.saved_method().is_some(),
            },
            pause: self.may_pause(by, plans),
            resume: self.may_resume(),
        }
    }

    /// Whether it may be paused now, and for how long. Servers may for as long as they want; a shopper for as
    /// long as each plan that is paid for allows.
    fn may_pause(&self, by: By, plans: &Plans) -> PauseAction {
        use SubscriptionStatus as Status;
        let reason = self.blocked().or(match &self.status {
            Status::Paused => Some(NotNow::Paused),
            _ if self.pause.is_some() => Some(NotNow::Paused),
            Status::Trialing => Some(NotNow::InTrial),
            Status::Active => None,
            _ => Some(NotNow::PaymentOpen),
        });
        let reason = reason
            .or(self.owes().then_some(NotNow::PaymentOpen))
            .or(self.planned_end().map(|_| NotNow::Canceling));
        let allowed = match by {
            By::Server => Some(ShopperPause::Open),
            By::Shopper => self.shopper_pause(plans),
        };
        let reason = reason.or(allowed.is_none().then_some(NotNow::NotAllowed));
        let allowed = allowed.filter(|_| reason.is_none());
        PauseAction {
            open: reason.is_none(),
            reason,
            longest_days: allowed.and_then(ShopperPause::longest_days),
            open_end: allowed == Some(ShopperPause::Open),
        }
    }

    /// The shortest that any of its plans allows.
    fn shopper_pause(&self, plans: &Plans) -> Option<ShopperPause> {
        let mut all = self.plans(plans).map(|(_, plan)| plan.shopper_pause);
        let first = all.next()??;
        all.try_fold(first, |least, next| {
            let longest = |it: ShopperPause| it.longest_days().unwrap_or(u32::MAX);
            next.map(|next| {
                if longest(next) < longest(least) {
                    next
                } else {
                    least
                }
            })
        })
    }

    /// Whether a pause may be ended now. One for lack of a payment ends with the payment.
    fn may_resume(&self) -> Action {
        let reason = self.blocked().or(match &self.pause {
            None => Some(NotNow::NotPaused),
            Some(pause) if pause.reason.lacks_payment() => Some(NotNow::PaymentOpen),
            Some(_) => None,
        });
        Action::unless(reason)
    }

    /// Whether its newest invoice is to be paid yet.
    fn owes(&self) -> bool {
        matches!(
            self.latest_invoice_status,
            Some(InvoiceStatus::Open | InvoiceStatus::Draft)
        )
    }

    /// Whether it may have another plan now. A change would reckon with open invoices as if they were paid.
    fn change_plan(&self) -> Action {
        use SubscriptionStatus as Status;
        let reason = self.blocked().or(match &self.status {
            Status::Paused => Some(NotNow::Paused),
            _ if self.pause.is_some() => Some(NotNow::Paused),
            Status::Active | Status::Trialing => None,
            _ => Some(NotNow::PaymentOpen),
        });
        let reason = reason
            .or(self.owes().then_some(NotNow::PaymentOpen))
            .or(self.planned_end().map(|_| NotNow::Canceling));
        Action::unless(reason)
    }

    /// Whether it may have another quantity of its plan now: within the plan's limits, and by a shopper only if
    /// the plan says so.
    fn change_quantity(&self, by: By, plans: &Plans) -> QuantityAction {
        let limits = self.sole_plan(plans).and_then(|plan| plan.quantity);
        let limits = limits.filter(|it| by == By::Server || it.shopper_may_change);
        let reason = self.change_plan().reason;
        let reason = reason.or(limits.is_none().then_some(NotNow::NotAllowed));
        let limits = limits.filter(|_| reason.is_none());
        QuantityAction {
            open: reason.is_none(),
            reason,
            minimum: limits.map(|it| it.minimum),
            maximum: limits.map(|it| it.maximum),
        }
    }

    /// Whether it may have other add-ons now: those of its plan, and for a shopper only those of which the plan says
    /// so.
    fn change_addons(&self, by: By, plans: &Plans) -> AddonsAction {
        let plan = self.sole_plan(plans);
        let all = plan.iter().flat_map(|plan| &plan.addons);
        let may = all.filter(|(_, addon)| by == By::Server || addon.shopper_may_change);
        let limits = may.filter_map(|(name, addon)| {
            let held = self.addons.iter().find(|item| addon.has(&item.price));
            let quantity = held.and_then(|item| item.quantity).unwrap_or(0);
            let maximum = match addon.refusal {
                None => addon.maximum,
                Some(_) => quantity,
            };
            Some(AddonLimits {
                name: name.clone(),
                quantity,
                maximum,
            })
            .filter(|limits| limits.maximum > 0)
        });
        let addons: Vec<_> = limits.collect();
        let reason = self.change_plan().reason;
        let reason = reason.or(addons.is_empty().then_some(NotNow::NotAllowed));
        AddonsAction {
            open: reason.is_none(),
            addons: if reason.is_none() { addons } else { Vec::new() },
            reason,
        }
    }

    /// The plan, if nothing is charged but its price and its add-ons; none of a price that no plan has.
    pub fn sole_plan<'a>(&'a self, plans: &'a Plans) -> Option<&'a Plan> {
        let mut all = self.plans(plans);
        let (_, plan) = all.next()?;
        let is_addon = |price| plan.addon_of_price(price).is_some();
        let others = self.charged().iter().filter(|price| !is_addon(price));
        (others.count() == 1).then_some(plan)
    }

    /// Why nothing at all can be done to it.
    fn blocked(&self) -> Option<NotNow> {
        if self.status.is_terminal() {
            Some(NotNow::Ended)
        } else if self.awaits_shopper() {
            Some(NotNow::NotConfirmed)
        } else {
            None
        }
    }

    /// A shopper keeps what they have paid for: only where nothing would be lost may they end it at once.
    fn may_cancel(&self, by: By, now: Timestamp, refund: CancelRefund) -> Vec<CancelWhen> {
        use SubscriptionStatus as Status;
        // The period of a paused subscription stands still, and that of an unpaid one is not paid for.
        let runs = !matches!(self.status, Status::Paused | Status::Unpaid)
            && self.current_period_end.is_none_or(|end| end > now);
        let loses_something = runs && self.status == Status::Active && refund == CancelRefund::None;
        let at_once = by == By::Server || !loses_something;
        let with_period = runs && self.planned_end().is_none();
        let at_a_date = with_period && by == By::Server;
        let with_period = with_period.then_some(CancelWhen::PeriodEnd);
        with_period
            .into_iter()
            .chain(at_once.then_some(CancelWhen::Now))
            .chain(at_a_date.then_some(CancelWhen::Date))
            .collect()
    }
}

#[cfg(test)]
mod tests;
