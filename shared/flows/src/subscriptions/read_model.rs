//! From Stripe's subscription to the shop's.

use perennial_store::SubscriptionItem;
use perennial_stripe::{Invoice, PhaseItem, SetupIntentStatus, SubscriptionItem as Item, metadata};
use perennial_types::{
    AttemptId, ExtraItem, InvoiceStatus, Pause, PauseReason, Payment, PaymentMethodId,
    PaymentReason, PaymentState, PendingChange, PlanName, Plans, PriceId, SoldAs, Subscription,
    SubscriptionStatus, Timestamp, Wallet,
};

/// The attempt that a subscription came of.
pub(crate) fn attempt_of(subscription: &perennial_stripe::Subscription) -> Option<AttemptId> {
    subscription.metadata.get(metadata::ATTEMPT)?.parse().ok()
}

/// What the checkout sold. The price that it was made with is written on the subscription; of one
/// that an older version made it is known if it was found out before, or if it is charged a price
/// that the plan has or had.
pub(crate) fn sold_as(
    plans: &Plans,
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<SoldAs> {
    let written = &subscription.metadata;
    let plan: PlanName = written.get(metadata::PLAN)?.parse().ok()?;
    let price = written.get(metadata::PRICE);
    let price = price.and_then(|price| price.parse().ok());
    let found_out = || {
        known?
            .subscription
            .as_ref()?
            .sold_as
            .as_ref()?
            .price
            .clone()
    };
    let of_today = || {
        let (_, today) = plans.get(plan.as_str())?;
        let mut charged = charged(subscription).into_iter();
        charged.find(|price| *price == today.price || today.former_prices.contains(price))
    };
    Some(SoldAs {
        price: price.or_else(found_out).or_else(of_today),
        plan,
    })
}

/// What the shop sees of Stripe's subscription. The plan is the one whose price is charged.
pub(crate) fn read_model(
    plans: &Plans,
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
    sold_as: Option<SoldAs>,
) -> Subscription {
    let seconds = |at: Option<i64>| at.map(Timestamp::from_unix);
    let item = main_item(plans, subscription, sold_as.as_ref());
    let period = subscription.period_of(item);
    let end = seconds(period.map(|period| period.end));
    let ends_at = seconds(subscription.ends_at());
    Subscription {
        id: subscription.id.clone(),
        status: subscription.status.clone(),
        plan: None,
        price: item.and_then(Item::price_id).cloned(),
        prices: Some(charged(subscription)),
        sold_as,
        wallet: wallet(subscription),
        payment_method: payment_method(subscription, known),
        current_period_start: seconds(period.map(|period| period.start)),
        current_period_end: end,
        paid_until: paid_until(subscription, end, known),
        trial_end: seconds(subscription.trial_end),
        reminded: reminded(subscription, end, known),
        ends_at,
        cancel_at_period_end: subscription.cancel_at_period_end
            || (ends_at.is_some() && ends_at == end && subscription.ended_at.is_none()),
        canceled_at: canceled_at(subscription, known),
        quantity: item.and_then(|item| item.quantity),
        addons: extra_items(subscription, item),
        pending_change: pending_change(plans, subscription, item),
        pause: pause(subscription, known),
        latest_invoice_status: subscription.latest_invoice_status().cloned(),
        latest_paid_invoice: latest_paid_invoice(subscription, known),
        payment_attempts: payment_attempts(subscription, known),
        next_payment_attempt: seconds(next_try(subscription, known)),
        refunds: known
            .map(|known| known.issues.refunds())
            .unwrap_or_default(),
        disputes: known
            .map(|known| known.issues.disputes())
            .unwrap_or_default(),
        payment: payment(subscription, known),
    }
    .named_by(plans)
}

/// The method that is charged; none of one that has ended once its permission was withdrawn, since a method of
/// one that has ended may be charged for another subscription.
fn payment_method(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<PaymentMethodId> {
    let method = subscription.payment_method_id()?;
    let is_revoked = known.is_some_and(|known| known.issues.is_revoked(method));
    (!is_revoked || !subscription.status.is_terminal()).then(|| method.clone())
}

/// Of which charge the shop was told, which Stripe does not know. Of another time it has to be told again.
fn reminded(
    subscription: &perennial_stripe::Subscription,
    end: Option<Timestamp>,
    known: Option<&SubscriptionItem>,
) -> Option<Timestamp> {
    let told = known?.subscription.as_ref()?.reminded?;
    let trial_end = subscription.trial_end.map(Timestamp::from_unix);
    let still = if subscription.status == SubscriptionStatus::Trialing {
        trial_end
    } else {
        end.filter(|_| !subscription.status.is_terminal())
    };
    still.filter(|still| *still == told)
}

/// When the cancellation was received. Stripe documents its time as that of the latest request, so a reason
/// that is given afterwards could move it: the time of one that is known already stays.
fn canceled_at(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<Timestamp> {
    subscription.ends_at()?;
    let told = subscription.canceled_at.map(Timestamp::from_unix)?;
    let before = known.and_then(|known| known.subscription.as_ref()?.canceled_at);
    Some(before.map_or(told, |before| before.min(told)))
}

/// The prices that are charged, in an order that does not depend on Stripe's.
pub(crate) fn charged(subscription: &perennial_stripe::Subscription) -> Vec<PriceId> {
    let items = subscription.items.data.iter();
    let charged = items.filter(|item| item.is_charged());
    let mut prices: Vec<_> = charged.filter_map(Item::price_id).cloned().collect();
    prices.sort();
    prices.dedup();
    prices
}

/// What is charged beside the item that makes the plan. Its names are for [`Subscription::named_by`].
fn extra_items(
    subscription: &perennial_stripe::Subscription,
    main: Option<&Item>,
) -> Vec<ExtraItem> {
    let items = subscription.items.data.iter();
    let others = items.filter(|item| item.is_charged() && Some(&item.id) != main.map(|it| &it.id));
    others
        .filter_map(|item| {
            Some(ExtraItem {
                name: None,
                price: item.price_id()?.clone(),
                quantity: item.quantity,
            })
        })
        .collect()
}

/// The item that makes the plan: the others are add-ons, or were added at Stripe.
fn main_item<'a>(
    plans: &Plans,
    subscription: &'a perennial_stripe::Subscription,
    sold_as: Option<&SoldAs>,
) -> Option<&'a Item> {
    let sold = sold_as.map(|sold| &sold.plan);
    let made_with = sold_as.and_then(|sold| sold.price.as_ref());
    let items = &subscription.items.data;
    items.iter().min_by_key(|item| {
        let price = item.price_id();
        let plan = price.and_then(|price| plans.charging(price, sold, made_with));
        let as_sold = plan.is_some_and(|(name, _)| Some(name) == sold);
        let is_addon = price.is_some_and(|price| plans.is_addon(price));
        (
            !item.is_charged(),
            plan.is_none(),
            is_addon,
            !as_sold,
            price,
        )
    })
}

/// Until when it is paid for. Stripe moves the period on before it has collected anything.
fn paid_until(
    subscription: &perennial_stripe::Subscription,
    end: Option<Timestamp>,
    known: Option<&SubscriptionItem>,
) -> Option<Timestamp> {
    let unpaid = subscription
        .newest_invoice()
        .filter(|invoice| invoice.is_outstanding() && subscription.pause_collection.is_none());
    let Some(unpaid) = unpaid else {
        return end;
    };
    let since = Timestamp::from_unix(unpaid.created);
    // An older invoice may be unpaid as well.
    let overdue = matches!(
        subscription.status,
        SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid
    );
    let before = known
        .and_then(|known| known.subscription.as_ref()?.paid_until)
        .filter(|before| overdue && *before < since);
    Some(before.unwrap_or(since))
}

fn latest_paid_invoice(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<String> {
    let newest = subscription
        .newest_invoice()
        .filter(|invoice| invoice.status == Some(InvoiceStatus::Paid));
    match newest {
        Some(paid) => Some(paid.id.clone()),
        None => known?.subscription.as_ref()?.latest_paid_invoice.clone(),
    }
}

/// When Stripe tries by itself to collect what is overdue, which it does not with every wallet.
pub(crate) fn scheduled_try(subscription: &perennial_stripe::Subscription) -> Option<i64> {
    let may_retry = subscription.status == SubscriptionStatus::PastDue
        && wallet(subscription).is_none_or(|wallet| wallet.row().is_retried);
    let invoice: Option<&Invoice> = subscription.newest_invoice().filter(|_| may_retry);
    invoice?.next_payment_attempt
}

/// What a schedule at Stripe is going to make of it, whoever has made that.
fn pending_change(
    plans: &Plans,
    subscription: &perennial_stripe::Subscription,
    main: Option<&Item>,
) -> Option<PendingChange> {
    let schedule = subscription.schedule.as_ref()?.object()?;
    let ends = subscription.period_of(main)?.end;
    // The phase that goes on now began with this period or before.
    let next = schedule.next_phase(ends.saturating_sub(1))?;
    let is_plan = |item: &&PhaseItem| {
        let price = item.price.as_ref();
        price.is_some_and(|price| plans.plans_of_price(price).next().is_some())
    };
    let item = next.items.iter().find(is_plan).or(next.items.first())?;
    let others = next.items.iter().filter(|it| it.price != item.price);
    let addons = others
        .filter_map(|item| {
            Some(ExtraItem {
                name: None,
                price: item.price.clone()?,
                quantity: item.quantity,
            })
        })
        .collect();
    Some(PendingChange {
        plan: None,
        price: item.price.clone()?,
        quantity: item.quantity,
        addons: Some(addons),
        at: Timestamp::from_unix(next.start_date),
    })
}

/// The same, but for a method that the bank has refused for good: Stripe keeps the schedule, and charges
/// another method alone.
fn next_try(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<i64> {
    scheduled_try(subscription).filter(|_| !is_refused(subscription, known))
}

fn is_refused(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> bool {
    let charged = subscription
        .newest_invoice()
        .zip(subscription.payment_method_id());
    charged
        .zip(known)
        .is_some_and(|((invoice, method), known)| known.issues.is_refused(&invoice.id, method))
}

/// How often the newest invoice of a subscription that is past due was tried. Stripe goes on to count the
/// tries that it leaves out for a method that was refused for good.
fn payment_attempts(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> u64 {
    let past_due = subscription.status == SubscriptionStatus::PastDue;
    let Some(invoice) = subscription.newest_invoice().filter(|_| past_due) else {
        return 0;
    };
    let before = known
        .and_then(|known| known.subscription.as_ref())
        .map_or(0, |model| model.payment_attempts);
    if is_refused(subscription, known) && before > 0 {
        before.min(invoice.attempt_count)
    } else {
        invoice.attempt_count
    }
}

/// Stripe does not know when a pause that was made here ends, nor since when payments are not collected.
fn pause(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Option<Pause> {
    let asked = known.and_then(|known| known.pause);
    if subscription.status == SubscriptionStatus::Paused {
        // Before Stripe told why, the end of a trial was the only way to be paused.
        let reason = subscription
            .paused_by()
            .map_or(PauseReason::TrialEndWithoutPaymentMethod, |reason| {
                reason.to_owned().into()
            });
        let since = subscription.paused_at().map(Timestamp::from_unix);
        let ours = asked.zip(since).filter(|(asked, since)| {
            reason == PauseReason::PauseRequested && asked.may_have_begun(*since)
        });
        return Some(Pause {
            reason,
            since,
            resumes_at: ours.and_then(|(asked, _)| asked.until),
        });
    }
    let collection = subscription.pause_collection.as_ref()?;
    let before = known.and_then(|known| known.subscription.as_ref()?.pause.as_ref());
    let before = before.filter(|before| before.reason == PauseReason::PauseCollection);
    let since = before.and_then(|before| before.since);
    Some(Pause {
        reason: PauseReason::PauseCollection,
        since: since.or(asked.map(|asked| asked.asked)),
        resumes_at: collection.resumes_at.map(Timestamp::from_unix),
    })
}

/// The wallet that pays, as the payment method tells it; while there is none, the one that the
/// subscription was made for.
fn wallet(subscription: &perennial_stripe::Subscription) -> Option<Wallet> {
    match subscription.payment_method() {
        Some(method) => method.wallet(),
        None => subscription.metadata.get(metadata::WALLET)?.parse().ok(),
    }
}

/// Whether the shopper has yet to confirm the payment method of a trial.
fn awaits_setup(subscription: &perennial_stripe::Subscription) -> bool {
    if began_without_method(subscription) {
        return false;
    }
    let succeeded = subscription
        .pending_setup()
        .is_some_and(|setup| setup.status == SetupIntentStatus::Succeeded);
    subscription.pending_setup_intent_id().is_some() && !succeeded
}

/// Whether it began with a free trial without a payment method. Stripe makes a SetupIntent for it all the same, which
/// nobody is given to confirm.
pub(crate) fn began_without_method(subscription: &perennial_stripe::Subscription) -> bool {
    let wallet = subscription.metadata.get(metadata::WALLET);
    wallet.is_some_and(|wallet| wallet == metadata::NO_WALLET)
}

/// What was claimed back or given back: a dispute; or all of the newest invoice that was paid,
/// which a later one makes good.
pub(crate) fn contested(known: Option<&SubscriptionItem>, latest_paid: Option<&str>) -> Payment {
    let Some(known) = known else {
        return Payment::default();
    };
    let refunds = known.issues.refunds();
    let refunded = refunds.iter().any(|refund| {
        refund.is_full() && latest_paid.is_none_or(|latest| latest == refund.invoice)
    });
    let reason = known.issues.disputes().reason();
    reason
        .or(refunded.then_some(PaymentReason::Refunded))
        .map(|reason| Payment::new(PaymentState::Contested, reason))
        .unwrap_or_default()
}

/// What stands against the next charge, the most urgent of it. `known` holds what Stripe's
/// subscription does not tell: a revoked mandate, a payment that was claimed back.
fn payment(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Payment {
    use SubscriptionStatus as Status;
    let ended = matches!(
        subscription.status,
        Status::Canceled | Status::IncompleteExpired
    );
    let latest_paid = latest_paid_invoice(subscription, known);
    let contested = contested(known, latest_paid.as_deref());
    if ended {
        return contested;
    }
    let method = subscription.payment_method_id();
    if subscription.status == Status::Incomplete {
        return Payment::new(
            PaymentState::ActionRequired,
            PaymentReason::FirstPaymentOpen,
        );
    }
    if method.is_none() && awaits_setup(subscription) && attempt_of(subscription).is_some() {
        return Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
    }
    let revoked = method
        .zip(known)
        .is_some_and(|(method, known)| known.issues.is_revoked(method));
    let detached = subscription
        .payment_method()
        .is_some_and(|method| method.customer_id().is_none());
    let lacking = if method.is_none() && attempt_of(subscription).is_some() {
        Some(PaymentReason::MethodMissing)
    } else if detached {
        Some(PaymentReason::MethodDetached)
    } else if revoked {
        Some(PaymentReason::MandateRevoked)
    } else {
        None
    };
    if let Some(reason) = lacking {
        return Payment::new(PaymentState::MethodRequired, reason);
    }
    let paused = pause(subscription, known).filter(|pause| pause.reason.lacks_payment());
    let resumption = subscription.resumption_invoice();
    let not_resumed = resumption.is_some_and(|invoice| invoice.attempt_count > 0);
    let (state, reason) = match subscription.status {
        Status::PastDue if next_try(subscription, known).is_some() => {
            (PaymentState::Retrying, PaymentReason::PaymentFailed)
        }
        Status::PastDue | Status::Unpaid => (
            PaymentState::MethodRequired,
            PaymentReason::RetriesExhausted,
        ),
        Status::Paused => match paused.map(|pause| pause.reason) {
            None if not_resumed => (PaymentState::MethodRequired, PaymentReason::PaymentFailed),
            None => return contested,
            Some(PauseReason::TrialEndWithoutPaymentMethod) => {
                (PaymentState::MethodRequired, PaymentReason::MethodMissing)
            }
            Some(_) => (
                PaymentState::MethodRequired,
                PaymentReason::RetriesExhausted,
            ),
        },
        _ => return contested,
    };
    Payment::new(state, reason)
}
