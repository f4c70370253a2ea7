//! The mode of the table: test and live never share one.
//!
//! The first catalog of plans that is published to a table says of which of Stripe's modes the table
//! is. A function of the other mode then neither reads nor writes it, so that no subscription of test
//! mode entitles anyone to what is sold for real money.
//!
//! The catalog says it too, so that a function that reads the plans at its start reads nothing else.

use std::{pin::Pin, sync::Arc};

use aws_sdk_dynamodb::{
    config::{Builder, retry::RetryConfig},
    operation::put_item::PutItemError,
    types::AttributeValue,
};

use crate::{
    StoreError, Table,
    key::{Attributes, Key},
    table::Guard,
};

const LIVEMODE: &str = "livemode";

impl Table {
    /// The table for a function of this mode. Whether the table is of the same is asked before its first use,
    /// unless that is known before.
    #[must_use]
    pub fn of_mode(mut self, livemode: bool) -> Self {
        self.guard = Some(Guard {
            livemode,
            checked: Arc::default(),
        });
        self
    }

    /// Asks now, at the start of a function. The error says that the table is of the other mode.
    ///
    /// A table that does not answer is asked once, so that a start is not held up, and asked again
    /// before the first use.
    pub async fn check_mode(&self) -> Result<(), StoreError> {
        let Some(guard) = &self.guard else {
            return Ok(());
        };
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let checked = guard.checked.get_or_try_init(|| self.check(guard, once));
        match checked.await {
            Err(error @ StoreError::OtherMode { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// Hears of which mode the table is.
    pub(crate) fn learn_mode(&self, livemode: bool) -> Result<(), StoreError> {
        let Some(guard) = &self.guard else {
            return Ok(());
        };
        self.same_mode(Some(livemode), guard.livemode)?;
        // Another request may have heard the same already.
        let _ = guard.checked.set(());
        Ok(())
    }

    /// What every use of the table begins with.
    pub(crate) async fn admit(&self) -> Result<(), StoreError> {
        let Some(guard) = &self.guard else {
            return Ok(());
        };
        let checked = guard
            .checked
            .get_or_try_init(|| self.check(guard, Builder::new()));
        checked.await.copied()
    }

    /// Boxed, because every use of the table holds this.
    fn check<'a>(
        &'a self,
        guard: &'a Guard,
        config: Builder,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        Box::pin(self.compare(guard, config))
    }

    async fn compare(&self, guard: &Guard, config: Builder) -> Result<(), StoreError> {
        let table = self.read_mode(config).await?;
        self.same_mode(table, guard.livemode)
    }

    /// Makes the table one of this mode, unless it is of a mode already. The error says that it is of
    /// the other one.
    pub async fn claim_mode(&self, livemode: bool) -> Result<(), StoreError> {
        let mut known = self.read_mode(Builder::new()).await?;
        if known.is_none() {
            let mut item: Attributes = Key::mode().attributes();
            item.insert(LIVEMODE.to_owned(), AttributeValue::Bool(livemode));
            let put = self
                .client
                .put_item()
                .table_name(self.name())
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)");
            match put.send().await {
                Ok(_) => return Ok(()),
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
                {
                    known = self.read_mode(Builder::new()).await?;
                }
                Err(error) => return Err(StoreError::call("claim_mode")(error)),
            }
        }
        self.same_mode(known, livemode)
    }

    fn same_mode(&self, known: Option<bool>, wanted: bool) -> Result<(), StoreError> {
        match known {
            Some(livemode) if livemode != wanted => Err(StoreError::OtherMode {
                table: self.name().to_owned(),
                livemode,
            }),
            _ => Ok(()),
        }
    }

    async fn read_mode(&self, config: Builder) -> Result<Option<bool>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(self.name())
            .set_key(Some(Key::mode().attributes()))
            .consistent_read(true)
            .customize()
            .config_override(config);
        let answer = get.send().await.map_err(StoreError::call("mode"))?;
        let livemode = answer.item.as_ref().and_then(|item| item.get(LIVEMODE));
        Ok(livemode.and_then(|value| value.as_bool().ok()).copied())
    }
}
