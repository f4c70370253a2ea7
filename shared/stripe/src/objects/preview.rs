//! An invoice that is not made: <https://docs.stripe.com/api/invoices/create_preview>

use perennial_types::{PriceId, TaxBehavior};
use serde::Deserialize;

use super::{List, lenient};

/// What an invoice would be. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Deserialize)]
pub struct Preview {
    /// What would be paid, after what the customer has left.
    pub amount_due: i64,
    /// What it would come to; below 0 for a credit.
    pub total: i64,
    /// What the customer has left from before, as a number below 0, or owes.
    #[serde(default)]
    pub starting_balance: i64,
    /// The same afterwards, if it is known.
    #[serde(default)]
    pub ending_balance: Option<i64>,
    /// The currency's code, in lower case.
    pub currency: String,
    /// When it would be drawn up, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// When it would be charged, in Unix seconds.
    #[serde(default)]
    pub next_payment_attempt: Option<i64>,
    /// Whether taxes were reckoned.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub automatic_tax: Option<AutomaticTax>,
    /// What it is made of.
    pub lines: List<PreviewLine>,
}

/// How it went to reckon taxes.
#[derive(Debug, Clone, Deserialize)]
pub struct AutomaticTax {
    #[serde(default)]
    status: Option<String>,
}

impl Preview {
    /// Whether taxes were to be reckoned, and Stripe has reckoned them. It does not where it does not know where the
    /// customer is.
    pub fn is_taxed(&self) -> bool {
        let status = self
            .automatic_tax
            .as_ref()
            .and_then(|it| it.status.as_deref());
        status == Some("complete")
    }

    /// Whether Stripe does not know where the customer is.
    pub fn lacks_location(&self) -> bool {
        let status = self
            .automatic_tax
            .as_ref()
            .and_then(|it| it.status.as_deref());
        status == Some("requires_location_inputs")
    }
}

/// A line of it.
#[derive(Debug, Clone, Deserialize)]
pub struct PreviewLine {
    /// What Stripe writes beside it.
    #[serde(default)]
    pub description: Option<String>,
    /// What it comes to; below 0 for a credit.
    pub amount: i64,
    /// The time that it is for.
    pub period: LinePeriod,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    discount_amounts: Vec<LineAmount>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    taxes: Vec<LineAmount>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    parent: Option<LineParent>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pricing: Option<Pricing>,
}

/// A discount or a tax of a line.
#[derive(Debug, Clone, Deserialize)]
struct LineAmount {
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    tax_behavior: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    discount: Option<String>,
}

/// A span of time, in Unix seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct LinePeriod {
    /// Its first second.
    pub start: i64,
    /// The second after its last.
    pub end: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct LineParent {
    #[serde(default)]
    subscription_item_details: Option<ItemDetails>,
    #[serde(default)]
    invoice_item_details: Option<ItemDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct ItemDetails {
    #[serde(default)]
    proration: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Pricing {
    #[serde(default)]
    price_details: Option<PriceDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct PriceDetails {
    price: PriceId,
}

impl PreviewLine {
    /// Whether it is for a part of a period.
    pub fn is_proration(&self) -> bool {
        let parent = self.parent.as_ref();
        let details = parent.and_then(|it| {
            let item = it.subscription_item_details.as_ref();
            item.or(it.invoice_item_details.as_ref())
        });
        details.is_some_and(|details| details.proration)
    }

    /// What it comes to with its discounts and with the taxes that are not in its amount; below 0 for a credit.
    pub fn total(&self) -> i64 {
        let exclusive = |it: &&LineAmount| it.tax_behavior.as_deref() == Some("exclusive");
        let taxes = self.taxes.iter().filter(exclusive).map(|it| it.amount);
        let amount = self.amount.saturating_sub(self.discount());
        amount.saturating_add(taxes.fold(0, i64::saturating_add))
    }

    /// What its discounts take off.
    pub fn discount(&self) -> i64 {
        let discounts = self.discount_amounts.iter().map(|it| it.amount);
        discounts.fold(0, i64::saturating_add)
    }

    /// What each of its discounts takes off, by its id.
    pub fn discounts(&self) -> impl Iterator<Item = (&str, i64)> {
        self.discount_amounts
            .iter()
            .map(|it| (it.discount.as_deref().unwrap_or_default(), it.amount))
    }

    /// The taxes on it, those in its amount and those on top of it.
    pub fn tax(&self) -> i64 {
        let taxes = self.taxes.iter().map(|it| it.amount);
        taxes.fold(0, i64::saturating_add)
    }

    /// Whether its taxes are in its amount or on top of it; none if there are none.
    pub fn tax_behavior(&self) -> Option<TaxBehavior> {
        let mut named = self
            .taxes
            .iter()
            .filter_map(|it| it.tax_behavior.as_deref());
        match named.next()? {
            "inclusive" => Some(TaxBehavior::Inclusive),
            "exclusive" => Some(TaxBehavior::Exclusive),
            _ => None,
        }
    }

    /// The price that it is of.
    pub fn price(&self) -> Option<&PriceId> {
        let details = self.pricing.as_ref()?.price_details.as_ref()?;
        Some(&details.price)
    }
}
