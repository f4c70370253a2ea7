//! Stripe's nested form encoding: `a[b][c]=1`, `items[0][price]=x`, `expand[]=y`.

use crate::error::{ApiError, Result};

/// A parameter before it is known what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// `name=value`
    Leaf(String),
    /// `name[key]=value`, in the order of arrival. `name[]` gets the next free number.
    Branch(Vec<(String, Form)>),
}

/// The pairs of a query or body.
pub(crate) fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

/// The tree that the pairs spell out.
pub(crate) fn tree(pairs: &[(String, String)]) -> Result<Form> {
    let mut root = Form::Branch(Vec::new());
    for (name, value) in pairs {
        let path = split(name)
            .ok_or_else(|| ApiError::validation(format!("Invalid parameter name: {name}")))?;
        root.insert(&path, value).ok_or_else(|| {
            ApiError::validation(format!(
                "The parameter {name} is given both as a value and as a hash."
            ))
            .with_param(name)
        })?;
    }
    Ok(root)
}

fn split(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    let mut path = vec![first];
    while !rest.is_empty() {
        let (key, after) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(key);
        rest = after;
    }
    (!first.is_empty()).then_some(path)
}

impl Form {
    fn insert(&mut self, path: &[&str], value: &str) -> Option<()> {
        let Self::Branch(children) = self else {
            return None;
        };
        let (key, rest) = path.split_first()?;
        let key = if key.is_empty() {
            children.len().to_string()
        } else {
            (*key).to_owned()
        };
        let leaf = || Self::Leaf(value.to_owned());
        let found = children.iter().position(|(name, _)| *name == key);
        match (
            found.and_then(|index| children.get_mut(index)),
            rest.is_empty(),
        ) {
            (Some((_, Self::Leaf(old))), true) => value.clone_into(old),
            (Some(_), true) => return None,
            (Some((_, child)), false) => return child.insert(rest, value),
            (None, true) => children.push((key, leaf())),
            (None, false) => {
                let mut child = Self::Branch(Vec::new());
                child.insert(rest, value)?;
                children.push((key, child));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, pairs, tree};

    fn leaf(text: &str) -> Form {
        Form::Leaf(text.to_owned())
    }

    fn branch<const N: usize>(children: [(&str, Form); N]) -> Form {
        Form::Branch(
            children
                .into_iter()
                .map(|(name, form)| (name.to_owned(), form))
                .collect(),
        )
    }

    #[test]
    fn brackets_nest_and_empty_brackets_count() {
        let form = tree(&pairs(
            b"items[0][price]=p%2B1&items%5B0%5D%5Bquantity%5D=2&expand[]=a&expand[]=b&name=A+B",
        ))
        .unwrap();
        let expected = branch([
            (
                "items",
                branch([(
                    "0",
                    branch([("price", leaf("p+1")), ("quantity", leaf("2"))]),
                )]),
            ),
            ("expand", branch([("0", leaf("a")), ("1", leaf("b"))])),
            ("name", leaf("A B")),
        ]);
        assert_eq!(form, expected);
    }

    #[test]
    fn a_name_that_is_value_and_hash_or_broken_is_refused() {
        for body in ["a=1&a[b]=2", "a[b]=2&a=1", "a[b=1", "a[b]c=1", "[b]=1"] {
            assert!(tree(&pairs(body.as_bytes())).is_err(), "{body}");
        }
    }
}
