//! One outside call, as it passes the wire.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Of FNV-1a.
const FIRST: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Whose calls come through which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The shopper's first tab.
    TabA,
    /// The shopper's second tab, or second device.
    TabB,
    /// What the table's stream drives.
    Hooks,
    /// The sweeper.
    Sweeper,
    /// Stripe's webhooks.
    Inbox,
    /// The trial's own look, which nothing disturbs and nobody counts.
    Watcher,
}

/// How many doors there are.
pub(super) const DOORS: usize = 6;

impl Door {
    /// All of them.
    pub const ALL: [Self; DOORS] = [
        Self::TabA,
        Self::TabB,
        Self::Hooks,
        Self::Sweeper,
        Self::Inbox,
        Self::Watcher,
    ];

    /// Its place in lists.
    pub fn index(self) -> usize {
        match self {
            Self::TabA => 0,
            Self::TabB => 1,
            Self::Hooks => 2,
            Self::Sweeper => 3,
            Self::Inbox => 4,
            Self::Watcher => 5,
        }
    }

    /// Its name in a trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::TabA => "tab-a",
            Self::TabB => "tab-b",
            Self::Hooks => "hooks",
            Self::Sweeper => "sweeper",
            Self::Inbox => "inbox",
            Self::Watcher => "watcher",
        }
    }
}

/// Which of the two services is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Stripe.
    Stripe,
    /// The table.
    DynamoDb,
}

/// A call of a function, before it reaches the service.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who makes it.
    pub door: Door,
    /// Of what.
    pub service: Service,
    /// `GET` or `POST` and so on.
    pub method: String,
    /// With its query.
    pub path: String,
    /// In lower case.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub body: Vec<u8>,
}

impl Call {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The key that makes a repeat harmless, for a call that creates something at Stripe.
    pub fn key(&self) -> Option<&str> {
        self.header("idempotency-key")
    }

    /// DynamoDB's operation.
    pub fn operation(&self) -> Option<&str> {
        self.header("x-amz-target")?.rsplit('.').next()
    }

    /// Whether it may change something.
    pub fn changes(&self) -> bool {
        match self.service {
            Service::Stripe => self.method != "GET",
            Service::DynamoDb => {
                !matches!(self.operation(), Some("GetItem" | "BatchGetItem" | "Query"))
            }
        }
    }

    /// Reads the call once, for everything that is asked about it.
    pub fn read(&self) -> Reading {
        let mut kinds = Vec::new();
        let body = match self.service {
            Service::Stripe => None,
            Service::DynamoDb => {
                let mut json = serde_json::Deserializer::from_slice(&self.body);
                Part::of(&mut kinds).deserialize(&mut json).ok()
            }
        };
        let mut hash = Hash::new(self.method.as_bytes());
        hash.add(self.path.as_bytes());
        hash.add(self.key().unwrap_or_default().as_bytes());
        match body {
            Some(body) => hash.add(&body.to_le_bytes()),
            None => hash.add(&self.body),
        }
        Reading {
            name: self.name_with(&kinds),
            digest: hash.0,
        }
    }

    /// A name for people: the same for the same step, whatever the ids in it.
    pub fn name(&self) -> String {
        self.read().name
    }

    fn name_with(&self, kinds: &[String]) -> String {
        match self.service {
            Service::Stripe => {
                let path = self.path.split('?').next().unwrap_or_default();
                let parts: Vec<&str> = path
                    .split('/')
                    .map(|part| if is_id(part) { "{id}" } else { part })
                    .collect();
                format!("{} {}", self.method, parts.join("/"))
            }
            Service::DynamoDb => {
                let operation = self.operation().unwrap_or("?");
                if kinds.is_empty() {
                    operation.to_owned()
                } else {
                    format!("{operation} {}", kinds.join("+"))
                }
            }
        }
    }
}

/// What is known of a call from its bytes.
#[derive(Debug, Clone)]
pub struct Reading {
    /// A name for people: the same for the same step, whatever the ids in it.
    pub name: String,
    /// The call in a number: the same for the same method, path, key and body. Of a request to the
    /// table, the order does not count in which the members of its objects stand.
    pub digest: u64,
}

/// FNV-1a.
struct Hash(u64);

impl Hash {
    fn new(bytes: &[u8]) -> Self {
        let mut hash = Self(FIRST);
        hash.add(bytes);
        hash
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

fn is_id(part: &str) -> bool {
    part.split_once('_').is_some_and(|(kind, rest)| {
        matches!(
            kind,
            "cus" | "seti" | "sub" | "pm" | "in" | "pi" | "mandate" | "txi" | "promo"
        ) && !rest.is_empty()
            && rest != "intents"
    })
}

/// Where a part of a request stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is a sort key, `{"S": "SLOT#photos"}`.
    SortKey,
    /// It is the text of a sort key.
    Text,
    Elsewhere,
}

/// Reads a part of a request to the table into a number, and notes the kinds of items that it names, by
/// their sort keys.
struct Part<'k> {
    place: Place,
    kinds: &'k mut Vec<String>,
}

impl<'k> Part<'k> {
    fn of(kinds: &'k mut Vec<String>) -> Self {
        Self {
            place: Place::Elsewhere,
            kinds,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<u64, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(FIRST)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<u64, E> {
        Ok(Hash::new(&[flag.into()]).0)
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(Hash::new(&number.to_le_bytes()).0)
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        if self.place == Place::Text {
            let kind = text.split('#').next().unwrap_or_default();
            self.kinds.push(kind.to_owned());
        }
        Ok(Hash::new(text.as_bytes()).0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let mut hash = Hash::new(b"[");
        while let Some(member) = members.next_element_seed(Part::of(self.kinds))? {
            hash.add(&member.to_le_bytes());
        }
        Ok(hash.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<u64, A::Error> {
        let mut sum = FIRST;
        while let Some((mut hash, place)) = members.next_key_seed(Name(self.place))? {
            let kinds = &mut *self.kinds;
            let member = members.next_value_seed(Part { place, kinds })?;
            hash.add(&member.to_le_bytes());
            // A sum, because the members of an object have no order.
            sum = sum.wrapping_add(hash.0);
        }
        Ok(sum)
    }
}

/// The name of a member of an object that stands there.
struct Name(Place);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = (Hash, Place);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = (Hash, Place);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let place = match name {
            "sk" => Place::SortKey,
            "S" if self.0 == Place::SortKey => Place::Text,
            _ => Place::Elsewhere,
        };
        Ok((Hash::new(name.as_bytes()), place))
    }
}
