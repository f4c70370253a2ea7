//! Fields that hold an id, or the object itself if `expand[]` asked for it.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

/// An object that has an id of its own kind.
pub trait Identified {
    /// The kind of id.
    type Id: DeserializeOwned;

    /// The object's id.
    fn id(&self) -> &Self::Id;
}

/// An id, or the object that it names.
#[derive(Debug, Clone)]
pub enum Expandable<T: Identified> {
    /// The id alone.
    Id(T::Id),
    /// The whole object.
    Object(Box<T>),
}

impl<T: Identified> Expandable<T> {
    /// The id, in either case.
    pub fn id(&self) -> &T::Id {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }

    /// The object, if it was expanded.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de, T: Identified + DeserializeOwned> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read = if value.is_string() {
            serde_json::from_value(value).map(Self::Id)
        } else {
            serde_json::from_value(value).map(|object| Self::Object(Box::new(object)))
        };
        read.map_err(D::Error::custom)
    }
}
