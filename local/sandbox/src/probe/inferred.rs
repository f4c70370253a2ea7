//! What is believed of Stripe without having been tried there: the one list, as data.
//!
//! `inferred.json` beside this file is the list, and the README's is made of it.

use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// How well something is known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strength {
    /// A page of Stripe's documentation, or its published types, say it.
    Documented,
    /// Somebody saw it at Stripe and wrote it down.
    Reported,
    /// Nobody says it: it follows from what is said, or had to be chosen.
    Inferred,
}

/// One thing that is believed of Stripe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Belief {
    /// Its stable name, in words with hyphens.
    pub(crate) id: String,
    /// What is believed.
    pub(crate) says: String,
    pub(crate) strength: Strength,
    /// An address, the words for another source, or `inferred`.
    pub(crate) source: String,
    /// The scenarios of the probe that settle it.
    #[serde(default)]
    pub(crate) scenarios: Vec<String>,
    /// Why no scenario can, if none does.
    pub(crate) not_settled: Option<String>,
    /// Whether the sandbox still does something else.
    #[serde(default)]
    pub(crate) not_yet: bool,
}

static BELIEFS: LazyLock<Vec<Belief>> =
    LazyLock::new(|| serde_json::from_str(include_str!("inferred.json")).unwrap_or_default());

/// The whole list.
pub(crate) fn beliefs() -> &'static [Belief] {
    &BELIEFS
}

/// The list in Markdown, as it stands in the README.
pub(crate) fn markdown() -> String {
    let mut text = String::new();
    for (strength, title) in [
        (Strength::Documented, "Documented"),
        (Strength::Reported, "Reported"),
        (Strength::Inferred, "Inferred"),
    ] {
        let known: Vec<&Belief> = beliefs()
            .iter()
            .filter(|it| it.strength == strength)
            .collect();
        if known.is_empty() {
            continue;
        }
        // Writing into a string cannot fail.
        let _ = write!(text, "### {title}\n\n");
        for belief in known {
            let _ = writeln!(text, "- {}", line(belief));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn line(belief: &Belief) -> String {
    let mut line = format!("`{}`: {}", belief.id, belief.says);
    if belief.not_yet {
        line.push_str(" The sandbox does not follow this yet.");
    }
    if belief.source.starts_with("https://") {
        let _ = write!(line, " Source: <{}>.", belief.source);
    } else if belief.source != "inferred" {
        let _ = write!(line, " Source: {}.", belief.source);
    }
    if let Some(why) = &belief.not_settled {
        let _ = write!(line, " `probe` does not settle it: {why}");
    } else {
        let named: Vec<String> = belief
            .scenarios
            .iter()
            .map(|it| format!("`{it}`"))
            .collect();
        let _ = write!(line, " Settled by {}.", named.join(", "));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{beliefs, markdown};
    use std::collections::BTreeSet;

    #[test]
    fn each_belief_has_a_name_of_its_own_and_is_settled_or_says_why_not() {
        // A file that cannot be read would be an empty list.
        assert!(beliefs().len() > 20);
        let mut ids = BTreeSet::new();
        for belief in beliefs() {
            let id = &belief.id;
            assert!(ids.insert(id), "{id} is there twice");
            assert!(
                id.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{id}"
            );
            assert!(belief.says.ends_with('.'), "{id}: {}", belief.says);
            let why = belief.not_settled.as_deref();
            assert!(why.is_none_or(|why| why.ends_with('.')), "{id}: {why:?}");
            assert_ne!(why.is_none(), belief.scenarios.is_empty(), "{id}");
        }
    }

    #[test]
    fn the_readme_has_the_list() {
        let readme = include_str!("../../README.md");
        let begin = "<!-- begin of inferred.json -->\n";
        let (_, rest) = readme.split_once(begin).expect("the list begins");
        let (list, _) = rest
            .split_once("<!-- end of inferred.json -->")
            .expect("the list ends");
        assert!(
            list.trim() == markdown().trim(),
            "the README does not have the list of src/probe/inferred.json: put what `cargo run -p perennial-sandbox -- \
             probe --inferred` prints between its two comments"
        );
    }
}
