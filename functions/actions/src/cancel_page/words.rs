//! What the page says, in the language that the browser asks for.

use perennial_http::Request;
use perennial_types::Timestamp;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

/// What the page says in one language. `{plan}` and `{date}` stand for what they name.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) plan: &'static str,
    pub(super) reference: &'static str,
    pub(super) received: &'static str,
    pub(super) ends: &'static str,
    pub(super) ended: &'static str,
    pub(super) at_once: &'static str,
    pub(super) shop: &'static str,
    pub(super) ask: Texts,
    pub(super) ask_at_once: Texts,
    pub(super) owes: &'static str,
    pub(super) cancel: &'static str,
    pub(super) canceled: Texts,
    pub(super) keep: &'static str,
    pub(super) kept: Texts,
    pub(super) over: Texts,
    pub(super) not_begun: Texts,
    pub(super) changed: &'static str,
    pub(super) unknown_link: Texts,
    pub(super) not_here: Texts,
    pub(super) not_now: Texts,
    months: [&'static str; 12],
}

/// A heading and what it means.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

static ENGLISH: Words = Words {
    code: "en",
    plan: "Subscription",
    reference: "Reference",
    received: "Received",
    ends: "Ends",
    ended: "Ended",
    at_once: "at once",
    shop: "Back to the shop",
    ask: Texts {
        title: "Cancel your subscription",
        text: "It can be used until then, and nothing is charged after it.",
    },
    ask_at_once: Texts {
        title: "Cancel your subscription",
        text: "It ends as soon as you confirm, and nothing is charged after it.",
    },
    owes: "An invoice that is not paid stays open.",
    cancel: "Cancel now",
    canceled: Texts {
        title: "Your cancellation is confirmed",
        text: "The subscription can be used until it ends, and nothing is charged after it. Until then you can take the cancellation back here.",
    },
    keep: "Take the cancellation back",
    kept: Texts {
        title: "The cancellation is taken back",
        text: "Your subscription goes on as before.",
    },
    over: Texts {
        title: "Your subscription has ended",
        text: "Nothing is charged for it any more.",
    },
    not_begun: Texts {
        title: "This subscription has not begun",
        text: "It was never confirmed and ends by itself. Nothing is charged for it.",
    },
    changed: "Something has changed since this page was opened, and nothing was done yet. Please look again, and confirm.",
    unknown_link: Texts {
        title: "This link cannot be used",
        text: "It is incomplete, has been withdrawn, or is not one of this shop's. Open it again from the mail, or ask the shop for another one.",
    },
    not_here: Texts {
        title: "This cannot be done here",
        text: "The shop has to do it for you, and nothing was changed. Please write to the shop.",
    },
    not_now: Texts {
        title: "This cannot be done right now",
        text: "Please open the link again in a moment. It does no harm to ask twice.",
    },
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

static GERMAN: Words = Words {
    code: "de",
    plan: "Abonnement",
    reference: "Vertrag",
    received: "Eingegangen",
    ends: "Endet",
    ended: "Beendet",
    at_once: "sofort",
    shop: "Zurück zum Shop",
    ask: Texts {
        title: "Abonnement kündigen",
        text: "Bis dahin kann es genutzt werden, danach wird nichts mehr abgebucht.",
    },
    ask_at_once: Texts {
        title: "Abonnement kündigen",
        text: "Es endet, sobald Sie bestätigen, und danach wird nichts mehr abgebucht.",
    },
    owes: "Eine unbezahlte Rechnung bleibt offen.",
    cancel: "Jetzt kündigen",
    canceled: Texts {
        title: "Ihre Kündigung ist bestätigt",
        text: "Das Abonnement kann genutzt werden, bis es endet, und danach wird nichts mehr abgebucht. Bis dahin können Sie die Kündigung hier zurücknehmen.",
    },
    keep: "Kündigung zurücknehmen",
    kept: Texts {
        title: "Die Kündigung ist zurückgenommen",
        text: "Ihr Abonnement läuft weiter wie bisher.",
    },
    over: Texts {
        title: "Ihr Abonnement ist beendet",
        text: "Es wird nichts mehr dafür abgebucht.",
    },
    not_begun: Texts {
        title: "Dieses Abonnement hat nicht begonnen",
        text: "Es wurde nie bestätigt und endet von selbst. Es wird nichts dafür abgebucht.",
    },
    changed: "Seit diese Seite geöffnet wurde, hat sich etwas geändert, und es wurde noch nichts getan. Bitte sehen Sie es sich noch einmal an und bestätigen Sie.",
    unknown_link: Texts {
        title: "Dieser Link ist nicht gültig",
        text: "Er ist unvollständig, wurde zurückgezogen oder gehört nicht zu diesem Shop. Öffnen Sie ihn noch einmal aus der E-Mail, oder bitten Sie den Shop um einen neuen.",
    },
    not_here: Texts {
        title: "Das geht hier nicht",
        text: "Der Shop muss es für Sie tun, und es wurde nichts geändert. Bitte schreiben Sie dem Shop.",
    },
    not_now: Texts {
        title: "Das geht gerade nicht",
        text: "Bitte öffnen Sie den Link gleich noch einmal. Zweimal zu fragen schadet nicht.",
    },
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
};

impl Words {
    /// Those of the language that the browser prefers; English if it prefers none of these.
    pub(super) fn of(request: &Request) -> &'static Self {
        match preferred(request.header("accept-language").unwrap_or_default()) {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }

    /// A moment, such as `24 December 2026, 22:43 UTC`. Where the shopper is, nobody knows here.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        let text = at.to_string();
        let part = |range| text.get(range).unwrap_or_default();
        let month = part(5..7).parse::<usize>().unwrap_or_default();
        let month = self.months.get(month.saturating_sub(1)).unwrap_or(&"");
        let dot = if self.code == "de" { "." } else { "" };
        let day = part(8..10).trim_start_matches('0');
        format!("{day}{dot} {month} {}, {} UTC", part(0..4), part(11..16))
    }
}

/// By the weights of the header; of two that weigh the same, the first.
fn preferred(header: &str) -> Language {
    let mut best = (0.0, Language::English);
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let weight = weight.unwrap_or(1.0);
        let language = match tag.split('-').next() {
            Some("en") => Language::English,
            Some("de") => Language::German,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_weighs_most() {
        use Language::{English, German};
        for (header, expected) in [
            ("", English),
            ("fr-FR, it;q=0.8", English),
            ("de-AT", German),
            ("DE", German),
            ("en-US,en;q=0.9,de;q=0.8", English),
            ("fr, de;q=0.7, en;q=0.3", German),
            ("en;q=0.2, de;q=0.7", German),
            ("de;q=0, en;q=0.1", English),
            ("de;q=x", German),
        ] {
            assert_eq!(preferred(header), expected, "{header}");
        }
    }

    #[test]
    fn a_moment_is_written_out() {
        let at = Timestamp::from_unix(1_795_550_424);
        assert_eq!(ENGLISH.moment(at), "24 November 2026, 20:00 UTC");
        assert_eq!(GERMAN.moment(at), "24. November 2026, 20:00 UTC");
        let first = Timestamp::from_unix(1_772_323_200);
        assert_eq!(GERMAN.moment(first), "1. März 2026, 00:00 UTC");
    }
}
