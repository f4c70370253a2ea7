//! What a period costs that begins later: with the discounts that still count then.

use perennial_stripe::{ChangePlan, Discount, Expandable, Preview, PreviewEachPeriod};
use perennial_types::Timestamp;

use super::{ActionError, SubscriptionActions, Target};

/// A period that begins later.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaterPeriod {
    /// When.
    pub(super) at: Timestamp,
    /// Whether another whole period is invoiced before it, which uses up a discount for one invoice.
    pub(super) after_another: bool,
}

impl LaterPeriod {
    /// Whether what is taken off for one invoice, or until a time, is taken off this period.
    pub(super) fn has(self, once: bool, until: Option<Timestamp>) -> bool {
        !(once && self.after_another) && until.is_none_or(|until| self.at < until)
    }

    fn has_discount(self, discount: &Discount) -> bool {
        let once = discount.coupon().is_some_and(|it| it.duration == "once");
        self.has(once, discount.end.map(Timestamp::from_unix))
    }
}

impl SubscriptionActions<'_> {
    /// Asks Stripe what a period costs, which would say it with each discount that there is by now.
    pub(super) async fn later_period(
        &self,
        of: &Target<'_>,
        change: Option<&ChangePlan<'_>>,
        is_discounted: bool,
        then: LaterPeriod,
    ) -> Result<Preview, ActionError> {
        let counting = if is_discounted {
            self.counting(of, then).await?
        } else {
            None
        };
        let each = PreviewEachPeriod {
            subscription: of.id,
            change,
            discounts: counting.as_deref(),
        };
        Ok(self.cx.stripe.preview_each_period(&each).await?.value)
    }

    /// The discounts that count then; none if all do, or the key may not read them.
    async fn counting(
        &self,
        of: &Target<'_>,
        then: LaterPeriod,
    ) -> Result<Option<Vec<String>>, ActionError> {
        let Some(read) = self.with_discounts(of.id).await? else {
            return Ok(None);
        };
        let all = || read.discounts.iter().filter_map(Expandable::object);
        let counting: Vec<String> = all()
            .filter(|it| then.has_discount(it))
            .map(|it| it.id.clone())
            .collect();
        Ok((counting.len() < all().count()).then_some(counting))
    }
}
