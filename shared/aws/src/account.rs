//! Which account of AWS is called, where, and for how long.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::{SdkConfig, region::Region};
use url::{Host, Url};

use crate::{SdkClient, sdk::CONNECT_TIMEOUT};

/// The SDK sets no limit but that of the connection. An operation that takes longer than this has to leave
/// time for Stripe within API Gateway's 30 seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Who calls, and in which region.
#[derive(Debug, Clone)]
pub struct Account {
    /// `AWS_REGION`.
    pub region: String,
    /// The access key, its secret, and the token of a session.
    pub credentials: Credentials,
}

impl Account {
    /// A made-up one for an endpoint on this machine, so that no account is needed to run this locally. An
    /// endpoint may name the access key that it wants, as `http://<access key>@127.0.0.1:9001`.
    pub fn made_up(endpoint: &Url) -> Option<Self> {
        let key = match endpoint.username() {
            _ if endpoint.scheme() != "http" => return None,
            "" if is_local(endpoint) => "local",
            "" => return None,
            key => key,
        };
        Some(Self {
            region: "local".to_owned(),
            credentials: Credentials::new(key, "local", None, None, "local"),
        })
    }

    /// What each client of this account is made from; of the endpoint that AWS has for the region unless
    /// another is given.
    pub fn config(self, http: SdkClient, endpoint: Option<&Url>) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials))
            .timeout_config(timeouts)
            .http_client(http);
        config.set_endpoint_url(endpoint.map(address));
        config.build()
    }
}

/// An address without the access key that it may name.
fn address(endpoint: &Url) -> String {
    let mut endpoint = endpoint.clone();
    // Only an address without a host refuses, and has no name either.
    let _ = endpoint.set_username("");
    endpoint.as_str().trim_end_matches('/').to_owned()
}

/// Whether an address is on this machine, as it is or as Docker names it to a container.
fn is_local(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => matches!(name, "localhost" | "host.docker.internal"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(endpoint: &str) -> Option<String> {
        let account = Account::made_up(&endpoint.parse().unwrap())?;
        Some(account.credentials.access_key_id().to_owned())
    }

    #[test]
    fn an_endpoint_may_name_its_access_key() {
        for (endpoint, access_key, expected) in [
            (
                "http://127.0.0.1:9001/",
                Some("local"),
                "http://127.0.0.1:9001",
            ),
            (
                "http://k3y@172.17.0.1:9001",
                Some("k3y"),
                "http://172.17.0.1:9001",
            ),
            (
                "https://dynamodb.eu-west-1.amazonaws.com",
                None,
                "https://dynamodb.eu-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(key(endpoint).as_deref(), access_key, "{endpoint}");
            assert_eq!(address(&endpoint.parse().unwrap()), expected);
        }
    }

    #[test]
    fn made_up_credentials_go_to_this_machine_alone() {
        for (endpoint, local) in [
            ("http://127.0.0.1:9001", true),
            ("http://localhost", true),
            ("http://[::1]:9001/", true),
            // This machine, from within a container of Docker.
            ("http://host.docker.internal:9001", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.example:9001", false),
            ("https://dynamodb.eu-west-1.amazonaws.com", false),
            ("https://localhost:9001", false),
        ] {
            assert_eq!(key(endpoint).is_some(), local, "{endpoint}");
        }
    }
}
