//! The configuration of the customer portal.

use perennial_flows::PortalKept;

use crate::App;

impl App {
    /// Makes or renews it. Where that fails, the portal opens with what the account's Dashboard says, and an alarm looks
    /// for the field `alarm`: each hour again, so that it stays on for as long as that is so.
    pub(crate) async fn keep_portal(&self) -> &'static str {
        let context = self.clients.begin_without_plans();
        let alarm = "portal_not_configured";
        match context.portal().keep().await {
            Ok(PortalKept::Same) => "same",
            Ok(PortalKept::ByAnother) => "by_another",
            Ok(PortalKept::Made) => {
                tracing::info!("the customer portal has a configuration");
                "made"
            }
            Ok(PortalKept::Renewed) => {
                tracing::warn!(
                    "the customer portal's configuration was changed, and is what it should be again"
                );
                "renewed"
            }
            Err(error) => {
                let reason = error.chain();
                tracing::error!(
                    alarm,
                    reason,
                    "the customer portal has no configuration of its own"
                );
                "failed"
            }
        }
    }
}
