//! How AWS is called: as whom, where, for how long, and through which connections. `aws-config` does the same
//! for any machine, and a function of Lambda needs none of what it looks for.

mod account;
mod name;
mod sdk;

pub use account::Account;
pub use aws_credential_types::Credentials;
pub use aws_types::SdkConfig;
pub use name::WithoutSdkName;
pub use sdk::SdkClient;
