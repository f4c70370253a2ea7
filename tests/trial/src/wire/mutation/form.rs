//! Changes of what is sent to Stripe.

const PRORATED_AT: &str = "proration_date";
const HOUR: i64 = 3600;

/// The pairs of a form, each as they are to be sent.
fn pairs_of(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn put(body: &mut Vec<u8>, pairs: &[(String, String)]) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    *body = form.finish().into_bytes();
}

/// Prorates as of an hour before.
pub(super) fn an_hour_earlier(body: &mut Vec<u8>) {
    let mut pairs = pairs_of(body);
    for (name, value) in &mut pairs {
        if name == PRORATED_AT
            && let Ok(at) = value.parse::<i64>()
        {
            *value = (at - HOUR).to_string();
        }
    }
    put(body, &pairs);
}

/// Leaves out what begins so.
pub(super) fn without(body: &mut Vec<u8>, beginning: &str) {
    let mut pairs = pairs_of(body);
    pairs.retain(|(name, _)| !name.starts_with(beginning));
    put(body, &pairs);
}
