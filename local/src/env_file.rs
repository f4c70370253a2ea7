//! The variables of the functions in a file, for tools that run one function by itself.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use crate::data_dir;

/// How Docker names the machine that it runs on.
const CONTAINER_HOST: &str = "host.docker.internal";

/// The variables that hold an address which a function calls. The others are for browsers.
const CALLED: [&str; 2] = ["AWS_ENDPOINT_URL_DYNAMODB", "STRIPE_API_BASE"];

/// What the template takes from Secrets Manager; here the secrets themselves are given.
const NOT_HERE: [&str; 3] = [
    "STRIPE_SECRET_KEY_ARN",
    "STRIPE_WEBHOOK_SECRETS_ARN",
    "LINK_SECRET_ARN",
];

/// A file for `cargo lambda --env-file`, or for `sam local invoke --env-vars` if its name ends in
/// `.json`.
#[derive(Debug, Clone)]
pub struct EnvFile {
    /// Where it is written.
    pub path: PathBuf,
    /// The name of this machine where the functions run; unless set, this machine itself, and the
    /// one that Docker has for it in a file for SAM, which runs functions in containers.
    pub host: Option<String>,
}

/// Why the variables cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the variables of the functions cannot be written to {}", path.display())]
pub struct EnvFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl EnvFile {
    /// The name of this machine where the functions run, if it has another one there.
    pub fn host(&self) -> Option<&str> {
        match &self.host {
            Some(host) => Some(host),
            None => self.is_for_sam().then_some(CONTAINER_HOST),
        }
    }

    fn is_for_sam(&self) -> bool {
        self.path.extension().is_some_and(|it| it == "json")
    }

    /// Writes it, readable by its owner only, since it holds the keys of the table and of Stripe.
    pub fn write(&self, env: &[(String, String)]) -> Result<(), EnvFileError> {
        let failed = |source| EnvFileError {
            path: self.path.clone(),
            source,
        };
        let host = self.host();
        let empty = NOT_HERE.map(|name| (name.to_owned(), String::new()));
        let pairs: Vec<(String, String)> = env
            .iter()
            .map(|(name, value)| (name.clone(), seen_from(host, name, value)))
            .chain(empty)
            .collect();
        let text = if self.is_for_sam() {
            for_sam(pairs)
        } else {
            for_cargo_lambda(&pairs)
        };
        if let Some(folder) = self.path.parent().filter(|it| *it != Path::new("")) {
            data_dir::create_private(folder).map_err(failed)?;
        }
        data_dir::replace(&self.path, text.as_bytes()).map_err(failed)
    }
}

/// The value where this machine has another name.
fn seen_from(host: Option<&str>, name: &str, value: &str) -> String {
    let other = host.filter(|_| CALLED.contains(&name)).and_then(|host| {
        let mut url: Url = value.parse().ok()?;
        let is_here = url.host_str().is_some_and(|it| it == "127.0.0.1");
        (is_here && url.set_host(Some(host)).is_ok()).then_some(url)
    });
    other.map_or_else(
        || value.to_owned(),
        |url| url.as_str().trim_end_matches('/').to_owned(),
    )
}

/// SAM gives each function those of these that the template names for it.
fn for_sam(pairs: Vec<(String, String)>) -> String {
    let pairs: Map<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    format!("{:#}\n", json!({ "Parameters": pairs }))
}

/// One line for each, quoted as cargo-lambda reads it (crate `env-file-reader` 0.3): nothing ends a
/// quote but the quote itself, and of what is escaped it undoes `\n` and the quote alone, so a value
/// goes in without either.
fn for_cargo_lambda(pairs: &[(String, String)]) -> String {
    let line = |(name, value): &(String, String)| {
        let value = if value.starts_with('{') {
            without_short_escapes(value)
        } else {
            value.clone()
        };
        let quotes = ['\'', '`', '"'];
        let quote = quotes.into_iter().find(|quote| !value.contains(*quote));
        let quote = quote.unwrap_or('\'');
        format!("{name}={quote}{value}{quote}\n")
    };
    pairs.iter().map(line).collect()
}

/// The same JSON, in which quotes within texts and what is escaped are written by their numbers.
fn without_short_escapes(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut letters = json.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => text.push_str("\\u0027"),
            '\\' => match letters.next() {
                Some('"') => text.push_str("\\u0022"),
                Some('\\') => text.push_str("\\u005c"),
                Some('n') => text.push_str("\\u000a"),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSENT: &str = r#"{"text":"It's \\ \"\n"}"#;

    fn written(file: &str, host: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile {
            path: folder.path().join("new").join(file),
            host: host.map(str::to_owned),
        };
        let env = [
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://key@127.0.0.1:9001"),
            ("STRIPE_API_BASE", "https://api.stripe.com"),
            ("SHOP_URL", "http://127.0.0.1:9000/"),
            ("CONSENT", CONSENT),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        file.write(&env).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::read_to_string(&file.path).unwrap()
    }

    #[test]
    fn a_file_for_sam_names_this_machine_as_a_container_does() {
        for (host, endpoint) in [
            (None, "http://key@host.docker.internal:9001"),
            (Some("127.0.0.1"), "http://key@127.0.0.1:9001"),
            (Some("172.17.0.1"), "http://key@172.17.0.1:9001"),
        ] {
            let file: Value = serde_json::from_str(&written("sam.json", host)).unwrap();
            let expected = json!({"Parameters": {
                "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
                "STRIPE_API_BASE": "https://api.stripe.com",
                "SHOP_URL": "http://127.0.0.1:9000/",
                "CONSENT": CONSENT,
                "STRIPE_SECRET_KEY_ARN": "",
                "STRIPE_WEBHOOK_SECRETS_ARN": "",
                "LINK_SECRET_ARN": "",
            }});
            assert_eq!(file, expected);
        }
    }

    #[test]
    fn a_file_for_cargo_lambda_has_a_line_for_each_variable_and_no_escape_that_it_would_undo() {
        assert_eq!(
            written("functions.env", None),
            r#"AWS_ENDPOINT_URL_DYNAMODB='http://key@127.0.0.1:9001'
STRIPE_API_BASE='https://api.stripe.com'
SHOP_URL='http://127.0.0.1:9000/'
CONSENT='{"text":"It\u0027s \u005c \u0022\u000a"}'
STRIPE_SECRET_KEY_ARN=''
STRIPE_WEBHOOK_SECRETS_ARN=''
LINK_SECRET_ARN=''
"#
        );
    }

    #[test]
    fn a_value_is_the_same_json_in_either_file() {
        for text in ["It's \\ \"\n", "日本語", "\\n", "a\\\"b'", "\t/\r\u{7}"] {
            let json = json!({ "text": text }).to_string();
            let plain = without_short_escapes(&json);
            assert!(!plain.contains('\'') && !plain.contains("\\n") && !plain.contains("\\\""));
            let read: Value = serde_json::from_str(&plain).unwrap();
            assert_eq!(read["text"], text, "{plain}");
        }
    }
}
