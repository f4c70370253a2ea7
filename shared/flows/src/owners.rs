//! What the functions reach of a request.

use crate::{
    Checkouts, Context, Customers, Erasures, Events, Portal, actions::SubscriptionActions,
    payments::Payments, sweeps::Sweeps,
};

impl Context {
    /// The checkouts.
    pub fn checkouts(&self) -> Checkouts<'_> {
        Checkouts::of(self)
    }

    /// What the shop's servers ask for.
    pub fn payments(&self) -> Payments<'_> {
        Payments::of(self)
    }

    /// What is done to a subscription that has begun.
    pub fn actions(&self) -> SubscriptionActions<'_> {
        SubscriptionActions::of(self)
    }

    /// The customers at Stripe.
    pub fn customers(&self) -> Customers<'_> {
        Customers::of(self)
    }

    /// The customer portal at Stripe.
    pub fn portal(&self) -> Portal<'_> {
        Portal::of(self)
    }

    /// Stripe's events.
    pub fn events(&self) -> Events<'_> {
        Events::of(self)
    }

    /// The users who are erased.
    pub fn erasures(&self) -> Erasures<'_> {
        Erasures::of(self)
    }

    /// The sweeps.
    pub fn sweeps(&self) -> Sweeps<'_> {
        Sweeps::of(self)
    }
}
