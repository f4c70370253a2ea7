//! The Pipe from the table's stream to the shop's bus.

use std::time::Duration;

use serde_json::Value;

use super::stream::{self, StreamMapping};
use super::{Resources, TemplateError, function, of_type};

/// What the Pipe hands on, as a mapping to the function that gives it its form.
pub(super) fn read(globals: &Value, resources: &Resources) -> Result<StreamMapping, TemplateError> {
    let (id, pipe) = of_type(resources, "AWS::Pipes::Pipe")
        .next()
        .ok_or_else(|| TemplateError::Content("no pipe reads the table's stream".into()))?;
    let enrichment = pipe
        .pointer("/Enrichment/Fn::GetAtt")
        .and_then(Value::as_str)
        .and_then(|name| name.strip_suffix(".Arn"))
        .ok_or_else(|| TemplateError::Content(format!("{id}: its Enrichment is no function")))?;
    let function = resources.get(enrichment).unwrap_or(&Value::Null);
    let properties = function.get("Properties").unwrap_or(&Value::Null);
    let source = pipe.get("SourceParameters").unwrap_or(&Value::Null);
    let settings = source
        .get("DynamoDBStreamParameters")
        .unwrap_or(&Value::Null);
    Ok(StreamMapping {
        function: function::name(enrichment, function),
        batch_size: stream::batch_size(settings),
        factor: stream::factor(settings),
        retries: stream::retries(settings),
        bisects: settings.get("OnPartialBatchItemFailure").is_some(),
        filters: stream::filters(id, source)?,
        timeout: Duration::from_secs(function::timeout(globals, properties)),
    })
}
