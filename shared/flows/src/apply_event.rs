//! What an event of Stripe leads to. Its body plays no part: what it is about is read again.

use perennial_store::{InboxItem, InboxStatus};
use perennial_types::{CustomerId, SetupIntentId, SubscriptionId, UserId};

use std::collections::{HashMap, HashSet};

use crate::{Finish, FlowError, Flows};
use perennial_stripe::StripeError;

/// What has become of an event.
#[derive(Debug)]
enum Applied {
    /// The table says what Stripe says.
    Done,
    /// It is of no concern here, and why.
    Ignored(&'static str),
    /// It cannot be applied, however often it is tried, and why.
    Failed(String),
    /// It could not be applied now.
    Later(FlowError),
}

/// Whether events of this type are about a checkout's SetupIntent.
fn is_about_checkout(kind: &str) -> bool {
    matches!(
        kind,
        "setup_intent.succeeded" | "setup_intent.setup_failed" | "setup_intent.canceled"
    )
}

/// Whether events of this type say that a subscription, or its newest invoice, has changed.
fn is_about_subscription(kind: &str) -> bool {
    kind.starts_with("customer.subscription.") || kind.starts_with("invoice.")
}

impl Flows {
    /// Applies the events of one customer, in order, and notes in the inbox what has become of
    /// each. Several events about one subscription, or one SetupIntent, cost one read of it.
    ///
    /// An event that is answered with an error is to be brought again; one that can never be
    /// applied is kept with the reason, and does not hold up the others.
    pub async fn apply_events(&self, events: &[InboxItem]) -> Vec<Result<(), FlowError>> {
        let flows = self.within_budget();
        let mut users = HashMap::new();
        let mut read = HashSet::new();
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            let applied = flows.apply(event, &mut users, &mut read).await;
            results.push(flows.settle(event, applied).await);
        }
        results
    }

    async fn settle(&self, event: &InboxItem, applied: Applied) -> Result<(), FlowError> {
        let (id, kind) = (event.event.as_str(), event.kind.as_str());
        let (status, reason) = match applied {
            Applied::Done => (InboxStatus::Processed, None),
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
        self.table.settle(event, status, reason.as_deref()).await?;
        tracing::info!(event = id, kind, status = ?status, "settled");
        Ok(())
    }

    async fn apply(
        &self,
        event: &InboxItem,
        users: &mut HashMap<CustomerId, Option<UserId>>,
        read: &mut HashSet<String>,
    ) -> Applied {
        if event.livemode != self.livemode {
            return Applied::Ignored("it is of the other mode");
        }
        let (about_checkout, about_subscription) = (
            is_about_checkout(&event.kind),
            is_about_subscription(&event.kind),
        );
        if !about_checkout && !about_subscription {
            return Applied::Ignored("nothing depends on events of this type");
        }
        let Some(customer) = &event.customer else {
            return Applied::Ignored("it names no customer");
        };
        let user = match self.user(customer, users).await {
            Ok(Some(user)) => user,
            Ok(None) => return Applied::Ignored("the customer is not one of ours"),
            Err(error) => return Applied::Later(error),
        };
        let subject = if about_checkout {
            event.object.clone()
        } else {
            event.subscription.as_ref().map(|id| id.as_str().to_owned())
        };
        let Some(subject) = subject else {
            return Applied::Ignored("it names no subscription");
        };
        if read.contains(&subject) {
            return Applied::Done;
        }
        let result = if about_checkout {
            self.apply_to_checkout(&event.kind, &subject).await
        } else {
            self.apply_to_subscription(&user, customer, &subject).await
        };
        match result {
            Ok(applied) => {
                if matches!(applied, Applied::Done) {
                    read.insert(subject);
                }
                applied
            }
            Err(error) => classify(error),
        }
    }

    async fn user(
        &self,
        customer: &CustomerId,
        users: &mut HashMap<CustomerId, Option<UserId>>,
    ) -> Result<Option<UserId>, FlowError> {
        if let Some(user) = users.get(customer) {
            return Ok(user.clone());
        }
        let user = self.table.user_of_customer(customer).await?;
        users.insert(customer.clone(), user.clone());
        Ok(user)
    }

    async fn apply_to_checkout(&self, kind: &str, subject: &str) -> Result<Applied, FlowError> {
        let Ok(id) = subject.parse::<SetupIntentId>() else {
            return Ok(Applied::Failed(
                "its object is not a SetupIntent".to_owned(),
            ));
        };
        let Some((user, attempt)) = self.table.find_setup_intent(&id).await? else {
            return Ok(Applied::Ignored("the SetupIntent is of no checkout"));
        };
        let applied = self.finish_for_event(&user, &attempt).await?;
        match applied {
            // The shopper is at the wallet again after a failure. What they do there brings an
            // event of its own, and the customer's other events must not wait for it.
            Applied::Later(_) if kind != "setup_intent.succeeded" => Ok(Applied::Done),
            applied => Ok(applied),
        }
    }

    async fn apply_to_subscription(
        &self,
        user: &UserId,
        customer: &CustomerId,
        subject: &str,
    ) -> Result<Applied, FlowError> {
        let Ok(id) = subject.parse::<SubscriptionId>() else {
            return Ok(Applied::Failed(
                "its object is not a subscription".to_owned(),
            ));
        };
        let item = self.refresh_subscription(user, customer, &id).await?;
        let Some(attempt) = item.attempt else {
            return Ok(Applied::Done);
        };
        // Its finisher may have died before it wrote the subscription down.
        match self.table.attempt(user, &attempt).await? {
            Some(open) if open.state.is_open() => self.finish_for_event(user, &attempt).await,
            _ => Ok(Applied::Done),
        }
    }

    async fn finish_for_event(
        &self,
        user: &UserId,
        attempt: &perennial_types::AttemptId,
    ) -> Result<Applied, FlowError> {
        match self.finish(user, attempt, None).await? {
            Finish::Subscribed { .. } | Finish::Failed { .. } => Ok(Applied::Done),
            Finish::Pending { .. } => Ok(Applied::Later(FlowError::Busy)),
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
        | FlowError::Mismatch { .. }
        | FlowError::UnknownCheckout
        | FlowError::FrozenRequest(_) => Applied::Failed(error.to_string()),
        _ => Applied::Later(error),
    }
}
