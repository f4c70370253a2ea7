//! The one reader of the environment.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::Arc,
};

/// The variables that a function was started with.
///
/// Beside them stand the clients that a trial has made for a function it starts. No variable can put
/// one there, so a deployed function has none.
#[derive(Clone)]
pub struct Env {
    variables: HashMap<String, String>,
    given: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Env {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.variables.keys().collect();
        names.sort();
        f.debug_tuple("Env").field(&names).finish()
    }
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is not complete: ")?;
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// Notes one more problem.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Nothing, or the problems.
    pub fn into_result(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl Env {
    /// The process's own.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one reader of the environment"
    )]
    pub fn process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// One made up by the local server or a test.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs.into_iter();
        Self {
            variables: pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            given: HashMap::new(),
        }
    }

    /// The same with a client that the function uses instead of making its own.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, client: T) -> Self {
        self.given.insert(TypeId::of::<T>(), Arc::new(client));
        self
    }

    /// The client of this type that the function was given, if any.
    pub fn given<T: Any>(&self) -> Option<&T> {
        self.given.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The value, unless it is unset or blank: a variable that a template leaves empty is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The value, which must be there.
    pub fn required(&self, name: &str, problems: &mut Problems) -> String {
        let value = self.get(name);
        if value.is_none() {
            problems.add(format!("{name} is not set"));
        }
        value.unwrap_or_default().to_owned()
    }

    /// The parsed value, if it is set.
    pub fn optional<T>(&self, name: &str, problems: &mut Problems) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let parsed = self.get(name)?.parse();
        parsed
            .map_err(|error| problems.add(format!("{name} is malformed: {error}")))
            .ok()
    }
}
