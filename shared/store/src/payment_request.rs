//! What the shop's servers ask for, each once: one item for each of their idempotency keys.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::builders::UpdateItemFluentBuilder},
    types::{AttributeValue, TransactWriteItem},
};
use perennial_types::{
    Claim, CustomerId, FrozenRequest, Lease, PaymentIntentId, PaymentMethodId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    attempt::applied,
    key::{Key, text},
    table::{KEEP_SECONDS, Outcome, item, put_of, update_of},
};

/// What is asked for, and what that is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestKind {
    /// A payment that the shopper agrees to in the page.
    Payment(NewPayment),
    /// A charge of a saved method while the shopper is away.
    OffSessionCharge(NewPayment),
    /// More is authorized.
    IncrementalAuthorization {
        /// Of which payment.
        payment: PaymentIntentId,
    },
    /// What is authorized is captured.
    Capture {
        /// Of which payment.
        payment: PaymentIntentId,
    },
    /// What is authorized is released, or what was not paid is given up.
    Cancellation {
        /// Which payment.
        payment: PaymentIntentId,
    },
    /// Money goes back.
    Refund {
        /// Of which payment.
        payment: PaymentIntentId,
    },
    /// A token becomes a saved method.
    TokenMigration {
        /// The shop's user.
        user: UserId,
        /// Their customer.
        customer: CustomerId,
        /// The method that the token has become.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment_method: Option<PaymentMethodId>,
    },
}

/// A payment that is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPayment {
    /// The shop's user.
    pub user: UserId,
    /// Their customer, at whom Stripe is searched for what came of the request.
    pub customer: CustomerId,
    /// Which payment it replaces: that one is canceled before anything else is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PaymentIntentId>,
}

impl RequestKind {
    /// The payment that another one replaces.
    pub fn replaces(&self) -> Option<&PaymentIntentId> {
        match self {
            Self::Payment(new) | Self::OffSessionCharge(new) => new.replaces.as_ref(),
            _ => None,
        }
    }

    /// Whose customer it is about, unless the payment says so.
    pub fn customer(&self) -> Option<(&UserId, &CustomerId)> {
        match self {
            Self::Payment(NewPayment { user, customer, .. })
            | Self::OffSessionCharge(NewPayment { user, customer, .. })
            | Self::TokenMigration { user, customer, .. } => Some((user, customer)),
            _ => None,
        }
    }
}

/// A request of the shop's servers, from its claim to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRequest {
    /// What it asks for.
    #[serde(flatten)]
    pub kind: RequestKind,
    /// Route and body, hashed: another request may not come under the same key.
    pub fingerprint: String,
    /// The ARN of the AWS identity that asked, without the name of a role's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: RequestState,
}

/// Where a request of the shop's servers stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// It is being sent, or its sender has died.
    Sending(Sending),
    /// Stripe has answered; what came of it is read from there.
    Done {
        /// The id of what came of it: a payment, a refund or a SetupIntent.
        result: String,
    },
    /// Nothing came of it, for good.
    Refused {
        /// Why, as JSON.
        refusal: String,
    },
}

/// The claim on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The owner of the lease.
    pub owner: String,
    /// When others may take over.
    pub lease: Timestamp,
    /// When the request was frozen.
    pub frozen_at: Timestamp,
    /// The frozen request. One that holds a token is not kept, but made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<FrozenRequest>,
}

impl Sending {
    /// Who holds it, and how long.
    pub fn lease(&self) -> Lease {
        Lease {
            owner: self.owner.clone(),
            until: self.lease,
        }
    }
}

/// Whether a request was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It was.
    Won,
    /// Another request was first.
    Lost,
    /// The payment has had all the increments that a network allows.
    Exhausted,
    /// Another request replaces the payment that this one would.
    Replaced,
}

/// Stripe allows so many increments of one payment, those that were declined included
/// (<https://docs.stripe.com/payments/incremental-authorization>).
pub const MOST_INCREMENTS: usize = 10;

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    request: &'a PaymentRequest,
    expires_at: i64,
}

#[derive(Deserialize)]
struct Increments {
    #[serde(default)]
    requests: std::collections::HashSet<String>,
}

impl Table {
    /// The request of that key, if there was one within the last 90 days.
    pub async fn payment_request(&self, key: &str) -> Result<Option<PaymentRequest>, StoreError> {
        self.get("payment_request", Key::payment_request(key)).await
    }

    /// Claims the right to send a request. An increment is counted at its payment, and a payment that
    /// is replaced is marked as such: both or neither. `over` is a request that was to replace the
    /// same payment, and came to nothing.
    pub async fn claim_payment_request(
        &self,
        key: &str,
        request: &PaymentRequest,
        over: Option<&str>,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let operation = "claim_payment_request";
        let expires_at = now.unix().saturating_add(KEEP_SECONDS);
        let stored = Stored {
            request,
            expires_at,
        };
        let stored = item(operation, Key::payment_request(key), &stored)?;
        let owner = match &request.state {
            RequestState::Sending(sending) => sending.owner.as_str(),
            RequestState::Done { .. } | RequestState::Refused { .. } => "",
        };
        // The owner may meet its own claim, when the first answer was lost on its way.
        let condition = "attribute_not_exists(pk) OR #owner = :owner";
        let (beside, lost) = match (&request.kind, request.kind.replaces()) {
            (RequestKind::IncrementalAuthorization { payment }, _) => (
                self.count_increment(payment, key, expires_at)?,
                Claimed::Exhausted,
            ),
            (_, Some(payment)) => (
                self.replace(payment, key, over, expires_at)?,
                Claimed::Replaced,
            ),
            _ => {
                let call = self
                    .client
                    .put_item()
                    .table_name(self.name())
                    .set_item(Some(stored))
                    .condition_expression(condition)
                    .expression_attribute_names("#owner", "owner")
                    .expression_attribute_values(":owner", text(owner));
                return match call.send().await {
                    Ok(_) => Ok(Claimed::Won),
                    Err(error)
                        if error
                            .as_service_error()
                            .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
                    {
                        Ok(Claimed::Lost)
                    }
                    Err(error) => Err(StoreError::call(operation)(error)),
                };
            }
        };
        let claim = self
            .put(stored)
            .condition_expression(condition)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner));
        let writes = vec![put_of(operation, claim)?, beside];
        match self.transact(operation, writes).await? {
            Outcome::Done => Ok(Claimed::Won),
            Outcome::Refused(refused) if refused == [false, true] => Ok(lost),
            Outcome::Refused(_) => Ok(Claimed::Lost),
        }
    }

    fn count_increment(
        &self,
        payment: &PaymentIntentId,
        key: &str,
        expires_at: i64,
    ) -> Result<TransactWriteItem, StoreError> {
        let count = self
            .update(Key::increments(payment))
            .update_expression("ADD requests :these SET expires_at = :expires_at")
            .condition_expression(
                "attribute_not_exists(requests) OR size(requests) < :most OR contains(requests, :this)",
            )
            .expression_attribute_values(":these", AttributeValue::Ss(vec![key.to_owned()]))
            .expression_attribute_values(":this", text(key))
            .expression_attribute_values(":most", AttributeValue::N(MOST_INCREMENTS.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(expires_at.to_string()));
        update_of("count_increment", count)
    }

    /// How many increments of a payment were asked for through Perennial.
    pub async fn increments(&self, payment: &PaymentIntentId) -> Result<usize, StoreError> {
        let known = self
            .get::<Increments>("increments", Key::increments(payment))
            .await?;
        Ok(known.map_or(0, |known| known.requests.len()))
    }

    /// Writes down the method that a token has become and the request that sets it up, before that
    /// is sent. False when another caller has taken the claim over.
    pub async fn record_migrated_method(
        &self,
        key: &str,
        method: &PaymentMethodId,
        claim: &Claim,
    ) -> Result<bool, StoreError> {
        let update = self
            .change_request(key)
            .update_expression(
                "SET payment_method = :method, #request = :request, frozen_at = :frozen_at",
            )
            .condition_expression(
                "#state = :sending AND #owner = :owner AND (attribute_not_exists(payment_method) OR payment_method = :method)",
            )
            // REQUEST is a reserved word.
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":owner", text(&claim.lease.owner))
            .expression_attribute_values(":method", text(method.as_str()))
            .expression_attribute_values(":request", text(claim.request.to_text()))
            .expression_attribute_values(":frozen_at", text(claim.frozen_at.to_string()));
        applied("record_migrated_method", update).await
    }

    /// Writes down what came of a request, and forgets its bytes. The first is right, since
    /// all of them have sent the same.
    pub async fn finish_payment_request(
        &self,
        key: &str,
        end: &RequestState,
    ) -> Result<bool, StoreError> {
        let (state, name, value) = match end {
            RequestState::Done { result } => ("done", "result", result),
            RequestState::Refused { refusal } => ("refused", "refusal", refusal),
            RequestState::Sending(_) => return Ok(false),
        };
        let update = self
            .change_request(key)
            .update_expression(
                "SET #state = :state, #end = :end REMOVE #owner, lease, frozen_at, #request",
            )
            .condition_expression("#state = :sending")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#request", "request")
            .expression_attribute_names("#end", name)
            .expression_attribute_values(":state", text(state))
            .expression_attribute_values(":end", text(value));
        applied("finish_payment_request", update).await
    }

    fn change_request(&self, key: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::payment_request(key).attributes()))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":sending", text("sending"))
    }
}
