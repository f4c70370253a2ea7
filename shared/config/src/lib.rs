//! Configuration: what is read of the environment and of Secrets Manager. Each read gives its value or says
//! what is wrong, and [`all`] tells everything that is wrong in one message.

mod outside;
mod rolling;
mod secrets;
mod settings;

pub use outside::trust;
pub use perennial_https::Trust;
pub use perennial_process::{Env, EventHandler, Problems, Start, StartError, all, start_log};
pub use rolling::Rolling;
pub use secrets::{Secret, SecretsError};
pub use settings::{
    Api, Dynamo, Mode, NewKey, Shop, Stripe, api_base, consent, disputed_access, email_claim,
    grace, link_secret, renewal_reminder, stripe_mode, trials, webhook_secrets, worker_concurrency,
};
