//! How long, how large and how many a parameter may be, and what kind of text it is.
//!
//! The limits themselves are in `operations.json`, from the sentences of Stripe's published types.

use super::currencies;
use crate::error::{ApiError, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The limits of one parameter.
#[derive(Debug, Deserialize)]
pub(crate) struct Limits {
    max_length: Option<usize>,
    max_items: Option<usize>,
    min: Option<i64>,
    max: Option<i64>,
    max_places: Option<usize>,
    max_years: Option<i64>,
    format: Option<Format>,
}

/// What kind of text it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Format {
    Currency,
    Currencies,
    Email,
    Metadata,
    Url,
}

/// The longest text where no other length is known: <https://github.com/stripe/openapi/issues/51>.
const LONGEST_TEXT: usize = 5000;

/// <https://docs.stripe.com/api/metadata>
const MOST_KEYS: usize = 50;
const LONGEST_KEY: usize = 40;
const LONGEST_VALUE: usize = 500;

impl Limits {
    /// Refuses a value that does not keep them; `name` is the parameter's. A currency is given back in small letters.
    pub(crate) fn hold(&self, value: Value, name: &str) -> Result<Value> {
        match &value {
            Value::String(text) => {
                if let Some(most) = self.max_length {
                    longest(text, most, name)?;
                }
                if let Some(places) = self.max_places {
                    few_places(text, places, name)?;
                }
                if let (Ok(number), true) = (text.parse::<f64>(), self.is_range()) {
                    self.in_range(number, false, text, name)?;
                }
                match self.format {
                    Some(Format::Currency) => return currency(text, name).map(Value::String),
                    Some(Format::Email) => email(text, name)?,
                    Some(Format::Url) => url(text, name)?,
                    _ => {}
                }
            }
            Value::Number(number) => {
                let as_float = number.as_f64().unwrap_or_default();
                self.in_range(as_float, true, &number.to_string(), name)?;
            }
            Value::Array(items) => self.few_items(items.len(), name)?,
            Value::Object(fields) => match self.format {
                Some(Format::Metadata) => metadata(fields, name)?,
                Some(Format::Currencies) => {
                    for code in fields.keys() {
                        currency(code, name)?;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(value)
    }

    fn is_range(&self) -> bool {
        self.min.is_some() || self.max.is_some()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the limits themselves are small numbers"
    )]
    fn in_range(&self, number: f64, is_integer: bool, text: &str, name: &str) -> Result<()> {
        let outside = |message: String| {
            let error = ApiError::validation(message).with_param(name);
            // There is no code for a decimal.
            Err(if is_integer {
                error.with_code("parameter_invalid_integer")
            } else {
                error
            })
        };
        match (self.min, self.max) {
            (Some(min), _) if number < min as f64 => outside(format!(
                "This value must be greater than or equal to {min}."
            )),
            (_, Some(max)) if number > max as f64 => outside(format!(
                "This value must be less than or equal to {max} (it currently is '{text}')."
            )),
            _ => Ok(()),
        }
    }

    fn few_items(&self, items: usize, name: &str) -> Result<()> {
        match self.max_items {
            Some(most) if items > most => Err(ApiError::validation(format!(
                "Invalid array: `{name}` has {items} elements, and may have at most {most}."
            ))
            .with_param(name)),
            _ => Ok(()),
        }
    }

    /// Refuses an `interval_count` whose intervals are longer together than they may be.
    pub(crate) fn hold_years(&self, interval: Option<&str>, count: i64, name: &str) -> Result<()> {
        let in_a_year = match interval {
            Some("day") => 365,
            Some("week") => 52,
            Some("month") => 12,
            _ => 1,
        };
        match self.max_years {
            Some(years) if count > years * in_a_year => {
                let message = format!(
                    "Invalid {name}: the interval can be at most {years} years long ({years} years, {} months, or {} weeks).",
                    years * 12,
                    years * 52
                );
                Err(ApiError::validation(message).with_param(name))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses text that is longer than any that Stripe takes.
pub(crate) fn not_endless(text: &str, name: &str) -> Result<()> {
    longest(text, LONGEST_TEXT, name)
}

fn longest(text: &str, most: usize, name: &str) -> Result<()> {
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    let start: String = text.chars().take(10).collect();
    let end: String = text.chars().skip(length - 10.min(length)).collect();
    Err(ApiError::validation(format!(
        "Invalid string: {start}...{end}; must be at most {most} characters"
    ))
    .with_param(name))
}

fn few_places(text: &str, most: usize, name: &str) -> Result<()> {
    let places = text.split_once('.').map_or(0, |(_, places)| places.len());
    if places <= most {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Invalid decimal: {text}; must contain at maximum {most} decimal places."
    ))
    .with_param(name))
}

fn currency(text: &str, name: &str) -> Result<String> {
    let code = text.to_lowercase();
    if currencies::is_known(&code) {
        Ok(code)
    } else {
        Err(ApiError::validation(currencies::unknown(text)).with_param(name))
    }
}

fn email(text: &str, name: &str) -> Result<()> {
    let one_word = !text
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control());
    let parts = text.rsplit_once('@');
    let is_one = parts.is_some_and(|(user, domain)| {
        let labels = domain.split('.').all(|label| !label.is_empty());
        !user.is_empty() && !user.contains('@') && labels && domain.contains('.')
    });
    if one_word && is_one {
        return Ok(());
    }
    Err(
        ApiError::validation(format!("Invalid email address: {text}"))
            .with_code("email_invalid")
            .with_param(name),
    )
}

fn url(text: &str, name: &str) -> Result<()> {
    let message = match url::Url::parse(text) {
        Ok(url) if url.has_host() => return Ok(()),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            "Invalid URL: An explicit scheme (such as https) must be provided."
        }
        _ => "Not a valid URL",
    };
    Err(ApiError::validation(message)
        .with_code("url_invalid")
        .with_param(name))
}

/// Refuses metadata of more keys than an object may have.
pub(crate) fn few_keys(keys: usize, name: &str) -> Result<()> {
    if keys <= MOST_KEYS {
        return Ok(());
    }
    let message = format!("Metadata can have up to {MOST_KEYS} keys, but there would be {keys}.");
    Err(ApiError::validation(message).with_param(name))
}

fn metadata(fields: &Map<String, Value>, name: &str) -> Result<()> {
    few_keys(fields.len(), name)?;
    for (key, value) in fields {
        let param = format!("{name}[{key}]");
        let length = key.chars().count();
        if length > LONGEST_KEY {
            let message = format!(
                "Metadata keys can have up to {LONGEST_KEY} characters, but you passed in a key that is {length} characters. Invalid key: {key}"
            );
            return Err(ApiError::validation(message).with_param(param));
        }
        let text = value.as_str().unwrap_or_default();
        let length = text.chars().count();
        if length > LONGEST_VALUE {
            let message = format!(
                "Metadata values can have up to {LONGEST_VALUE} characters, but you passed in a value that is {length} characters. Invalid value: {text}"
            );
            return Err(ApiError::validation(message).with_param(param));
        }
    }
    Ok(())
}
