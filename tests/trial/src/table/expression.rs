//! What the functions write into the expressions of their requests, and nothing else of that language.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::database::{Item, Refused};

/// An expression with its names and values.
pub(super) struct Expression<'a> {
    words: Vec<&'a str>,
    names: &'a BTreeMap<String, String>,
    values: &'a Item,
}

impl<'a> Expression<'a> {
    pub(super) fn new(
        text: &'a str,
        names: &'a BTreeMap<String, String>,
        values: &'a Item,
    ) -> Self {
        Self {
            words: words(text),
            names,
            values,
        }
    }

    /// Whether the condition holds for the item.
    pub(super) fn holds(&self, item: &Item) -> Result<bool, Refused> {
        let mut reader = Reader {
            of: self,
            rest: &self.words,
        };
        let holds = reader.either(item)?;
        match reader.rest {
            [] => Ok(holds),
            rest => Err(unknown(rest)),
        }
    }

    /// Carries out the update.
    pub(super) fn apply(&self, item: &mut Item) -> Result<(), Refused> {
        let mut reader = Reader {
            of: self,
            rest: &self.words,
        };
        while let Ok(clause) = reader.next() {
            loop {
                let path = reader.path()?;
                if clause == "SET" {
                    reader.expect("=")?;
                    let value = reader.set_to(item)?;
                    let (members, name) = place(item, &path)?;
                    members.insert(name.to_owned(), value);
                    if reader.takes(",") {
                        continue;
                    }
                    break;
                }
                let (members, name) = place(item, &path)?;
                match clause {
                    "REMOVE" => {
                        members.remove(name);
                    }
                    "ADD" => {
                        let sum = sum(members.get(name), reader.value()?)?;
                        members.insert(name.to_owned(), sum);
                    }
                    "DELETE" => {
                        let gone = texts(reader.value()?)?;
                        let mut left = members.get(name).map_or(Ok(Vec::new()), texts)?;
                        left.retain(|text| !gone.contains(text));
                        if left.is_empty() {
                            members.remove(name);
                        } else {
                            members.insert(name.to_owned(), json!({ "SS": left }));
                        }
                    }
                    other => return Err(unknown(&[other])),
                }
                if !reader.takes(",") {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn words(text: &str) -> Vec<&str> {
    let is_part = |at: char| at.is_ascii_alphanumeric() || matches!(at, '_' | '#' | ':');
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if is_part(first) {
            rest.find(|at| !is_part(at)).unwrap_or(rest.len())
        } else if ["<=", ">=", "<>"].iter().any(|it| rest.starts_with(it)) {
            2
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn unknown(words: &[&str]) -> Refused {
    Refused::Unknown(words.join(" "))
}

/// Reads an expression from its beginning on.
struct Reader<'e, 'a> {
    of: &'e Expression<'a>,
    rest: &'e [&'a str],
}

impl<'a> Reader<'_, 'a> {
    fn next(&mut self) -> Result<&'a str, Refused> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| unknown(&[]))?;
        self.rest = rest;
        Ok(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.rest.first() == Some(&word);
        if is_next {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn expect(&mut self, word: &str) -> Result<(), Refused> {
        if self.takes(word) {
            return Ok(());
        }
        Err(unknown(self.rest))
    }

    fn either(&mut self, item: &Item) -> Result<bool, Refused> {
        let mut holds = self.both(item)?;
        while self.takes("OR") {
            holds |= self.both(item)?;
        }
        Ok(holds)
    }

    fn both(&mut self, item: &Item) -> Result<bool, Refused> {
        let mut holds = self.one(item)?;
        while self.takes("AND") {
            holds &= self.one(item)?;
        }
        Ok(holds)
    }

    fn one(&mut self, item: &Item) -> Result<bool, Refused> {
        if self.takes("NOT") {
            return self.one(item).map(|holds| !holds);
        }
        if self.takes("(") {
            let holds = self.either(item)?;
            return self.expect(")").map(|()| holds);
        }
        if self.rest.first() == Some(&"size") {
            return self.size(item);
        }
        if self.rest.get(1) == Some(&"(") {
            return self.function(item);
        }
        let left = self.operand(item)?;
        match self.next()? {
            "=" => Ok(left.is_some() & (self.operand(item)? == left)),
            "<" => Ok(order(left, self.operand(item)?).is_some_and(Ordering::is_lt)),
            ">=" => Ok(order(left, self.operand(item)?).is_some_and(Ordering::is_ge)),
            "IN" => {
                self.expect("(")?;
                let mut holds = false;
                loop {
                    holds |= left.is_some() & (self.operand(item)? == left);
                    if !self.takes(",") {
                        break;
                    }
                }
                self.expect(")").map(|()| holds)
            }
            other => Err(unknown(&[other])),
        }
    }

    /// Whether a set has fewer members than a number says.
    fn size(&mut self, item: &Item) -> Result<bool, Refused> {
        self.expect("size")?;
        self.expect("(")?;
        let set = self.operand(item)?;
        self.expect(")")?;
        self.expect("<")?;
        let most = number(self.value()?);
        let members = set.map(texts).transpose()?.map(|set| set.len());
        let members = members.and_then(|count| i64::try_from(count).ok());
        Ok(members.zip(most).is_some_and(|(count, most)| count < most))
    }

    fn function(&mut self, item: &Item) -> Result<bool, Refused> {
        let name = self.next()?;
        self.expect("(")?;
        let first = self.operand(item)?;
        let holds = match name {
            "attribute_exists" => first.is_some(),
            "attribute_not_exists" => first.is_none(),
            "begins_with" => {
                self.expect(",")?;
                let start = text(self.operand(item)?);
                text(first)
                    .zip(start)
                    .is_some_and(|(it, start)| it.starts_with(start))
            }
            "contains" => {
                self.expect(",")?;
                let part = text(self.operand(item)?);
                let members = first.map(texts).transpose()?;
                members
                    .zip(part)
                    .is_some_and(|(members, part)| members.contains(&part))
            }
            other => return Err(unknown(&[other])),
        };
        self.expect(")").map(|()| holds)
    }

    fn operand<'i>(&mut self, item: &'i Item) -> Result<Option<&'i Value>, Refused>
    where
        'a: 'i,
    {
        if self.rest.first().is_some_and(|word| word.starts_with(':')) {
            return self.value().map(Some);
        }
        let mut path = self.path()?.into_iter();
        let found = path.next().and_then(|name| item.get(name));
        Ok(path.fold(found, |found, name| found?.get("M")?.get(name)))
    }

    /// What an attribute is set to.
    fn set_to(&mut self, item: &Item) -> Result<Value, Refused> {
        if !self.takes("if_not_exists") {
            return self.value().cloned();
        }
        self.expect("(")?;
        let known = self.operand(item)?.cloned();
        self.expect(",")?;
        let value = self.value()?;
        self.expect(")")?;
        Ok(known.unwrap_or_else(|| value.clone()))
    }

    fn value(&mut self) -> Result<&'a Value, Refused> {
        let word = self.next()?;
        self.of.values.get(word).ok_or_else(|| unknown(&[word]))
    }

    fn path(&mut self) -> Result<Vec<&'a str>, Refused> {
        let mut path = Vec::new();
        loop {
            let word = self.next()?;
            path.push(match word.strip_prefix('#') {
                Some(_) => self.of.names.get(word).ok_or_else(|| unknown(&[word]))?,
                None => word,
            });
            if !self.takes(".") {
                return Ok(path);
            }
        }
    }
}

/// Where an attribute stands, or would.
fn place<'i, 'p>(
    mut members: &'i mut Item,
    path: &[&'p str],
) -> Result<(&'i mut Item, &'p str), Refused> {
    let (last, before) = path.split_last().ok_or_else(|| unknown(&[]))?;
    for name in before {
        let inner = members.get_mut(*name).and_then(|it| it.get_mut("M"));
        let inner = inner.and_then(Value::as_object_mut);
        members = inner.ok_or(Refused::Path)?;
    }
    Ok((members, last))
}

fn text(value: Option<&Value>) -> Option<&str> {
    value?.get("S")?.as_str()
}

fn number(value: &Value) -> Option<i64> {
    value.get("N")?.as_str()?.parse().ok()
}

/// The members of a set of texts.
fn texts(value: &Value) -> Result<Vec<&str>, Refused> {
    let members = value.get("SS").and_then(Value::as_array);
    let members = members.ok_or_else(|| Refused::Unknown(value.to_string()))?;
    Ok(members.iter().filter_map(Value::as_str).collect())
}

fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    let numbers = left.and_then(number).zip(right.and_then(number));
    let texts = text(left).zip(text(right));
    let numbers = numbers.map(|(left, right)| left.cmp(&right));
    numbers.or(texts.map(|(left, right)| left.cmp(right)))
}

fn sum(known: Option<&Value>, more: &Value) -> Result<Value, Refused> {
    let Some(known) = known else {
        return Ok(more.clone());
    };
    if let Some((known, more)) = number(known).zip(number(more)) {
        return Ok(json!({ "N": (known + more).to_string() }));
    }
    let mut all = texts(known)?;
    all.extend(texts(more)?);
    all.sort_unstable();
    all.dedup();
    Ok(json!({ "SS": all }))
}
