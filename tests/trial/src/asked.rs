//! What was bought with a code and asked about a user, as a stage notes it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::history::History;

/// What the addresses of the trial end with; none of them may stay anywhere but at Stripe.
pub const MAILBOX: &str = "@mail.example";

/// A promotion code for the first payment.
#[derive(Debug, Clone)]
pub struct Code {
    /// `promo_...`
    pub id: String,
    /// What the first payment is with it, in cents.
    pub first: i64,
    /// Whether the shop has ended it before anything was paid.
    pub is_ended: bool,
}

/// An address that a server has asked for.
#[derive(Debug, Clone)]
pub struct AskedEmail {
    /// Null for none.
    pub address: Value,
    /// Whether it was answered that Stripe has it.
    pub is_sure: bool,
}

/// What has become of a user whom a server has asked to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasing {
    /// There was no answer, or that it cannot be done now.
    Asked,
    /// It was answered that the user is erased.
    Sure,
}

/// A plan for free that a server has asked for, or has asked to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedGrant {
    /// Which plan.
    pub plan: String,
    /// Whether the user is to have it.
    pub given: bool,
    /// Until when, in Unix seconds.
    pub until: Option<i64>,
}

impl AskedGrant {
    /// Whether the user has it then.
    pub fn runs(&self, now: i64) -> bool {
        self.given && self.until.is_none_or(|until| until > now)
    }
}

/// A discount that was asked for, for a subscription that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedDiscount {
    /// Under which key a server has asked, or by which preview a shopper has.
    pub key: String,
    /// The coupon; none if all were to be taken off.
    pub coupon: Option<String>,
}

/// A coupon, and how it is redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its id.
    pub id: String,
    /// The id of its promotion code.
    pub code: String,
    /// What a shopper types.
    pub words: String,
}

/// What servers of the shop have asked about a user, and what was bought besides plans.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Plans for free.
    pub grants: History<AskedGrant>,
    /// Private plans that were offered, or no longer.
    pub offers: History<(String, bool)>,
    /// The checkouts of private plans that were begun while they were offered.
    pub begun: BTreeSet<String>,
    /// The private plans that a change was agreed to while they were offered.
    pub changed_to: BTreeSet<String>,
    /// Tax ids, by type and number.
    pub tax_ids: History<BTreeSet<String>>,
    /// Customers that are to be the user's.
    pub adoptions: History<String>,
    /// Customers that were there before, or are somebody else's.
    pub others: BTreeSet<String>,
    /// Whether it was said that the user is elsewhere, or has other tax ids.
    pub moved: bool,
    /// Discounts of the subscription that runs.
    pub discounts: History<AskedDiscount>,
    /// Coupons that somebody else has redeemed.
    pub redeemed_by_others: Vec<String>,
    /// How much of its price is to be paid of what the user has, in hundredths; none for all of it.
    pub share: Option<i64>,
    /// What the first payment was to be, in cents.
    pub first: Option<i64>,
    /// What a period may cost, in cents; nothing if nobody has noted it.
    pub periods: BTreeSet<i64>,
}
