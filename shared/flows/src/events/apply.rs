//! What an event of Stripe leads to. Its body plays no part: what it is about is read again.

use perennial_inbox::{About, EventType};
use perennial_store::{InboxItem, InboxStatus};
use perennial_types::{
    Attempt, AttemptId, CustomerId, Phase, PriceId, SetupIntentId, SubscriptionId, UserId,
};

use std::collections::{HashMap, HashSet};

use perennial_stripe::StripeError;

use super::Events;
use crate::{
    Checkouts, Finish, FlowError,
    actions::{ActionError, SubscriptionActions},
    catalog::Followed,
    subscriptions::Subscriptions,
};

/// What has become of an event.
#[derive(Debug)]
pub(super) enum Applied {
    /// The table says what Stripe says.
    Done,
    /// The shopper has yet to do something, of which an event of its own tells. The checkout is not
    /// decided, so this says nothing of the other events about it.
    Waits,
    /// It is of no concern here, and why.
    Ignored(&'static str),
    /// It cannot be applied, however often it is tried, and why.
    Failed(String),
    /// It could not be applied now.
    Later(FlowError),
}

impl From<Followed> for Applied {
    fn from(followed: Followed) -> Self {
        match followed {
            Followed::Done => Self::Done,
            Followed::NoPlan => Self::Ignored("no plan depends on it"),
        }
    }
}

/// <https://docs.stripe.com/api/events/types#event_types-invoice.finalization_failed>
const UNFINISHED: &str = "invoice.finalization_failed";

type Users = HashMap<CustomerId, Option<UserId>>;

/// What an event is about, by its type, and so what has to be read again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    Checkout(SetupIntentId),
    Subscription(SubscriptionId),
    /// Each of the customer's subscriptions.
    Subscriptions,
    Customer,
    Mandate(String),
    Dispute(String),
    FraudWarning(String),
    Refund(String),
    /// Of the catalog, and so of no customer.
    Price(PriceId),
    Product(String),
}

fn subject(event: &InboxItem) -> Result<Subject, Applied> {
    let Some(known) = EventType::find(&event.kind) else {
        return Err(Applied::Ignored("nothing depends on events of this type"));
    };
    let object = || {
        let missing = || Applied::Failed("it names no object".to_owned());
        event.object.clone().ok_or_else(missing)
    };
    match known.about {
        About::SetupIntent => {
            let id = object()?.parse();
            id.map(Subject::Checkout)
                .map_err(|_| Applied::Failed("its object is not a SetupIntent".to_owned()))
        }
        About::Subscription => {
            let id = event.subscription.clone();
            id.map(Subject::Subscription)
                .ok_or(Applied::Ignored("it names no subscription"))
        }
        About::PaymentMethods => Ok(Subject::Subscriptions),
        About::Customer => Ok(Subject::Customer),
        About::Mandate => object().map(Subject::Mandate),
        About::Dispute => object().map(Subject::Dispute),
        About::FraudWarning => object().map(Subject::FraudWarning),
        About::Refund => object().map(Subject::Refund),
        About::Price => {
            // A plan has no price of the older kind, whose id is of another form.
            let id = object()?.parse();
            id.map(Subject::Price)
                .map_err(|_| Applied::Ignored("no plan depends on it"))
        }
        About::Product => object().map(Subject::Product),
    }
}

impl Events<'_> {
    /// Applies the events of one customer, in order, and notes in the inbox what has become of
    /// each. Several events about one subscription, or one SetupIntent, cost one read of it.
    ///
    /// An event that is answered with an error is to be brought again; one that can never be
    /// applied is kept with the reason, and does not hold up the others.
    pub async fn apply_all(&self, events: &[InboxItem]) -> Vec<Result<(), FlowError>> {
        let cx = self.cx.for_one_object();
        let one = Events::of(&cx);
        let mut users = HashMap::new();
        let mut read = HashSet::new();
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            // Boxed, because it holds every way in which an event can be applied.
            let applied = Box::pin(one.apply(event, &mut users, &mut read)).await;
            results.push(one.settle(event, applied).await);
        }
        results
    }

    async fn settle(&self, event: &InboxItem, applied: Applied) -> Result<(), FlowError> {
        let (id, kind) = (event.event.as_str(), event.kind.as_str());
        let (status, reason) = match applied {
            Applied::Done | Applied::Waits => {
                if kind == UNFINISHED {
                    // It stays a draft, so nothing is charged until somebody mends the cause.
                    let (invoice, subscription) = (&event.object, &event.subscription);
                    let subscription = subscription.as_ref().map(SubscriptionId::as_str);
                    tracing::error!(invoice, subscription, "an invoice could not be finalized");
                }
                (InboxStatus::Processed, None)
            }
            Applied::Ignored(reason) => (InboxStatus::Ignored, Some(reason.to_owned())),
            Applied::Failed(reason) => {
                tracing::error!(event = id, kind, reason, "an event cannot be applied");
                (InboxStatus::Failed, Some(reason))
            }
            Applied::Later(error) => {
                tracing::warn!(
                    event = id,
                    kind,
                    error = error.chain(),
                    "an event has to wait"
                );
                return Err(error);
            }
        };
        self.cx
            .table
            .settle(event, status, reason.as_deref())
            .await?;
        tracing::info!(event = id, kind, status = ?status, "settled");
        Ok(())
    }

    async fn apply(
        &self,
        event: &InboxItem,
        users: &mut Users,
        read: &mut HashSet<Subject>,
    ) -> Applied {
        if event.livemode != self.cx.livemode {
            return Applied::Ignored("it is of the other mode");
        }
        let subject = match subject(event) {
            Ok(subject) => subject,
            Err(applied) => return applied,
        };
        if read.contains(&subject) {
            return Applied::Done;
        }
        match self.apply_to(&subject, event, users).await {
            Ok(applied) => {
                if matches!(applied, Applied::Done) {
                    read.insert(subject);
                }
                applied
            }
            Err(error) => classify(error),
        }
    }

    async fn apply_to(
        &self,
        subject: &Subject,
        event: &InboxItem,
        users: &mut Users,
    ) -> Result<Applied, FlowError> {
        // What is read here tells whose it is; the event does not.
        match subject {
            Subject::Mandate(id) => return self.apply_to_mandate(id).await,
            Subject::Dispute(id) => return self.apply_to_dispute(id).await,
            Subject::FraudWarning(id) => return self.apply_to_fraud_warning(id).await,
            Subject::Refund(id) => return self.apply_to_refund(id).await,
            Subject::Price(id) => {
                return self.resolver().follow_price(id).await.map(Applied::from);
            }
            Subject::Product(id) => {
                return self.resolver().follow_product(id).await.map(Applied::from);
            }
            _ => {}
        }
        let Some(customer) = &event.customer else {
            return Ok(Applied::Ignored("it names no customer"));
        };
        let Some(user) = self.user(customer, users).await? else {
            return Ok(Applied::Ignored("the customer is not one of ours"));
        };
        match subject {
            Subject::Checkout(id) => self.apply_to_checkout(&event.kind, id).await,
            Subject::Subscription(id) => self.apply_to_subscription(&user, customer, id).await,
            Subject::Customer => self.apply_to_customer(&user, customer).await,
            _ => self.apply_to_methods(&user, customer).await,
        }
    }

    async fn user(
        &self,
        customer: &CustomerId,
        users: &mut Users,
    ) -> Result<Option<UserId>, FlowError> {
        if let Some(user) = users.get(customer) {
            return Ok(user.clone());
        }
        let user = self.cx.table.user_of_customer(customer).await?;
        users.insert(customer.clone(), user.clone());
        Ok(user)
    }

    async fn apply_to_checkout(
        &self,
        kind: &str,
        id: &SetupIntentId,
    ) -> Result<Applied, FlowError> {
        let Some((user, attempt)) = self.cx.table.find_setup_intent(id).await? else {
            let actions = SubscriptionActions::of(self.cx);
            return match Box::pin(actions.finish_method_for_event(id)).await {
                Ok(true) | Err(ActionError::Refused(_)) => Ok(Applied::Done),
                Ok(false) => Ok(Applied::Ignored("the SetupIntent is of no checkout")),
                Err(ActionError::Flow(error)) => Err(error),
            };
        };
        let applied = match self.finish_for_event(&user, &attempt).await {
            Err(FlowError::UnknownCheckout) => {
                return Ok(Applied::Ignored("its checkout has ended long ago"));
            }
            applied => applied?,
        };
        match applied {
            // It has succeeded, so another request is finishing it.
            Applied::Waits if kind == "setup_intent.succeeded" => {
                Ok(Applied::Later(FlowError::Busy))
            }
            // Otherwise the shopper is at the wallet again after a failure. What they do there brings
            // an event of its own, and the customer's other events must not wait for it.
            applied => Ok(applied),
        }
    }

    async fn apply_to_subscription(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<Applied, FlowError> {
        let reading = Subscriptions::of(self.cx)
            .refresh(user, customer, id)
            .await?;
        let Some(attempt) = reading.attempt else {
            return Ok(Applied::Done);
        };
        // Its finisher may have died before it wrote the subscription down.
        match self.cx.table.attempt(user, &attempt).await? {
            Some(open) if open.is_open() => match self.finish_for_event(user, &attempt).await? {
                Applied::Waits => Ok(Applied::Later(FlowError::Busy)),
                applied => Ok(applied),
            },
            _ => Ok(Applied::Done),
        }
    }

    async fn finish_for_event(
        &self,
        user: &UserId,
        attempt: &AttemptId,
    ) -> Result<Applied, FlowError> {
        match Checkouts::of(self.cx).finish(user, attempt).await? {
            Finish::Subscribed { .. } | Finish::Failed { .. } => Ok(Applied::Done),
            Finish::Pending { .. } => match self.cx.table.attempt(user, attempt).await? {
                // Its shopper has not confirmed it yet, and that brings an event of its own.
                Some(Attempt {
                    phase: Phase::Confirming(_),
                    ..
                }) => Ok(Applied::Done),
                Some(open) if open.is_issued() => Ok(Applied::Waits),
                // The wallet has agreed, and Stripe has not answered, or another request is finishing it.
                _ => Ok(Applied::Later(FlowError::Busy)),
            },
        }
    }
}

/// Whether another try can help.
fn classify(error: FlowError) -> Applied {
    match &error {
        FlowError::Stripe(StripeError::Invalid { status: 404, .. }) => {
            Applied::Failed("its object is gone at Stripe".to_owned())
        }
        FlowError::Stripe(StripeError::Invalid { .. })
        | FlowError::ForeignObject(_)
        | FlowError::AnswerLacks(_)
        | FlowError::ItemLacks(_)
        | FlowError::UnknownCheckout
        | FlowError::KeptAnswer(_) => Applied::Failed(error.to_string()),
        _ => Applied::Later(error),
    }
}
