//! The page as a browser gets it: plain HTML that works without a script.

use std::{fmt::Write as _, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use perennial_http::Response;
use perennial_types::CancelWhen;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::words::{Texts, Words};

const STYLE: &str = include_str!("page.css");

/// Nothing is loaded, nothing is framed, and the form leads here alone
/// (<https://www.w3.org/TR/CSP3/>).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// What a page shows.
pub(super) struct Page<'a> {
    pub(super) words: &'static Words,
    pub(super) texts: &'static Texts,
    /// What has to be read first.
    pub(super) note: Option<&'static str>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) more: Option<&'static str>,
    pub(super) button: Option<Button<'a>>,
    /// The shop's page.
    pub(super) shop: &'a Url,
}

/// The one thing that can be done.
pub(super) struct Button<'a> {
    pub(super) label: &'static str,
    pub(super) what: What,
    pub(super) link: &'a str,
}

/// What the button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// An end, and when it was said to be.
    Cancel(CancelWhen),
    /// Taking it back.
    Keep,
}

impl What {
    fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // No button of the page says a date.
            Self::Cancel(CancelWhen::PeriodEnd | CancelWhen::Date) => {
                &[("do", "cancel"), ("when", "period_end")]
            }
            Self::Cancel(CancelWhen::Now) => &[("do", "cancel"), ("when", "now")],
            Self::Keep => &[("do", "keep")],
        }
    }
}

impl Page<'_> {
    pub(super) fn answer(&self, status: u16) -> Response {
        Response::html(status, self.render())
            .with_header("content-security-policy", POLICY.as_str())
            // The form's own origin has to be in its request, and the link stays out of every other site's.
            .with_header("referrer-policy", "same-origin")
            .with_header("x-robots-tag", "noindex")
            .with_header("vary", "accept-language")
    }

    fn render(&self) -> String {
        let Words { code, shop, .. } = self.words;
        let Texts { title, text } = self.texts;
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        // Writing to a text does not fail.
        if let Some(note) = self.note {
            _ = writeln!(page, "<p class=\"note\" role=\"alert\">{note}</p>");
        }
        if !self.facts.is_empty() {
            page.push_str("<dl>\n");
            for (name, value) in &self.facts {
                _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escape(value));
            }
            page.push_str("</dl>\n");
        }
        _ = writeln!(page, "<p>{text}</p>");
        if let Some(more) = self.more {
            _ = writeln!(page, "<p>{more}</p>");
        }
        if let Some(button) = &self.button {
            page.push_str(&button.render());
        }
        let address = escape(self.shop.as_str());
        _ = writeln!(
            page,
            "<a href=\"{address}\">{shop}</a>\n</main>\n</body>\n</html>"
        );
        page
    }
}

impl Button<'_> {
    fn render(&self) -> String {
        // Below a custom domain the API may have a path before its own, which a relative address keeps.
        let mut form = String::from("<form method=\"post\" action=\"cancel\">\n");
        let link = ("link", self.link);
        for (name, value) in self.what.fields().iter().chain([&link]) {
            let value = escape(value);
            _ = writeln!(
                form,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        let class = if self.what == What::Keep {
            " class=\"quiet\""
        } else {
            ""
        };
        _ = writeln!(form, "<button{class}>{}</button>\n</form>", self.label);
        form
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plans_name_is_text_and_no_markup() {
        let label = r#"<b onclick="x()">Tom & 'Jerry'</b>"#;
        let expected = "&lt;b onclick=&quot;x()&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;";
        assert_eq!(escape(label), expected);
    }

    #[test]
    fn the_policy_lets_in_the_pages_own_style_and_nothing_else() {
        assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!POLICY.contains("unsafe"));
    }
}
