//! Promotion codes: what one would take off a plan for a user, and why it would not.
//!
//! A code is checked before the shopper's click, at the click, and before the subscription is asked for; Stripe
//! checks it once more when it creates the subscription, and creates none without it. What a coupon takes off
//! cannot be changed at Stripe but for its amounts in further currencies, so a code's id and the amount that was
//! shown are all that the shopper has agreed to.

mod running;

pub(crate) use running::{
    OfRunning, coupon, named, refused, takes_more_off, takes_off, typed as typed_for_running,
};

use perennial_stripe::{
    Coupon, PreviewDiscount, PreviewFirst, PreviewTax, PromotionCode, Stripe, StripeError,
};
use perennial_types::{
    AgreedDiscount, Attempt, CodeRefusal, CustomerId, Discount, Lasts, Plan, PromotionCodeId,
    Timestamp,
};

use crate::{
    FlowError,
    first_period::{self, ForWhom, items_of, known_customer},
};

/// How many codes a user may try within an hour: enough for whoever tries theirs on several plans, and too few to find
/// one by guessing.
pub const TRIES_AN_HOUR: i64 = 20;
/// Stripe takes no longer words (<https://docs.stripe.com/api/promotion_codes/create>).
pub const LONGEST_WORDS: usize = 500;

/// What a promotion code takes off a plan for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which code.
    pub promotion_code: PromotionCodeId,
    /// What it takes off.
    pub discount: Discount,
    /// Whether the SetupIntent has to come first. A subscription that comes first redeems the code before its
    /// shopper has agreed, so one who goes away would have used up what can be redeemed a few times only; and a
    /// first invoice of nothing leaves nothing to confirm.
    pub setup_first: bool,
}

/// What the code of these words takes off. There may be several of the same words, of which one can be redeemed by
/// this user at most.
pub async fn typed(stripe: &Stripe, words: &str, whom: ForWhom<'_>) -> Result<Quote, FlowError> {
    let listed = stripe.list_promotion_codes(words).await?.value.data;
    let mut refusal = CodeRefusal::Unknown;
    for code in &listed {
        match against(code, whom) {
            None => return quoted(stripe, code, whom).await,
            // The newest one that is this user's says why.
            Some(why) if matches!(refusal, CodeRefusal::Unknown | CodeRefusal::OtherCustomer) => {
                refusal = why;
            }
            Some(_) => {}
        }
    }
    Err(FlowError::Code(refusal))
}

/// The same for a code that was shown before.
pub(crate) async fn agreed(
    stripe: &Stripe,
    agreed: &AgreedDiscount,
    whom: ForWhom<'_>,
) -> Result<Quote, FlowError> {
    let read = stripe.retrieve_promotion_code(&agreed.promotion_code).await;
    let code = match read {
        Ok(code) => code.value,
        Err(StripeError::Invalid { .. }) => return Err(FlowError::Code(CodeRefusal::Unknown)),
        Err(error) => return Err(error.into()),
    };
    if let Some(why) = against(&code, whom) {
        return Err(FlowError::Code(why));
    }
    let quote = quoted(stripe, &code, whom).await?;
    if quote.discount.amount == agreed.amount {
        Ok(quote)
    } else {
        Err(FlowError::Code(CodeRefusal::AmountOutdated))
    }
}

/// Whether an attempt would be charged no more than its shopper was shown, as far as Stripe says so before it is
/// asked to charge.
pub(crate) async fn still_holds(
    stripe: &Stripe,
    attempt: &Attempt,
    agreed: &AgreedDiscount,
) -> Result<bool, FlowError> {
    let items = items_of(&attempt.price, attempt.quantity, &attempt.addons);
    let first = PreviewFirst {
        customer: Some(&attempt.customer),
        items: &items,
        discount: PreviewDiscount::Code(&agreed.promotion_code),
        tax: match attempt.tax {
            Some(_) => PreviewTax::OfCustomer,
            None => PreviewTax::None,
        },
    };
    match stripe.preview_first(&first).await {
        Ok(preview) => {
            let cost = first_period::cost(&preview.value, &items);
            Ok(cost.amount <= agreed.amount)
        }
        Err(StripeError::Invalid { param, .. }) => Ok(!is_about_discounts(param.as_deref())),
        Err(error) => Err(error.into()),
    }
}

/// Whether Stripe's refusal names the discounts of a request.
pub(crate) fn is_about_discounts(param: Option<&str>) -> bool {
    param.is_some_and(|param| param.starts_with("discounts"))
}

/// What stands against a code before Stripe is asked for amounts.
fn against(code: &PromotionCode, whom: ForWhom<'_>) -> Option<CodeRefusal> {
    let Some(coupon) = code.coupon() else {
        return Some(CodeRefusal::Ended);
    };
    let plan = whom.plan;
    if let Some(why) = spent(code, coupon, known_customer(whom.items), whom.now) {
        return Some(why);
    }
    let limits = &code.restrictions;
    let has_ordered = !whom.items.subscriptions.is_empty() || whom.items.has_archive;
    if limits.first_time_transaction && has_ordered {
        return Some(CodeRefusal::FirstOrderOnly);
    }
    if !coupon.is_for(plan.currency.as_str()) {
        return Some(CodeRefusal::OtherCurrency);
    }
    let minimum = limits
        .minimum_amount
        .filter(|_| is_in_its_currency(code, plan));
    minimum
        .is_some_and(|least| plan.amount < least)
        .then_some(CodeRefusal::BelowMinimum)
}

/// Whether this customer can redeem a code at all, and why not.
fn spent(
    code: &PromotionCode,
    coupon: &Coupon,
    customer: Option<&CustomerId>,
    now: Timestamp,
) -> Option<CodeRefusal> {
    let only = code.customer.as_ref().map(perennial_stripe::Expandable::id);
    if only.is_some() && only != customer {
        Some(CodeRefusal::OtherCustomer)
    } else if is_used_up(code.max_redemptions, code.times_redeemed)
        || is_used_up(coupon.max_redemptions, coupon.times_redeemed)
    {
        Some(CodeRefusal::UsedUp)
    } else if is_over(code.expires_at, now) || is_over(coupon.redeem_by, now) {
        Some(CodeRefusal::Expired)
    } else {
        (!code.active).then_some(CodeRefusal::Ended)
    }
}

fn is_over(end: Option<i64>, now: Timestamp) -> bool {
    end.is_some_and(|end| end <= now.unix())
}

fn is_used_up(most: Option<i64>, times: i64) -> bool {
    most.is_some_and(|most| times >= most)
}

/// Whether the least amount that a code asks for is in the plan's currency.
fn is_in_its_currency(code: &PromotionCode, plan: &Plan) -> bool {
    let currency = code.restrictions.minimum_amount_currency.as_deref();
    currency.is_none_or(|currency| currency == plan.currency.as_str())
}

async fn quoted(
    stripe: &Stripe,
    code: &PromotionCode,
    whom: ForWhom<'_>,
) -> Result<Quote, FlowError> {
    let plan = whom.plan;
    let discount = PreviewDiscount::Code(&code.id);
    let preview = match first_period::preview(stripe, whom, discount).await {
        Ok(preview) => preview,
        Err(StripeError::Invalid { param, .. }) if is_about_discounts(param.as_deref()) => {
            return Err(FlowError::Code(why_refused(code, plan)));
        }
        // It would not sell it without the code either.
        Err(StripeError::Invalid { .. }) => return Err(FlowError::PlanNotAvailable),
        Err(error) => return Err(error.into()),
    };
    let cost = first_period::cost(&preview, &whom.bought());
    let lasts = code.coupon().and_then(lasts);
    let (Some(lasts), true) = (lasts, cost.taken_off > 0) else {
        return Err(FlowError::Code(CodeRefusal::OtherPlan));
    };
    let discount = Discount {
        amount: cost.amount,
        lasts,
    };
    if discount.payments(plan, whom.now) == Some(0) {
        // It is over before the free trial is.
        return Err(FlowError::Code(CodeRefusal::OtherPlan));
    }
    let coupon = code.coupon();
    let is_counted = code.max_redemptions.is_some()
        || coupon.is_some_and(|coupon| coupon.max_redemptions.is_some())
        || code.restrictions.first_time_transaction;
    Ok(Quote {
        promotion_code: code.id.clone(),
        discount,
        setup_first: is_counted || (plan.trial_days == 0 && preview.amount_due <= 0),
    })
}

/// Stripe refuses a code by a sentence, and by a code at most if it has ended.
fn why_refused(code: &PromotionCode, plan: &Plan) -> CodeRefusal {
    if code.restrictions.first_time_transaction {
        CodeRefusal::FirstOrderOnly
    } else if code.restrictions.minimum_amount.is_some() && !is_in_its_currency(code, plan) {
        CodeRefusal::OtherCurrency
    } else {
        CodeRefusal::NotTaken
    }
}

pub(crate) fn lasts(coupon: &Coupon) -> Option<Lasts> {
    match coupon.duration.as_str() {
        "once" => Some(Lasts::Once),
        "repeating" => coupon.duration_in_months.map(Lasts::Months),
        "forever" => Some(Lasts::Forever),
        _ => None,
    }
}
