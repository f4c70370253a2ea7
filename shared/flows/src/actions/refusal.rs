//! What is not done to a subscription, and why: stable codes that a page or a server can match on.

use std::fmt;

use perennial_types::{CodeRefusal, NotNow, Subscription};
use serde::{Deserialize, Serialize};

/// A request that is not carried out, as the subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRefusal {
    /// Why.
    pub why: ActionErrorCode,
    /// How the subscription stands.
    pub subscription: Option<Subscription>,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $status:literal, $code:literal, $message:literal;)+) => {
        /// Why a request is not carried out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ActionErrorCode {
            $($(#[$doc])* $variant,)+
            /// A coupon or a promotion code is not taken.
            Code(CodeRefusal),
        }

        impl ActionErrorCode {
            /// A stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ Self::Code(why) => why.as_str() }
            }

            /// A sentence for the shop's developer.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ Self::Code(why) => why.message() }
            }

            /// The kind of mistake, in the numbers of HTTP: 404 for what is not there, 409 for what the
            /// subscription's state does not allow.
            pub fn kind(self) -> u16 {
                match self { $(Self::$variant => $status,)+ Self::Code(why) => why.status() }
            }

            /// Each of them, but for those of [`CodeRefusal::ALL`].
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }
    };
}

reasons! {
    /// There is none of that id, or it is another user's.
    UnknownSubscription => 404, "unknown_subscription", "This user has no such subscription.";
    /// The key was used for something else.
    KeyReused => 409, "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Send the same request, or another key.";
    /// It can be charged to nothing without its shopper.
    NothingSaved => 409, "nothing_saved",
        "No payment method of this subscription may be charged without the shopper's wallet. Begin a checkout with POST /client-secret or POST /subscriptions.";
    /// It has ended.
    Ended => 409, "subscription_ended",
        "This subscription has ended, and nothing was changed. A new checkout begins another one.";
    /// Its shopper has yet to confirm it.
    NotConfirmed => 409, "subscription_not_confirmed",
        "The shopper has yet to confirm this subscription, and nothing was changed. Go on with its checkout, or leave it: it ends by itself.";
    /// A shopper keeps what is paid for.
    PeriodIsPaid => 409, "period_is_paid",
        "The current period is paid for, so the shopper's cancellation takes effect at its end: send \"when\":\"period_end\". Your servers may end it at once.";
    /// Money goes back, of which the amount is to be shown first.
    PreviewRequired => 409, "preview_required",
        "The unused time of this period is given back, so the amount is agreed to first: ask POST /subscriptions/{subscription}/preview with \"cancel\":\"now\", show it, and send its \"preview\".";
    /// The plan gives nothing back.
    RefundNotOffered => 409, "refund_not_offered",
        "The plan of this subscription gives nothing back at an end at once: its \"cancel_refund\" in plans.json is \"none\".";
    /// It is past, or years away.
    NoSuchDate => 400, "invalid_date",
        "\"at\" is a time from now on, at most two years ahead.";
    /// There is no period to wait for.
    NoPeriodRuns => 409, "no_period_runs",
        "No paid period runs, so there is no end of one to wait for: send \"when\":\"now\".";
    /// Stripe changes nothing about the end beside a schedule.
    Scheduled => 409, "managed_by_schedule",
        "A subscription schedule at Stripe manages this subscription, so its end cannot be changed here. Release the schedule in Stripe's Dashboard, and send this again.";
    /// No plan has the name.
    UnknownPlan => 400, "unknown_plan",
        "There is no plan of that name. GET /plans lists those that are offered.";
    /// The plan is not offered.
    PlanNotAvailable => 409, "plan_not_available",
        "This plan is not offered now, and nothing was changed. Offer one of GET /plans.";
    /// Nothing would change.
    SamePlan => 409, "same_plan", "The subscription has this plan, quantity and add-ons already.";
    /// Too few or too many of the plan, or more than one of a plan that is sold once.
    QuantityNotOffered => 409, "quantity_not_offered",
        "The plan is not sold in this quantity, and nothing was changed. \"quantity\" of GET /plans has its limits; a plan without it is sold once.";
    /// The plan says so.
    QuantityNotAllowed => 409, "quantity_not_allowed",
        "Shoppers do not change the quantity of this plan by themselves. Set \"shopper_may_change\" of its \"quantity\" in plans.json to let them; your servers may change it.";
    /// The plan has no such add-on, or not so many of it, or it is not sold now.
    AddonNotOffered => 409, "addon_not_offered",
        "The plan is not sold with such an add-on in this quantity, and nothing was changed. \"addons\" of GET /plans has those that are offered, and how many of each.";
    /// The plan says so.
    AddonNotAllowed => 409, "addon_not_allowed",
        "Shoppers do not add or remove this add-on by themselves. Set its \"shopper_may_change\" in plans.json to let them; your servers may change it.";
    /// A plan of another group.
    OtherGroup => 409, "other_group",
        "This plan is of another group than the subscription's, so it is bought beside it and not in its place.";
    /// Stripe takes one currency for each subscription.
    OtherCurrency => 409, "currency_conflict",
        "This plan is sold in another currency, and the currency of a subscription cannot be changed.";
    /// The wallet does not pay for that plan.
    OtherWallet => 409, "wallet_not_offered",
        "This plan is not sold with the wallet that pays for the subscription.";
    /// More than one thing is sold with it.
    SeveralItems => 409, "several_items",
        "The subscription has an item beside its plan that is no add-on of it, so it is changed in Stripe's Dashboard.";
    /// An invoice is to be paid first.
    PaymentOpen => 409, "payment_open",
        "An invoice of this subscription is not paid, and a change would reckon with money that was never received. It is changed once it is paid.";
    /// It is paused.
    Paused => 409, "subscription_paused", "The subscription is paused. It is changed once it is resumed.";
    /// It is not paused.
    NotPaused => 409, "subscription_not_paused", "The subscription is not paused, and nothing was changed.";
    /// Nothing is paid for yet that a pause could keep.
    InTrial => 409, "subscription_in_trial",
        "The subscription is in its free trial, which cannot be paused. It can be canceled without being charged.";
    /// The plan says so.
    PauseNotAllowed => 409, "pause_not_allowed",
        "Shoppers do not pause this plan by themselves. Set \"shopper_pause\" in plans.json to let them; your servers may pause it.";
    /// It is in the past, or is over before anybody could end it.
    PauseTooShort => 400, "pause_too_short",
        "\"until\" is a time at least an hour ahead, such as 2027-01-31T00:00:00Z.";
    /// The plan allows a shorter one.
    PauseTooLong => 409, "pause_too_long",
        "The pause is longer than \"actions.pause.longest_days\" allows, or has no end and needs one: send an earlier \"until\".";
    /// The bank has said no.
    ResumeDeclined => 402, "resume_declined",
        "The new period could not be charged, so the subscription stays paused, and nothing else has changed. Ask the shopper for another payment method.";
    /// There is no trial whose end could be set.
    NoTrialRuns => 409, "subscription_not_in_trial",
        "No free trial of this subscription runs, or it ends by itself within a minute, and nothing was changed.";
    /// Whatever was asked for, it would be the end of now.
    TrialEndPast => 400, "trial_end_in_past",
        "\"ends_at\" is a time from now on, such as 2027-01-31T00:00:00Z. To end the trial at once, send \"ends\":\"now\".";
    /// Stripe takes no later one.
    TrialTooLong => 400, "trial_too_long",
        "\"ends_at\" is at most 730 days ahead, and not after the billing cycle anchor where that was set for later than the trial: send an earlier time.";
    /// The bank has said no.
    TrialDeclined => 402, "trial_end_declined",
        "The first period could not be charged, so the trial goes on as it was, and nothing is owed. Ask the shopper for another payment method.";
    /// Nothing is there to be charged.
    MethodMissing => 409, "payment_method_required",
        "No payment method of this subscription can be charged, so its trial is not ended before its time. Ask the shopper for one with POST /subscriptions/{subscription}/payment-method.";
    /// A change to come holds the end of the period.
    ChangeScheduled => 409, "change_scheduled",
        "Another plan, or another quantity, is going to begin with the end of the period. Withdraw that first with POST /subscriptions/{subscription}/withdraw-change.";
    /// It is going to end.
    Canceling => 409, "cancellation_scheduled",
        "The subscription is going to end. Withdraw the cancellation first.";
    /// It is no token of this kind, or one of another subscription.
    InvalidPreview => 400, "invalid_preview",
        "\"preview\" is not one that POST /subscriptions/{subscription}/preview has given for this subscription.";
    /// Something has changed since it was shown.
    PreviewOutdated => 409, "preview_outdated",
        "The amounts that were shown no longer hold, and nothing was changed or charged. Ask for another preview and show it.";
    /// The bank has said no.
    ChangeDeclined => 402, "change_declined",
        "The difference could not be charged, so the subscription keeps its plan. Ask the shopper for another payment method.";
    /// Stripe has said no.
    ChangeRefused => 502, "stripe_refused",
        "Stripe did not accept the change, so nothing was done. The shop has been notified.";
    /// No SetupIntent of this subscription.
    UnknownSetupIntent => 404, "unknown_setup_intent",
        "There is no such SetupIntent of this subscription, or it is canceled. Begin again with POST /subscriptions/{subscription}/payment-method.";
    /// Stripe has none of that id, or had one.
    UnknownCustomer => 404, "unknown_customer",
        "Stripe has no such customer in this account and mode, or it was deleted.";
    /// Somebody else's.
    CustomerTaken => 409, "customer_taken",
        "This customer is another user's, and nothing was changed.";
    /// The user has one already.
    HasCustomer => 409, "user_has_customer",
        "This user has another customer, and nothing was changed. A user has one customer, to which all of their subscriptions belong.";
    /// None of that id, or one of another subscription.
    UnknownInvoice => 404, "unknown_invoice",
        "This subscription has no such invoice. GET /shop/invoices lists those that it has.";
    /// Nothing was received for it.
    InvoiceNotPaid => 409, "invoice_not_paid",
        "This invoice is not paid, so nothing of it can be given back.";
    /// All of it went back, or it is claimed back.
    NothingToRefund => 409, "nothing_to_refund",
        "Nothing of this invoice is left to be given back: it cost nothing, went back already, or its payment is disputed.";
    /// More than is left.
    RefundTooLarge => 409, "refund_too_large",
        "Less than \"amount\" is left of this invoice, and nothing was given back. Without \"amount\" all that is left goes back.";
    /// A link that was good while a payment was missing.
    NothingToRepair => 409, "nothing_to_repair",
        "This subscription is paid with a method that works, so there is nothing to repair.";
    /// Only private plans are offered to single users.
    NoPrivatePlan => 400, "no_private_plan",
        "There is no private plan of that name, and nothing was changed. Publish it in plans.json with \"private\": true first.";
    /// As many as one user may have.
    TooManyOffers => 409, "too_many_offers",
        "50 private plans are offered to this user, which is the most. Take one back with \"offered\": false first.";
    /// Too many.
    TooManyTries => 429, "too_many_tries",
        "Too many payment methods were tried for this subscription within an hour. Try again later.";
    /// One is on it.
    DiscountRuns => 409, "discount_running",
        "A discount counts for this subscription already, and a code neither adds to it nor replaces it.";
    /// There is none to take off.
    NoDiscount => 409, "no_discount", "This subscription has no discount of its own, and nothing was changed.";
    /// What it is redeemed with would use it up, or comes later.
    CodeAlone => 409, "code_alone",
        "This code is not redeemed with this change, which comes later, or would use up a code for one invoice with a part of a period: preview \"code\" alone, for the next invoice.";
    /// Too many.
    TooManyCodes => 429, "too_many_codes",
        "This user has tried too many codes within an hour. Try again later.";
    /// It has not ended.
    NotEnded => 409, "subscription_not_ended",
        "This subscription has not ended, so there is nothing to begin again. Withdraw a cancellation that has not taken effect with POST /subscriptions/{subscription}/withdraw-cancellation.";
    /// The taxes of the plan cannot be reckoned.
    AddressNeeded => 409, "address_needed",
        "Taxes are added to this plan, and Stripe does not know where this shopper is. Set the address with POST /shop/users/address, and ask again.";
    /// A schedule would have to turn them on.
    TaxBeginsNow => 409, "tax_begins_now",
        "Taxes are added to this plan and not to the one that there is, which is changed at once alone: send \"when\":\"now\".";
    /// Nowhere, as Stripe sees it.
    AddressRefused => 400, "address_not_recognized",
        "Stripe does not recognize this address, and nothing was changed. Check the country and the postal code.";
    /// Not a number of that type, as Stripe sees it.
    TaxIdRefused => 400, "tax_id_refused",
        "Stripe does not take one of these tax ids, and nothing was changed. Check its \"type\" and its \"value\".";
    /// Not an address, as Stripe sees it.
    EmailRefused => 400, "email_refused",
        "Stripe does not take this e-mail address, and nothing was changed.";
    /// It would be over before it begins.
    GrantEndPast => 400, "grant_end_in_past",
        "\"until\" is a time from now on, such as 2027-01-31T00:00:00Z, or is left out for a grant without an end. To take a grant away, send \"grant\":null.";
    /// More than one item holds.
    TooManyGrants => 409, "too_many_grants",
        "This user has been given 20 other plans already, and nothing was changed. Take one of them away first.";
    /// One has not ended.
    UserIsSubscribed => 409, "user_is_subscribed",
        "This user has subscriptions that have not ended, and nothing was erased. End each of \"subscriptions\" first with POST /shop/subscriptions/{subscription}/cancel and \"when\":\"now\".";
    /// A subscription is being created.
    CheckoutUnderWay => 409, "checkout_under_way",
        "A checkout of this user is being decided at this moment, and nothing was erased. Ask again in a few minutes.";
    /// One is not over.
    PaymentUnderWay => 409, "payment_under_way",
        "This user has payments that are neither made nor canceled, and nothing was erased. End each of \"payments\" first, with POST /payments/{payment}/capture or /cancel.";
    /// Something is done to a subscription.
    ActionUnderWay => 409, "action_under_way",
        "Something is being done to a subscription of this user at this moment, and nothing was erased. Ask again in a few minutes.";
    /// Money of the shopper's lies at Stripe.
    CreditLeft => 409, "credit_left",
        "The customer has a credit balance at Stripe, which would be lost, and nothing was erased. Pay it out, and set the balance to 0 in Stripe's Dashboard first.";
    /// It has changed while this was being done.
    Changed => 409, "subscription_changed",
        "The subscription has changed meanwhile. Read it again with GET /subscriptions, and send what is still meant.";
}

impl From<NotNow> for ActionErrorCode {
    fn from(reason: NotNow) -> Self {
        match reason {
            NotNow::Ended => Self::Ended,
            NotNow::NotConfirmed => Self::NotConfirmed,
            NotNow::Canceling => Self::Canceling,
            NotNow::Paused => Self::Paused,
            NotNow::PaymentOpen => Self::PaymentOpen,
            NotNow::NotPaused => Self::NotPaused,
            NotNow::InTrial => Self::InTrial,
            NotNow::NotAllowed => Self::PauseNotAllowed,
            NotNow::NotCanceling | NotNow::NothingPending | NotNow::NotEnded => Self::Changed,
        }
    }
}

impl fmt::Display for ActionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why.code())
    }
}
