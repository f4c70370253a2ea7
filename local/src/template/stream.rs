//! The event source mapping from the table's stream to a function.

use std::time::Duration;

use serde_json::Value;

use super::pattern::Pattern;
use super::{Resources, TemplateError, function, of_type};

/// Which function reads the table's stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamMapping {
    /// The crate of the function, such as `worker`.
    pub(crate) function: String,
    /// How many records one call may carry.
    pub(crate) batch_size: usize,
    /// How many batches of one shard are out at once, in order of each item alone.
    pub(crate) factor: usize,
    /// How often a batch is tried again before it is given up; without a number, for ever.
    pub(crate) retries: Option<u32>,
    /// Whether a batch that fails as a whole is halved.
    pub(crate) bisects: bool,
    /// A record is delivered when one of these matches; without any, all are.
    pub(crate) filters: Vec<Pattern>,
    /// When Lambda ends the function.
    pub(crate) timeout: Duration,
}

/// What Lambda takes when the template is silent.
const LAMBDA_BATCH_SIZE: usize = 100;

pub(super) fn read(globals: &Value, resources: &Resources) -> Result<StreamMapping, TemplateError> {
    let (id, properties, mapping) = of_type(resources, "AWS::Serverless::Function")
        .flat_map(|(id, function)| {
            let events = function
                .get("Events")
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            events.map(move |(_, event)| (id, function, event))
        })
        .find(|(_, _, event)| event.get("Type").is_some_and(|kind| kind == "DynamoDB"))
        .map(|(id, function, event)| {
            (
                id,
                function,
                event.get("Properties").unwrap_or(&Value::Null),
            )
        })
        .ok_or_else(|| TemplateError::Content("no function reads the table's stream".into()))?;

    Ok(StreamMapping {
        function: function::name(id, resources.get(id).unwrap_or(&Value::Null)),
        batch_size: batch_size(mapping),
        factor: factor(mapping),
        retries: retries(mapping),
        bisects: mapping.get("BisectBatchOnFunctionError") == Some(&Value::Bool(true)),
        filters: filters(id, mapping)?,
        timeout: Duration::from_secs(function::timeout(globals, properties)),
    })
}

/// How many records one call may carry.
pub(super) fn batch_size(settings: &Value) -> usize {
    settings
        .get("BatchSize")
        .and_then(Value::as_u64)
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(LAMBDA_BATCH_SIZE)
}

/// How many batches of one shard are out at once.
pub(super) fn factor(settings: &Value) -> usize {
    let factor = settings
        .get("ParallelizationFactor")
        .and_then(Value::as_u64);
    factor.and_then(|it| it.try_into().ok()).unwrap_or(1)
}

/// How often a batch is tried again; Lambda's own limit is the day that the stream keeps a record.
pub(super) fn retries(settings: &Value) -> Option<u32> {
    let retries = settings.get("MaximumRetryAttempts").and_then(Value::as_i64);
    retries.and_then(|it| it.try_into().ok())
}

/// The patterns of a `FilterCriteria`.
pub(super) fn filters(id: &str, settings: &Value) -> Result<Vec<Pattern>, TemplateError> {
    let filters = settings
        .pointer("/FilterCriteria/Filters")
        .and_then(Value::as_array);
    let read = |filter: &Value| {
        let text = filter.get("Pattern").and_then(Value::as_str);
        let text = text.ok_or_else(|| {
            TemplateError::Content(format!(
                "{id}: a filter has no Pattern in the form of a text"
            ))
        })?;
        Pattern::parse(text).map_err(|e| TemplateError::Content(format!("{id}: {e}")))
    };
    filters.into_iter().flatten().map(read).collect()
}
