//! Secrets: from a variable on a developer's machine, from Secrets Manager on AWS.

use std::fmt;

use aws_sdk_secretsmanager::{Client, config::Builder};
use perennial_aws::WithoutSdkName;
use secrecy::SecretString;
use thiserror::Error;

use crate::{Env, Problems, StartError, outside::aws};

/// A secret could not be read.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// Secrets Manager did not hand it out.
    #[error("Secrets Manager did not give the secret {arn}")]
    Fetch {
        /// Which one.
        arn: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is there, and holds JSON.
    #[error(
        "the secret {arn} holds JSON, as Secrets Manager stores pairs of keys and values: \
         choose Plaintext in its console, and store the secret alone"
    )]
    Json {
        /// Which one.
        arn: String,
    },
    /// It is there, and holds no text.
    #[error("the secret {arn} holds no text")]
    Empty {
        /// Which one.
        arn: String,
    },
}

impl From<SecretsError> for StartError {
    fn from(error: SecretsError) -> Self {
        Self::Secrets(error.into())
    }
}

/// A secret of which it is known where it is and how it is read, and which [`Secret::fetch`] brings.
pub struct Secret<T> {
    pub(crate) source: Source,
    pub(crate) read: Read<T>,
}

/// Reads the text of a secret. The problems are those of its form.
type Read<T> = Box<dyn Fn(&SecretString) -> Result<T, Problems> + Send + Sync>;

impl<T> Secret<T> {
    /// Finds the secret `name`. One that stands in a variable is read already, so that its problems are told
    /// with all others.
    pub(crate) fn find(
        env: &Env,
        name: &str,
        read: impl Fn(&SecretString) -> Result<T, Problems> + Send + Sync + 'static,
    ) -> Result<Self, Problems> {
        let source = source(env, name)?;
        if let Source::Value(text) = &source {
            read(text)?;
        }
        Ok(Self {
            source,
            read: Box::new(read),
        })
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Where a secret is.
pub(crate) enum Source {
    /// In a variable.
    Value(SecretString),
    /// In Secrets Manager.
    Stored(Stored),
}

/// A secret of Secrets Manager.
pub(crate) struct Stored {
    pub(crate) arn: String,
    client: Client,
}

/// Finds where the secret `name` comes from: the variable itself, or `<name>_ARN`.
fn source(env: &Env, name: &str) -> Result<Source, Problems> {
    let arn_name = format!("{name}_ARN");
    let problem = match (env.get(name), env.get(&arn_name)) {
        (Some(value), None) => return Ok(Source::Value(SecretString::from(value))),
        (None, Some(arn)) if arn.starts_with("arn:") => {
            // The endpoint is set in tests.
            let aws = aws(env, "AWS_ENDPOINT_URL_SECRETS_MANAGER")?;
            let config = Builder::from(&aws).interceptor(WithoutSdkName).build();
            return Ok(Source::Stored(Stored {
                arn: arn.to_owned(),
                client: Client::from_conf(config),
            }));
        }
        (None, Some(_)) => format!("{arn_name} is malformed: it begins with arn:"),
        (Some(_), Some(_)) => format!("{name} and {arn_name} are both set: keep one"),
        (None, None) => format!("{name} is not set, nor is {arn_name}"),
    };
    Err(Problems::new(problem))
}

/// The text of the secret.
pub(crate) async fn fetch(source: &Source) -> Result<SecretString, SecretsError> {
    let stored = match source {
        Source::Value(value) => return Ok(value.clone()),
        Source::Stored(stored) => stored,
    };
    let arn = &stored.arn;
    let answer = stored.client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| SecretsError::Fetch {
        arn: arn.clone(),
        source: Box::new(error),
    })?;
    let text = answer
        .secret_string()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| SecretsError::Empty { arn: arn.clone() })?;
    // The console of AWS stores pairs of keys and values unless it is told otherwise.
    if text.starts_with('{') {
        return Err(SecretsError::Json { arn: arn.clone() });
    }
    Ok(text.into())
}
