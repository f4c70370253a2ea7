//! The same for a subscription that runs: a coupon or a code counts from its next invoice.

use perennial_stripe::{ChangeDiscounts, Coupon, Preview, PromotionCode, Stripe, StripeError};
use perennial_types::{CodeRefusal, CustomerId, PromotionCodeId, Timestamp};

use super::{is_about_discounts, is_over, is_used_up, spent};
use crate::FlowError;

/// For which subscription a coupon or a code is to be, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRunning<'a> {
    /// Whose.
    pub(crate) customer: &'a CustomerId,
    /// In which currency it is charged.
    pub(crate) currency: &'a str,
    /// The present moment.
    pub(crate) now: Timestamp,
}

/// The code of these words that this customer can redeem.
pub(crate) async fn typed(
    stripe: &Stripe,
    words: &str,
    whom: OfRunning<'_>,
) -> Result<PromotionCode, FlowError> {
    // No code has other characters, and Stripe need not be asked.
    if !words.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FlowError::Code(CodeRefusal::Unknown));
    }
    let mut refusal = CodeRefusal::Unknown;
    for code in stripe.list_promotion_codes(words).await?.value.data {
        match against(&code, whom) {
            None => return Ok(code),
            // The newest one that is this customer's says why.
            Some(why) if matches!(refusal, CodeRefusal::Unknown | CodeRefusal::OtherCustomer) => {
                refusal = why;
            }
            Some(_) => {}
        }
    }
    Err(FlowError::Code(refusal))
}

/// A code by its id.
pub(crate) async fn named(
    stripe: &Stripe,
    id: &PromotionCodeId,
    whom: OfRunning<'_>,
) -> Result<PromotionCode, FlowError> {
    let code = found(stripe.retrieve_promotion_code(id).await)?;
    match against(&code, whom) {
        None => Ok(code),
        Some(why) => Err(FlowError::Code(why)),
    }
}

/// A coupon by its id.
pub(crate) async fn coupon(
    stripe: &Stripe,
    id: &str,
    whom: OfRunning<'_>,
) -> Result<(), FlowError> {
    let coupon = found(stripe.retrieve_coupon(id).await)?;
    against_coupon(&coupon, whom).map_or(Ok(()), |why| Err(FlowError::Code(why)))
}

/// Asks Stripe what the next invoice would be with a list of discounts, and refuses one that takes nothing off it. Where
/// no invoice is to come, there is nothing to ask.
pub(crate) async fn takes_off(
    stripe: &Stripe,
    change: &ChangeDiscounts<'_>,
) -> Result<(), FlowError> {
    let next = match stripe.preview_discounts(change).await {
        Ok(next) => next.value,
        Err(StripeError::Invalid { code, .. }) if code.as_deref() == Some(NOTHING_COMES) => {
            return Ok(());
        }
        Err(error) => return Err(refused(error)),
    };
    if takes_more_off(&next, change.kept) {
        Ok(())
    } else {
        Err(FlowError::Code(CodeRefusal::OtherPlan))
    }
}

/// Stripe's code where no invoice is to come (<https://docs.stripe.com/error-codes#invoice-upcoming-none>).
const NOTHING_COMES: &str = "invoice_upcoming_none";

/// Whether an invoice has a discount beside these.
pub(crate) fn takes_more_off(invoice: &Preview, kept: &[String]) -> bool {
    let lines = invoice.lines.data.iter();
    let mut others = lines.flat_map(perennial_stripe::PreviewLine::discounts);
    others.any(|(discount, amount)| amount > 0 && !kept.iter().any(|it| it == discount))
}

/// What Stripe's refusal means, if it is about the discounts.
pub(crate) fn refused(error: StripeError) -> FlowError {
    match &error {
        StripeError::Invalid { param, .. } if is_about_discounts(param.as_deref()) => {
            FlowError::Code(CodeRefusal::NotTaken)
        }
        _ => error.into(),
    }
}

fn found<T>(read: Result<perennial_stripe::Reply<T>, StripeError>) -> Result<T, FlowError> {
    match read {
        Ok(read) => Ok(read.value),
        Err(StripeError::Invalid { .. }) => Err(FlowError::Code(CodeRefusal::Unknown)),
        Err(error) => Err(error.into()),
    }
}

/// What stands against a code. Whoever has a subscription has begun a payment or a trial, so none for a first order is
/// for them; and Stripe takes none with a least amount for a subscription that was made without it
/// (<https://docs.stripe.com/billing/subscriptions/coupons>).
fn against(code: &PromotionCode, whom: OfRunning<'_>) -> Option<CodeRefusal> {
    let Some(coupon) = code.coupon() else {
        return Some(CodeRefusal::Ended);
    };
    if let Some(why) = spent(code, coupon, Some(whom.customer), whom.now) {
        return Some(why);
    }
    if code.restrictions.first_time_transaction {
        return Some(CodeRefusal::FirstOrderOnly);
    }
    if code.restrictions.minimum_amount.is_some() {
        return Some(CodeRefusal::NewOnly);
    }
    against_coupon(coupon, whom)
}

fn against_coupon(coupon: &Coupon, whom: OfRunning<'_>) -> Option<CodeRefusal> {
    if is_used_up(coupon.max_redemptions, coupon.times_redeemed) {
        Some(CodeRefusal::UsedUp)
    } else if is_over(coupon.redeem_by, whom.now) {
        Some(CodeRefusal::Expired)
    } else {
        (!coupon.is_for(whom.currency)).then_some(CodeRefusal::OtherCurrency)
    }
}
