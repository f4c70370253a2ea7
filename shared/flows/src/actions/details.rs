//! A subscription as its user wants to see it: with what is charged next, and to what. Stripe is asked, so
//! nothing of it has to be kept.

use perennial_store::Offers;
use perennial_stripe::{Coupon, Discount, Expandable, StripeError};
use perennial_types::{PriceId, PromotionCodeId, Subscription, SubscriptionId, Timestamp};

use super::{ActionError, AskedAction, NextCharge, SubscriptionActions, discount::currency_of};

/// A subscription with what only Stripe knows.
#[derive(Debug)]
pub struct Details {
    /// The subscription.
    pub subscription: Subscription,
    /// What is charged for.
    pub items: Vec<ChargedItem>,
    /// The private plans that are offered to the user.
    pub offers: Offers,
    /// Whether a discount counts.
    pub discounted: bool,
    /// Its own discounts, in the order in which they count; none if Stripe does not let them be read.
    pub discounts: Option<Vec<KnownDiscount>>,
    /// What is going to be charged, with the currency's code; none if nothing is.
    pub next_charge: Option<(NextCharge, String)>,
    /// What it is charged to.
    pub payment_method: Option<KnownMethod>,
}

/// One thing that is charged for.
#[derive(Debug)]
pub struct ChargedItem {
    /// Its price.
    pub price: Option<PriceId>,
    /// How many.
    pub quantity: Option<u64>,
}

/// A discount of a subscription.
#[derive(Debug)]
pub struct KnownDiscount {
    /// The code with which it was redeemed.
    pub promotion_code: Option<PromotionCodeId>,
    /// The percentage that it takes off.
    pub percent_off: Option<serde_json::Number>,
    /// The amount that it takes off, in the currency's smallest unit, with the currency's code.
    pub amount_off: Option<(u64, String)>,
    /// `once`, `repeating` or `forever`.
    pub duration: String,
    /// From when on nothing is taken off; none of one that counts once or forever.
    pub until: Option<Timestamp>,
}

impl KnownDiscount {
    fn of(discount: &Discount, coupon: &Coupon, currency: &str) -> Self {
        Self {
            promotion_code: discount.promotion_code.clone(),
            percent_off: coupon.percent_off.clone(),
            amount_off: coupon
                .amount_in(currency)
                .map(|amount| (amount, currency.to_owned())),
            duration: coupon.duration.clone(),
            until: discount.end.map(Timestamp::from_unix),
        }
    }
}

/// A payment method as a person knows it. It is answered and kept nowhere.
#[derive(Debug)]
pub struct KnownMethod {
    /// Stripe's name of its kind.
    pub kind: String,
    /// The brand of a card.
    pub brand: Option<String>,
    /// The last four digits of a card: of the device's number, with a wallet.
    pub last4: Option<String>,
}

impl SubscriptionActions<'_> {
    /// A subscription of a user, read anew.
    pub async fn details(&self, asked: &AskedAction) -> Result<Details, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        let next_charge = match seen.model.renews_at() {
            Some(at) => self.next_charge(of.id, at).await?,
            None => None,
        };
        let read = seen.read.as_ref();
        let discounted = read.is_some_and(|read| !read.discounts.is_empty());
        let discounts = if discounted {
            self.discounts(of.id, currency_of(&seen)).await?
        } else {
            Some(Vec::new())
        };
        let items = read
            .map(|read| read.items.data.as_slice())
            .unwrap_or_default();
        let method = read.and_then(|read| read.payment_method());
        Ok(Details {
            items: items
                .iter()
                .map(|item| ChargedItem {
                    price: item.price_id().cloned(),
                    quantity: item.quantity,
                })
                .collect(),
            discounted,
            discounts,
            next_charge,
            payment_method: method.map(|method| KnownMethod {
                kind: method.kind.clone(),
                brand: method.card.as_ref().and_then(|card| card.brand.clone()),
                last4: method.card.as_ref().and_then(|card| card.last4.clone()),
            }),
            subscription: seen.model,
            offers: of.offers,
        })
    }

    async fn discounts(
        &self,
        id: &SubscriptionId,
        currency: &str,
    ) -> Result<Option<Vec<KnownDiscount>>, ActionError> {
        let Some(read) = self.with_discounts(id).await? else {
            return Ok(None);
        };
        let discounts = read.discounts.iter().filter_map(Expandable::object);
        let known = discounts.filter_map(|it| Some(KnownDiscount::of(it, it.coupon()?, currency)));
        Ok(Some(known.collect()))
    }

    /// The subscription with what its discounts take off, which is not read with it everywhere else, since a key may
    /// lack the permission for it: none then.
    pub(super) async fn with_discounts(
        &self,
        id: &SubscriptionId,
    ) -> Result<Option<perennial_stripe::Subscription>, ActionError> {
        match self.cx.stripe.retrieve_discounts(id).await {
            Ok(read) => Ok(Some(read.value)),
            Err(error @ (StripeError::Invalid { .. } | StripeError::Forbidden { .. })) => {
                tracing::warn!(subscription = %id, error = %error, "what discounts take off cannot be read");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn next_charge(
        &self,
        id: &SubscriptionId,
        at: Timestamp,
    ) -> Result<Option<(NextCharge, String)>, ActionError> {
        match self.cx.stripe.preview_renewal(id).await {
            Ok(next) => {
                let next = next.value;
                let charge = NextCharge {
                    amount: next.amount_due,
                    at,
                };
                Ok(Some((charge, next.currency)))
            }
            // There is nothing to come, such as with a plan that is gone.
            Err(StripeError::Invalid { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
