//! The file: whose each customer is.

use std::{collections::HashMap, fs::File, io, path::Path};

use perennial_types::{CustomerId, UserId};
use serde::Deserialize;
use thiserror::Error;

/// A customer of Stripe and the user whose it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The `sub` claim of the user's tokens.
    pub user: UserId,
    /// The customer at Stripe.
    pub customer: CustomerId,
}

#[derive(Deserialize)]
struct Read {
    user: String,
    customer: String,
}

/// Why nothing of a file is used.
#[derive(Debug, Error)]
pub enum RowsError {
    /// It is not there, or not readable.
    #[error("{path} cannot be read")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not a table with these two columns.
    #[error("the file is not CSV with the columns user and customer: {0}")]
    Csv(#[from] csv::Error),
    /// One line cannot be meant.
    #[error("line {line}: {reason}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no row.
    #[error("the file has no rows")]
    Empty,
}

/// Reads all rows, so that a mistake in the last one is known before the first is sent. A row that is there twice counts
/// once; a user with two customers, or a customer of two users, is a mistake.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, RowsError> {
    let file = File::open(path).map_err(|source| RowsError::File {
        path: path.display().to_string(),
        source,
    })?;
    rows_of(file)
}

fn rows_of(file: impl io::Read) -> Result<Vec<Row>, RowsError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(file);
    let mut rows = Vec::new();
    let (mut users, mut customers) = (HashMap::new(), HashMap::new());
    let headers = reader.headers()?.clone();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |reason: String| RowsError::Line { line, reason };
        let read: Read = record.deserialize(Some(&headers))?;
        let user: UserId = read
            .user
            .parse()
            .map_err(|error| wrong(format!("the user: {error}")))?;
        let customer: CustomerId = read
            .customer
            .trim()
            .parse()
            .map_err(|error| wrong(format!("the customer: {error}")))?;
        let row = Row { user, customer };
        let known = users.insert(row.user.clone(), (row.customer.clone(), line));
        match known {
            Some((other, at)) if other != row.customer => {
                return Err(wrong(format!(
                    "the user of line {at} is here with another customer, and a user has one"
                )));
            }
            Some(_) => continue,
            None => {}
        }
        let owner = customers.insert(row.customer.clone(), line);
        if let Some(at) = owner {
            return Err(wrong(format!(
                "the customer of line {at} is here as another user's, and a customer has one owner"
            )));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(RowsError::Empty);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let rows = rows_of(text.as_bytes()).map_err(|error| error.to_string())?;
        let pair = |row: Row| (row.user.to_string(), row.customer.to_string());
        Ok(rows.into_iter().map(pair).collect())
    }

    #[test]
    fn a_table_is_read_by_its_headings_and_a_repeated_row_counts_once() {
        let rows = read(
            "customer, user ,plan\ncus_1,\"auth0|1, the first\",x\ncus_2,u2,y\ncus_1,\"auth0|1, the first\",x\n",
        );
        let expected = [("auth0|1, the first", "cus_1"), ("u2", "cus_2")];
        let expected = expected.map(|(user, customer)| (user.to_owned(), customer.to_owned()));
        assert_eq!(rows.unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        for (text, expected) in [
            ("user,customer\n", "the file has no rows"),
            ("", "the file has no rows"),
            ("user;customer\na;cus_1\n", "the file is not CSV"),
            ("name,customer\na,cus_1\n", "missing field `user`"),
            ("user,customer\na\n", "found record with 1 fields"),
            ("user,customer\na,cus_1\nb,sub_1\n", "line 3: the customer:"),
            ("user,customer\n,cus_1\n", "line 2: the user:"),
            (
                "user,customer\na,cus_1\na,cus_2\n",
                "line 3: the user of line 2",
            ),
            (
                "user,customer\na,cus_1\nb,cus_1\n",
                "line 3: the customer of line 2",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
