//! The shopper's consent to a mandate that a server confirms.

use perennial_flows::ServerConsent;
use perennial_http::{ApiError, Request};

/// Far more than a browser says of itself, and less than Stripe refuses, which would look like a
/// mistake of the shop's.
const LONGEST_USER_AGENT: usize = 1024;

/// The record of the mandate has to be true, so it is what API Gateway saw.
pub fn server_consent(request: &Request) -> Result<ServerConsent, ApiError> {
    let part = |value: &Option<String>, what: &str| {
        let value = value
            .as_deref()
            .map(str::trim)
            .filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned).ok_or_else(|| {
            ApiError::new(
                400,
                "consent_incomplete",
                format!("With \"confirm\":\"server\" the shopper's {what} is part of the mandate, and this request came without one."),
            )
        })
    };
    let user_agent = part(&request.user_agent, "User-Agent")?;
    if user_agent.len() > LONGEST_USER_AGENT || user_agent.chars().any(char::is_control) {
        return Err(ApiError::new(
            400,
            "consent_incomplete",
            format!(
                "With \"confirm\":\"server\" the shopper's User-Agent is part of the mandate. It must be at most {LONGEST_USER_AGENT} characters without control characters."
            ),
        ));
    }
    Ok(ServerConsent {
        ip_address: part(&request.source_ip, "address")?,
        user_agent,
    })
}
