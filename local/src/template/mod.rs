//! Reads `template.yaml`, so that the machine of a developer serves what the deployment serves.

mod cloudformation;
mod cors;
mod function;
mod pattern;
mod pipe;
mod routes;
mod schedules;
mod stream;
mod table;

pub(crate) use cors::Cors;
pub(crate) use routes::{Authorization, Route};
pub(crate) use stream::StreamMapping;
pub(crate) use table::Table;

use std::sync::OnceLock;

use serde_json::Value;

use crate::schedule::Schedule;

/// The deployment's own template, inside the binary, so that the binary stands alone.
const EMBEDDED: &str = include_str!("../../../template.yaml");

/// What the local server needs to know of the deployment.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// The routes of the HTTP API.
    pub(crate) routes: Vec<Route>,
    /// Which methods and headers a browser may use from another origin.
    pub(crate) cors: Cors,
    /// The table that holds everything.
    pub(crate) table: Table,
    /// Which function reads the table's stream, and which records it wants.
    pub(crate) stream: StreamMapping,
    /// Which records of the stream the shop is told of.
    pub(crate) outbox: StreamMapping,
    /// What is called without anybody asking.
    pub(crate) schedules: Vec<Schedule>,
}

/// Why the template cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The text is not YAML.
    #[error("template.yaml is not valid YAML")]
    Yaml(#[source] yaml_serde::Error),
    /// Something that the local server needs is missing or has a form that it does not know.
    #[error("template.yaml: {0}")]
    Content(String),
}

/// The deployment's own template as JSON, each short form such as `!Ref` written out.
///
/// # Errors
///
/// If it is no YAML.
pub fn template_as_json() -> Result<Value, TemplateError> {
    cloudformation::to_json(EMBEDDED)
}

impl Template {
    /// The template of this build.
    pub(crate) fn embedded() -> Result<Self, TemplateError> {
        static PARSED: OnceLock<Template> = OnceLock::new();
        if let Some(parsed) = PARSED.get() {
            return Ok(parsed.clone());
        }
        let parsed = Self::parse(EMBEDDED)?;
        Ok(PARSED.get_or_init(|| parsed).clone())
    }

    /// Reads a SAM template.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let document = cloudformation::to_json(text)?;
        let resources = document
            .get("Resources")
            .and_then(Value::as_object)
            .ok_or_else(|| TemplateError::Content("there are no Resources".into()))?;
        let globals = document.get("Globals").unwrap_or(&Value::Null);
        Ok(Self {
            routes: routes::read(globals, resources)?,
            cors: cors::read(globals, resources),
            table: table::read(resources)?,
            stream: stream::read(globals, resources)?,
            outbox: pipe::read(globals, resources)?,
            schedules: schedules::read(globals, resources)?,
        })
    }
}

type Resources = serde_json::Map<String, Value>;

/// The resources of one type, with their logical ids and properties.
fn of_type<'a>(
    resources: &'a Resources,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let of_kind = resources
        .iter()
        .filter(move |(_, resource)| resource.get("Type").is_some_and(|found| found == kind));
    of_kind.map(|(id, resource)| {
        (
            id.as_str(),
            resource.get("Properties").unwrap_or(&Value::Null),
        )
    })
}

#[cfg(test)]
mod tests;
