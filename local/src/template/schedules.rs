//! The events of type `Schedule` under each function.

use std::time::Duration;

use serde_json::Value;

use super::{Resources, TemplateError, function, of_type};
use crate::schedule::{Schedule, When};

pub(super) fn read(globals: &Value, resources: &Resources) -> Result<Vec<Schedule>, TemplateError> {
    let mut found = Vec::new();
    for (id, properties) in of_type(resources, "AWS::Serverless::Function") {
        let events = properties.get("Events").and_then(Value::as_object);
        let scheduled = events
            .into_iter()
            .flatten()
            .filter(|(_, event)| event.get("Type").is_some_and(|kind| kind == "Schedule"));
        for (event_id, event) in scheduled {
            let wrong = |what: String| TemplateError::Content(format!("{id}.{event_id}: {what}"));
            let text = |key: &str| {
                event
                    .pointer(&format!("/Properties/{key}"))
                    .and_then(Value::as_str)
                    .ok_or_else(|| wrong(format!("no {key}")))
            };
            found.push(Schedule {
                function: function::name(id, resources.get(id).unwrap_or(&Value::Null)),
                input: serde_json::from_str(text("Input")?)
                    .map_err(|_| wrong("its Input is not JSON".into()))?,
                when: When::parse(text("Schedule")?).map_err(|error| wrong(error.to_string()))?,
                timeout: Duration::from_secs(function::timeout(globals, properties)),
            });
        }
    }
    Ok(found)
}
