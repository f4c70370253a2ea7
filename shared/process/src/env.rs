//! The one reader of the environment.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The variables that a function was started with.
///
/// Beside them stand the clients that a trial has made for a function it starts. No variable can put
/// one there, so a deployed function has none.
#[derive(Clone)]
pub struct Env {
    variables: HashMap<String, String>,
    given: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    shared: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl fmt::Debug for Env {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.variables.keys().collect();
        names.sort();
        f.debug_tuple("Env").field(&names).finish()
    }
}

/// Everything that is wrong with the environment. A read that fails says at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is not complete: ")?;
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// One problem.
    pub fn new(problem: impl Into<String>) -> Self {
        Self(vec![problem.into()])
    }

    /// Those of several reads. Two reads of the same variable find the same problem, which is told once.
    fn of(reads: impl IntoIterator<Item = Option<Self>>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for problem in reads.into_iter().flatten().flat_map(|it| it.0) {
            if !all.contains(&problem) {
                all.push(problem);
            }
        }
        Self(all)
    }
}

/// The values of several reads, or the problems of all of them at once.
pub fn all<R: Reads>(reads: R) -> Result<R::Values, Problems> {
    reads.all()
}

/// Reads that do not depend on each other: a tuple of results.
pub trait Reads {
    /// The tuple of their values.
    type Values;
    /// See [`all`].
    fn all(self) -> Result<Self::Values, Problems>;
}

macro_rules! reads {
    ($($read:ident)+) => {
        impl<$($read),+> Reads for ($(Result<$read, Problems>,)+) {
            type Values = ($($read,)+);

            #[allow(non_snake_case, reason = "a name stands for a type and for its value")]
            fn all(self) -> Result<Self::Values, Problems> {
                match self {
                    ($(Ok($read),)+) => Ok(($($read,)+)),
                    ($($read,)+) => Err(Problems::of([$($read.err()),+])),
                }
            }
        }
    };
}

reads!(A B);
reads!(A B C);
reads!(A B C D);
reads!(A B C D E);

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
            shared: Arc::default(),
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

    /// What all clients of a function share, such as its connections: the first that asks makes it.
    pub fn shared<T: Any + Send + Sync + Clone>(
        &self,
        make: impl FnOnce(&Self) -> Result<T, Problems>,
    ) -> Result<T, Problems> {
        let shared = || self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let id = TypeId::of::<T>();
        let known = shared().get(&id).and_then(|it| it.downcast_ref().cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        // Without the lock, since one of them may be made of another.
        let new = make(self)?;
        shared().insert(id, Arc::new(new.clone()));
        Ok(new)
    }

    /// The value, unless it is unset or blank: a variable that a template leaves empty is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The value, which must be there.
    pub fn required(&self, name: &str) -> Result<&str, Problems> {
        let value = self.get(name);
        value.ok_or_else(|| Problems::new(format!("{name} is not set")))
    }

    /// The parsed value, if it is set.
    pub fn optional<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problems> {
        let parsed = self.get(name).map(parse).transpose();
        parsed.map_err(|error| Problems::new(format!("{name} is malformed: {error}")))
    }
}
