//! What the shop's servers have given to a user for free: one item for each user.
//!
//! It is read and written as a whole, on the condition that it is as it was read: of two servers that write at once,
//! one begins again with what the other has written.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use perennial_types::{Grants, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Table,
    key::Key,
    table::{Outcome, built, delete_of, item, put_of},
};

/// The item as it lies in the table.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) grants: Grants,
}

/// So often a change is tried that another request has overtaken.
const TRIES: usize = 8;

impl Table {
    /// Changes what a user was given, and answers with what it is then; none while the user is being erased, of whom
    /// nothing is written. `change` may be asked more than once.
    pub async fn change_grants<E: From<StoreError>>(
        &self,
        user: &UserId,
        change: impl Fn(Grants) -> Result<Grants, E>,
    ) -> Result<Option<Grants>, E> {
        let operation = "change_grants";
        for _ in 0..TRIES {
            let row = self.row(operation, Key::grants(user)).await?;
            let seen = row.as_ref().and_then(|row| row.get("grants")).cloned();
            let stored: Stored = match row {
                Some(row) => serde_dynamo::from_item(row)
                    .map_err(StoreError::unreadable(operation, Key::grants(user).sk))?,
                None => Stored::default(),
            };
            let grants = change(stored.grants)?;
            let write = if !grants.is_empty() {
                let put = self.put(item(
                    operation,
                    Key::grants(user),
                    &Stored {
                        grants: grants.clone(),
                    },
                )?);
                put_of(
                    operation,
                    match seen {
                        Some(seen) => put
                            .condition_expression("grants = :seen")
                            .expression_attribute_values(":seen", seen),
                        None => put.condition_expression("attribute_not_exists(pk)"),
                    },
                )?
            } else if let Some(seen) = seen {
                let delete = self
                    .delete(Key::grants(user))
                    .condition_expression("grants = :seen");
                delete_of(operation, delete.expression_attribute_values(":seen", seen))?
            } else {
                return Ok(Some(grants));
            };
            let writes = vec![self.not_erasing(operation, user)?, write];
            match self.transact(operation, writes).await? {
                Outcome::Done => return Ok(Some(grants)),
                Outcome::Refused(refused) if refused.first() == Some(&true) => return Ok(None),
                Outcome::Refused(_) => {}
            }
        }
        Err(StoreError::Conflict { operation }.into())
    }

    /// That the user is not being erased, as a part of a transaction.
    fn not_erasing(
        &self,
        operation: &'static str,
        user: &UserId,
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .condition_expression("attribute_not_exists(erasing)")
            .build()
            .map_err(|source| built(operation, source))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}
