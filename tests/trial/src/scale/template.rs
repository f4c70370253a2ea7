//! Text of one subscriber, in which the ids are places for those of another.

/// Ids of these kinds are a subscriber's own, beside those of the customer and of the subscription.
const OWN: [&str; 9] = [
    "seti_", "pi_", "pm_", "in_", "chk_", "ch_", "il_", "re_", "cn_",
];

#[derive(Clone)]
enum Part {
    Text(String),
    User,
    Customer,
    Subscription,
    /// What follows makes an id of the one another's.
    Own,
}

/// A text of the one.
#[derive(Clone)]
pub(super) struct Template(Vec<Part>);

/// Who is copied.
#[derive(Clone)]
pub(super) struct One {
    pub(super) user: &'static str,
    pub(super) customer: String,
    pub(super) subscription: String,
}

impl Template {
    pub(super) fn new(text: &str, one: &One) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let is_of_id = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|it| !is_of_id(it)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            let place = match word {
                _ if word == one.user => Some(Part::User),
                _ if word == one.customer => Some(Part::Customer),
                _ if word == one.subscription => Some(Part::Subscription),
                _ => None,
            };
            if place.is_none() {
                plain.push_str(word);
            }
            let is_own = OWN.iter().any(|kind| word.starts_with(kind));
            if let Some(place) = place.or(is_own.then_some(Part::Own)) {
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(place);
            }
            let next = behind.find(is_of_id).unwrap_or(behind.len());
            let (between, behind) = behind.split_at(next);
            plain.push_str(between);
            rest = behind;
        }
        parts.push(Part::Text(plain));
        Self(parts)
    }

    /// The same of a copy.
    pub(super) fn of(&self, number: usize) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::User => text.push_str(&user(number)),
                Part::Customer => text.push_str(&customer(number)),
                Part::Subscription => text.push_str(&subscription(number)),
                Part::Own => text.push_str(&own(number)),
            }
        }
        text
    }

    /// Whether a copy's differs from another's.
    pub(super) fn is_own(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Text(_)))
    }
}

/// A copy.
pub(super) fn user(number: usize) -> String {
    format!("u{number}")
}

/// A copy's customer.
pub(super) fn customer(number: usize) -> String {
    format!("cus_s{number}")
}

/// A copy's subscription.
pub(super) fn subscription(number: usize) -> String {
    format!("sub_s{number}")
}

/// What makes an id of the one a copy's.
fn own(number: usize) -> String {
    format!("s{number}")
}

/// Which copy an id of the three is of.
pub(super) fn number_of(id: &str) -> Option<usize> {
    let digits = id
        .strip_prefix("cus_s")
        .or_else(|| id.strip_prefix("sub_s"))
        .or_else(|| id.strip_prefix('u'))?;
    digits.parse().ok()
}
