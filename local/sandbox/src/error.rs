//! Refusals in the shape that Stripe gives them.

use serde_json::{Map, Value, json};

/// What a handler answers.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The `type` of an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorType {
    /// Something went wrong at Stripe.
    Api,
    /// A payment was declined.
    Card,
    /// A key was used for another request.
    Idempotency,
    /// The request cannot be done.
    InvalidRequest,
}

impl ErrorType {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api_error",
            Self::Card => "card_error",
            Self::Idempotency => "idempotency_error",
            Self::InvalidRequest => "invalid_request_error",
        }
    }
}

/// An error with its status, and what it means for the transaction and the idempotency key.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) kind: ErrorType,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    /// Further fields of the error, such as `decline_code` or `setup_intent`.
    pub(crate) more: Map<String, Value>,
    /// Whether the request was refused before it began. Such answers are not stored under an idempotency key.
    pub(crate) before_execution: bool,
    /// Whether what was changed stays changed: a declined charge is there although the call failed.
    pub(crate) keeps_changes: bool,
}

impl ApiError {
    /// A refusal while the request was carried out.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: ErrorType::InvalidRequest,
            code: None,
            message: message.into(),
            param: None,
            more: Map::new(),
            before_execution: false,
            keeps_changes: false,
        }
    }

    /// A refusal of the parameters, before anything was done.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self {
            before_execution: true,
            ..Self::invalid(message)
        }
    }

    /// A parameter that has to be there.
    pub(crate) fn missing(param: &str) -> Self {
        Self::validation(format!("Missing required param: {param}."))
            .with_code("parameter_missing")
            .with_param(param)
    }

    /// A parameter that is empty, which would clear what has to be there.
    pub(crate) fn cannot_be_empty(param: &str) -> Self {
        let message = format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; \
             however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
        );
        Self::validation(message)
            .with_code("parameter_invalid_empty")
            .with_param(param)
    }

    /// Two parameters that exclude each other.
    pub(crate) fn exclusive(one: &str, other: &str) -> Self {
        Self::validation(format!(
            "You may only specify one of these parameters: {one}, {other}."
        ))
        .with_code("parameters_exclusive")
        .with_param(one)
    }

    /// A parameter that Stripe has and this sandbox does not act on. Silence would be a lie about what was done.
    pub(crate) fn not_simulated(what: &str) -> Self {
        Self::validation(format!(
            "Stripe knows `{what}`, but this sandbox does not simulate it yet."
        ))
        .with_code("sandbox_not_simulated")
        .with_param(what)
    }

    /// A decline by the bank of a card, by the reason for it. Some reasons are codes of their own
    /// (<https://docs.stripe.com/testing#declined-payments>).
    pub(crate) fn card_declined(reason: &str) -> Self {
        let own = |message: &str| Self::card(message).with_code(reason);
        let declined = |message: &str| {
            Self::card(message)
                .with_code("card_declined")
                .with("decline_code", reason)
        };
        match reason {
            "expired_card" => own("Your card has expired.").with_param("exp_month"),
            "incorrect_cvc" => own("Your card's security code is incorrect.").with_param("cvc"),
            "incorrect_number" => own("Your card number is incorrect.").with_param("number"),
            "processing_error" => {
                own("An error occurred while processing your card. Try again in a little bit.")
            }
            "insufficient_funds" => declined("Your card has insufficient funds."),
            "card_velocity_exceeded" => declined(
                "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            ),
            _ => declined("Your card was declined."),
        }
    }

    /// A payment that was declined.
    pub(crate) fn card(message: impl Into<String>) -> Self {
        Self {
            status: 402,
            kind: ErrorType::Card,
            ..Self::invalid(message)
        }
    }

    /// The same error with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same error of another type.
    pub(crate) fn with_kind(self, kind: ErrorType) -> Self {
        Self { kind, ..self }
    }

    /// The same error with a code.
    pub(crate) fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    /// The same error in other words.
    pub(crate) fn with_message(self, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..self
        }
    }

    /// The same error about a parameter.
    pub(crate) fn with_param(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    /// The same error with a further field.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The same error, without undoing what was done.
    pub(crate) fn keeping_changes(self) -> Self {
        Self {
            keeps_changes: true,
            ..self
        }
    }

    /// The `error` hash, as it also stands in `last_setup_error`.
    pub(crate) fn hash(&self) -> Value {
        let mut error = self.more.clone();
        if let Some(code) = &self.code {
            error.insert("code".into(), json!(code));
            error.insert(
                "doc_url".into(),
                json!(format!(
                    "https://docs.stripe.com/error-codes/{}",
                    code.replace('_', "-")
                )),
            );
        }
        error.insert("message".into(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        error.insert("type".into(), json!(self.kind.name()));
        Value::Object(error)
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({"error": self.hash()})
    }
}
