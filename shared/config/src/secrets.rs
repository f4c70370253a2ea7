//! Secrets: from a variable on a developer's machine, from Secrets Manager on AWS.

use secrecy::SecretString;
use thiserror::Error;

use crate::{Env, Problems};

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
    /// It is there, and holds no text.
    #[error("the secret {arn} holds no text")]
    Empty {
        /// Which one.
        arn: String,
    },
}

pub(crate) enum Source {
    Value(SecretString),
    Arn(String),
}

/// Finds where the secret `name` comes from: the variable itself, or `<name>_ARN`.
pub(crate) fn source(env: &Env, name: &str, problems: &mut Problems) -> Option<Source> {
    let arn_name = format!("{name}_ARN");
    match (env.get(name), env.get(&arn_name)) {
        (Some(_), Some(_)) => {
            problems.add(format!("{name} and {arn_name} are both set: keep one"));
            None
        }
        (Some(value), None) => Some(Source::Value(SecretString::from(value))),
        (None, Some(arn)) if arn.starts_with("arn:") => Some(Source::Arn(arn.to_owned())),
        (None, Some(_)) => {
            problems.add(format!("{arn_name} is malformed: it begins with arn:"));
            None
        }
        (None, None) => {
            problems.add(format!("{name} is not set, nor is {arn_name}"));
            None
        }
    }
}

/// The text of the secret.
pub(crate) async fn fetch(source: Option<Source>) -> Result<SecretString, SecretsError> {
    let arn = match source {
        Some(Source::Value(value)) => return Ok(value),
        Some(Source::Arn(arn)) => arn,
        // `source` has told why; an empty secret opens nothing.
        None => return Ok(SecretString::default()),
    };
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::v2026_01_12()).await;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id(&arn).send().await;
    let answer = answer.map_err(|error| SecretsError::Fetch {
        arn: arn.clone(),
        source: Box::new(error),
    })?;
    let text = answer
        .secret_string()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    text.map(SecretString::from)
        .ok_or(SecretsError::Empty { arn })
}
