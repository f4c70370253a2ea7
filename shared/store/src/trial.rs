//! Who has had a free trial.
//!
//! The item of a user and plan group names the attempts that have it or have had it. It is written in
//! the transaction that freezes an attempt's request, and an attempt is taken off it again in the
//! transaction that ends it without a subscription. So a trial counts from before Stripe hears of it,
//! one that the shopper never confirmed does not count, and the item outlives the attempts.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, builders::UpdateBuilder};
use perennial_types::{Attempt, AttemptId, PlanGroup, Trials};
use serde::Deserialize;

use crate::{Table, key::Key};

/// The free trials of one plan group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trial {
    /// Which group.
    pub group: PlanGroup,
    /// The attempts whose subscriptions began, or are beginning, with a free trial.
    #[serde(default)]
    pub attempts: BTreeSet<AttemptId>,
}

impl Table {
    /// Notes the trial of an attempt that begins with one. With [`Trials::Once`] the condition is that
    /// no other attempt has had one.
    pub(crate) fn take_trial(&self, attempt: &Attempt, trials: Trials) -> Option<UpdateBuilder> {
        let update = self
            .of_trial(attempt)?
            .update_expression("SET #group = :group ADD attempts :me")
            .expression_attribute_names("#group", "group")
            .expression_attribute_values(":group", AttributeValue::S(attempt.group.to_string()));
        Some(match trials {
            Trials::Once => {
                update.condition_expression("attribute_not_exists(attempts) OR attempts = :me")
            }
            Trials::Always => update,
        })
    }

    /// Takes an attempt off again; nothing happens if it was not noted.
    pub(crate) fn give_trial_back(&self, attempt: &Attempt) -> Option<UpdateBuilder> {
        let update = self
            .of_trial(attempt)?
            .update_expression("SET #group = :group DELETE attempts :me")
            .expression_attribute_names("#group", "group")
            .expression_attribute_values(":group", AttributeValue::S(attempt.group.to_string()));
        Some(update)
    }

    fn of_trial(&self, attempt: &Attempt) -> Option<UpdateBuilder> {
        (attempt.trial_days > 0).then(|| {
            let me = AttributeValue::Ss(vec![attempt.id.to_string()]);
            self.update(Key::trial(&attempt.user, &attempt.group))
                .expression_attribute_values(":me", me)
        })
    }
}
