//! Attempts: opened once, found by their SetupIntent, closed once.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::AttributeValue,
};
use perennial_types::{
    Attempt, AttemptId, Ending, FailureReason, PaymentIntentId, Phase, ReturnPath, SetupIntentId,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use crate::{
    ShopEvent, StoreError, Table,
    attempt_row::{AttemptRow, State, StoredAttempt},
    key::{DueKind, Key, text},
    table::{KEEP_ENDED_SECONDS, KEEP_SECONDS, Outcome, item, put_of, update_of},
};

/// A shopper who comes back does so within minutes; after this, the sweep looks.
const FIRST_LOOK_SECONDS: i64 = 10 * 60;

/// Whether this attempt is the one that clicks go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is.
    Won,
    /// Another one was opened meanwhile.
    Lost,
}

#[derive(Serialize)]
struct Stored {
    #[serde(flatten)]
    attempt: AttemptRow,
    due: DueKind,
    due_at: Timestamp,
    expires_at: i64,
}

/// Whose attempt an intent at Stripe belongs to.
#[derive(Serialize, Deserialize)]
pub(crate) struct Lookup {
    user: UserId,
    attempt: AttemptId,
    expires_at: i64,
}

impl Lookup {
    pub(crate) fn of(attempt: &Attempt) -> Self {
        Self {
            user: attempt.user.clone(),
            attempt: attempt.id.clone(),
            expires_at: attempt.created.unix().saturating_add(KEEP_SECONDS),
        }
    }
}

impl Table {
    /// Opens an attempt, in place of the one that was seen open for its plan and wallet.
    pub async fn open_attempt(
        &self,
        attempt: &Attempt,
        replaces: Option<&AttemptId>,
    ) -> Result<Opened, StoreError> {
        let operation = "open_attempt";
        let key = Key::attempt(&attempt.user, &attempt.id);
        let expires_at = attempt.created.unix().saturating_add(KEEP_SECONDS);
        let claim = match &attempt.phase {
            Phase::Creating(claim) => Some(claim),
            _ => None,
        };
        let stored = Stored {
            attempt: AttemptRow::of_new(attempt, claim),
            due: DueKind::Checkout,
            due_at: attempt.created.plus_seconds(FIRST_LOOK_SECONDS),
            expires_at,
        };
        let stored = item(operation, key, &stored)?;
        let stored = self
            .put(stored)
            .condition_expression("attribute_not_exists(pk)");

        let mut open = Key::open(&attempt.user, &attempt.plan, attempt.wallet).attributes();
        for (name, value) in [
            ("plan", attempt.plan.as_str()),
            ("attempt", attempt.id.as_str()),
        ] {
            open.insert(name.to_owned(), text(value));
        }
        if let Some(wallet) = attempt.wallet {
            open.insert("wallet".to_owned(), text(wallet.as_str()));
        }
        // An attempt that has expired is not resumed.
        let ends = attempt.open_until.unix().saturating_add(KEEP_ENDED_SECONDS);
        open.insert("expires_at".to_owned(), number(ends));
        let open = self.put(open);
        let open = match replaces {
            None => open.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => open
                .condition_expression("attempt = :seen")
                .expression_attribute_values(":seen", text(seen.as_str())),
        };
        let writes = vec![put_of(operation, stored)?, put_of(operation, open)?];
        match self.transact(operation, writes).await? {
            Outcome::Done => Ok(Opened::Won),
            Outcome::Refused(_) => Ok(Opened::Lost),
        }
    }

    /// An attempt of this user.
    pub async fn attempt(
        &self,
        user: &UserId,
        id: &AttemptId,
    ) -> Result<Option<Attempt>, StoreError> {
        let stored = self.get::<StoredAttempt>("attempt", Key::attempt(user, id));
        Ok(stored.await?.map(|stored| stored.0))
    }

    /// Writes down the SetupIntent and whose it is, and forgets the request that created it.
    pub async fn record_setup_intent(
        &self,
        attempt: &Attempt,
        id: &SetupIntentId,
    ) -> Result<bool, StoreError> {
        let operation = "record_setup_intent";
        let update = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression("SET setup_intent = :id REMOVE setup_request, setup_owner")
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(setup_intent) OR setup_intent = :id)")
            .expression_attribute_values(":id", text(id.as_str()));
        let lookup = item(operation, Key::setup_intent(id), &Lookup::of(attempt))?;
        let lookup = self.put(lookup);
        let writes = vec![update_of(operation, update)?, put_of(operation, lookup)?];
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }

    /// The attempt that a SetupIntent belongs to.
    pub async fn find_setup_intent(
        &self,
        id: &SetupIntentId,
    ) -> Result<Option<(UserId, AttemptId)>, StoreError> {
        let lookup = self
            .get::<Lookup>("find_setup_intent", Key::setup_intent(id))
            .await?;
        Ok(lookup.map(|lookup| (lookup.user, lookup.attempt)))
    }

    /// The attempt that a first payment belongs to.
    pub async fn find_payment_intent(
        &self,
        id: &PaymentIntentId,
    ) -> Result<Option<(UserId, AttemptId)>, StoreError> {
        let lookup = self
            .get::<Lookup>("find_payment_intent", Key::payment_intent(id))
            .await?;
        Ok(lookup.map(|lookup| (lookup.user, lookup.attempt)))
    }

    /// Ends an attempt that holds no slot, and tells the shop if there is something to tell. False
    /// when it had ended already.
    pub async fn close_attempt(
        &self,
        attempt: &Attempt,
        ending: Ending,
        reason: FailureReason,
        told: Option<&ShopEvent>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "close_attempt";
        let ended = self
            .update(Key::attempt(&attempt.user, &attempt.id))
            .update_expression(
                "SET #state = :state, reason = :reason, expires_at = :expires REMOVE setup_request, due, due_at",
            )
            .condition_expression("#state = :issued")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(State::from(ending).as_str()))
            .expression_attribute_values(":reason", text(reason.as_str()))
            .expression_attribute_values(":expires", ended_until(now))
            .expression_attribute_values(":issued", text(State::Issued.as_str()));
        let mut writes = vec![update_of(operation, ended)?];
        if let Some(event) = told {
            writes.push(self.put_event(operation, event)?);
        }
        Ok(matches!(
            self.transact(operation, writes).await?,
            Outcome::Done
        ))
    }

    /// Notes why the last try at the wallet failed, while the attempt stays open for another; with
    /// the newest decline that was counted, if it was one.
    pub async fn note_reason(
        &self,
        attempt: &Attempt,
        reason: FailureReason,
        counted: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = self.change(attempt);
        let update = match counted {
            None => update.update_expression("SET reason = :reason"),
            Some(counted) => update
                .update_expression("SET reason = :reason, counted = :counted")
                .expression_attribute_values(":counted", text(counted)),
        };
        let update = update
            .condition_expression("#state IN (:issued, :confirming)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":reason", text(reason.as_str()))
            .expression_attribute_values(":issued", text(State::Issued.as_str()))
            .expression_attribute_values(":confirming", text(State::Confirming.as_str()));
        applied("note_reason", update).await
    }

    /// Forgets why the last try at the wallet failed.
    pub async fn forget_reason(&self, attempt: &Attempt) -> Result<bool, StoreError> {
        let update = self
            .change(attempt)
            .update_expression("REMOVE reason")
            .condition_expression("#state IN (:issued, :confirming)")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":issued", text(State::Issued.as_str()))
            .expression_attribute_values(":confirming", text(State::Confirming.as_str()));
        applied("forget_reason", update).await
    }

    /// Changes where the shopper of an open attempt lands.
    pub async fn change_return(
        &self,
        attempt: &Attempt,
        return_to: &ReturnPath,
    ) -> Result<bool, StoreError> {
        let update = self
            .change(attempt)
            .update_expression("SET return_to = :path")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":path", text(return_to.as_str()));
        applied("change_return", update).await
    }

    pub(crate) fn change(&self, attempt: &Attempt) -> UpdateItemFluentBuilder {
        let key = Key::attempt(&attempt.user, &attempt.id).attributes();
        self.client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key))
    }
}

/// Until when an attempt is kept that has come to nothing at `now`.
pub(crate) fn ended_until(now: Timestamp) -> AttributeValue {
    number(now.unix().saturating_add(KEEP_ENDED_SECONDS))
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Sends an update; false when its condition did not hold.
pub(crate) async fn applied(
    operation: &'static str,
    update: UpdateItemFluentBuilder,
) -> Result<bool, StoreError> {
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(StoreError::call(operation)(error)),
    }
}
