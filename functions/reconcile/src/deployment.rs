//! A custom resource of CloudFormation: the deployment brings `plans.json` in a layer, and this
//! publishes it. What fails here fails the deployment, with the reason, and the older plans stay.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>

use std::time::Duration;

use perennial_config::Trust;
use perennial_flows::{Published, SweepBudget};
use perennial_types::DeclaredPlans;
use serde_json::{Value, json};
use url::Url;

use crate::{App, SLICE};

/// What CloudFormation sends, member by member: a derived reader would be the only one of its kind in
/// the binary. Its properties change when the file does, and say nothing that counts.
struct Request<'a>(&'a Value);

impl<'a> Request<'a> {
    fn member(&self, name: &str) -> Result<&'a str, String> {
        let member = self.0.get(name).and_then(Value::as_str);
        member.ok_or_else(|| "the event is not one of a custom resource".to_owned())
    }
}

/// There is one catalog, so the resource has one name. Another one would be replaced, and the old one
/// deleted.
const PLANS: &str = "plans";

/// An answer has at most 4 KB
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>).
const LONGEST_REASON: usize = 800;

/// A slice and these end within the function's 120 seconds.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

impl App {
    /// Publishes the file and tells CloudFormation how it went. The error means that CloudFormation
    /// was not told; Lambda then tries the event again.
    pub(crate) async fn deploy(&self, event: Value) -> Result<Value, String> {
        let request = Request(&event);
        // Who has the address may answer in this function's place, so it is never logged.
        let address = request.member("ResponseURL")?;
        let outcome = match request.member("RequestType")? {
            // The catalog stays, as the table does, and a deletion must never hang.
            "Delete" => Ok(None),
            "Create" | "Update" => {
                // A shop can sell without it, so it fails no deployment.
                self.keep_portal().await;
                self.publish().await.map(Some)
            }
            other => Err(format!("there is no request of the type {other:?}")),
        };
        let answer = answer(&request, &outcome)?;
        match &outcome {
            Ok(published) => tracing::info!(?published, "the deployment has its plans"),
            Err(reason) => {
                tracing::error!(reason, "the plans were not published");
            }
        }
        respond(&self.trust, address, &answer).await?;
        Ok(json!({ "Status": status(&outcome) }))
    }

    /// Publishes the file of the layer. The error is a sentence for the person who deploys.
    pub(crate) async fn publish(&self) -> Result<Published, String> {
        let named = |error: String| format!("plans.json: {error}");
        let bytes = std::fs::read(&self.plans_file).map_err(|error| {
            let file = self.plans_file.display();
            named(format!("{file} cannot be read ({})", error.kind()))
        })?;
        let declared = DeclaredPlans::parse(&bytes).map_err(|error| named(error.to_string()))?;
        let resolver = self.clients.resolver();
        let published = resolver.publish(&declared, SweepBudget::of(SLICE)).await;
        published.map_err(|error| {
            if let Some(cause) = std::error::Error::source(&error) {
                tracing::error!(error = %error, cause = %cause, "the plans could not be published");
            }
            named(error.to_string())
        })
    }
}

/// What CloudFormation is told. `Data` is what the template can read of the resource.
fn answer(
    request: &Request<'_>,
    outcome: &Result<Option<Published>, String>,
) -> Result<Value, String> {
    let id = request.member("PhysicalResourceId").unwrap_or(PLANS);
    let (name, told) = match outcome {
        Ok(published) => {
            let data = published.map(|published| {
                json!({
                    "Version": published.version.to_string(),
                    "NotOffered": published.faults.to_string(),
                })
            });
            ("Data", data)
        }
        Err(reason) => {
            let reason: String = reason.chars().take(LONGEST_REASON).collect();
            let reason = format!("{reason} The plans stay as they were.");
            ("Reason", Some(reason.into()))
        }
    };
    let mut answer = json!({
        "Status": status(outcome),
        "StackId": request.member("StackId")?,
        "RequestId": request.member("RequestId")?,
        "LogicalResourceId": request.member("LogicalResourceId")?,
        "PhysicalResourceId": id,
    });
    if let (Some(members), Some(told)) = (answer.as_object_mut(), told) {
        members.insert(name.to_owned(), told);
    }
    Ok(answer)
}

fn status(outcome: &Result<Option<Published>, String>) -> &'static str {
    if outcome.is_ok() { "SUCCESS" } else { "FAILED" }
}

/// Puts the answer where CloudFormation looks for it, several times if need be.
async fn respond(trust: &Trust, url: &str, answer: &Value) -> Result<(), String> {
    let url = address(url)?;
    let http = trust.client();
    let http = http.and_then(|client| Ok(client.timeout(TIMEOUT).build()?));
    let http = http.map_err(|error| format!("no client for CloudFormation: {error}"))?;
    let body = answer.to_string();
    let mut pauses = PAUSES.iter();
    loop {
        // The address is signed for an empty content type.
        let put = http.put(url.clone()).header("content-type", "");
        let problem = match put.body(body.clone()).send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => format!("it answered {}", response.status()),
            Err(error) => error.without_url().to_string(),
        };
        tracing::warn!(problem, "CloudFormation's address did not take the answer");
        let Some(pause) = pauses.next() else {
            return Err(format!("CloudFormation could not be told: {problem}"));
        };
        tokio::time::sleep(*pause).await;
    }
}

/// The address comes with the event, so an answer goes nowhere in clear text.
fn address(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|_| "CloudFormation's address is none".to_owned())?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_local => Ok(url),
        _ => Err("CloudFormation's address must begin with https://".to_owned()),
    }
}
