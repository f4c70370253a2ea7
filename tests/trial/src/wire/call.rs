//! One outside call, as it passes the wire.

use serde_json::Value;

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
            Service::DynamoDb => !matches!(self.operation(), Some("GetItem" | "Query")),
        }
    }

    /// Reads the call once, for everything that is asked about it.
    pub fn read(&self) -> Reading {
        let body = match self.service {
            Service::Stripe => None,
            Service::DynamoDb => serde_json::from_slice::<Value>(&self.body).ok(),
        };
        Reading {
            name: self.name_with(body.as_ref()),
            digest: self.digest(body.as_ref()),
        }
    }

    fn digest(&self, body: Option<&Value>) -> u64 {
        let mut hash = Hash(FIRST);
        hash.add(self.method.as_bytes());
        hash.add(self.path.as_bytes());
        hash.add(self.key().unwrap_or_default().as_bytes());
        match body {
            Some(body) => {
                // Nothing that is hashed can fail to be written.
                let _ = serde_json::to_writer(&mut hash, body);
            }
            None => hash.add(&self.body),
        }
        hash.0
    }

    /// A name for people: the same for the same step, whatever the ids in it.
    pub fn name(&self) -> String {
        self.read().name
    }

    fn name_with(&self, body: Option<&Value>) -> String {
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
                let mut kinds = Vec::new();
                if let Some(body) = body {
                    collect(body, &mut kinds);
                }
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
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl std::io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn is_id(part: &str) -> bool {
    part.split_once('_').is_some_and(|(kind, rest)| {
        matches!(
            kind,
            "cus" | "seti" | "sub" | "pm" | "in" | "pi" | "mandate"
        ) && !rest.is_empty()
            && rest != "intents"
    })
}

/// The kinds of items that a request to the table names, by their sort keys.
fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(key) = members
                .get("sk")
                .and_then(|sk| sk.get("S"))
                .and_then(Value::as_str)
            {
                found.push(key.split('#').next().unwrap_or_default());
            }
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
