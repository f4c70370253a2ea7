//! The embedded DynamoDB: its file, its table, its port.

mod port;
mod writes;

use std::{io, path::PathBuf, time::Duration};

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use port::serve;
pub(crate) use writes::Writes;

use crate::template::Table;

/// How often expired items are deleted. DynamoDB promises days; a minute shows that it happens.
const SWEEP: Duration = Duration::from_mins(1);

/// Why the database is not there.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened.
    #[error("the database {} cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: DynoxideError,
    },
    /// It did not do what it was asked to.
    #[error("the database refused a request")]
    Refused(#[source] DynoxideError),
    /// A request or an answer has a form that the database does not know.
    #[error("a request to the database has a wrong form")]
    Form(#[source] serde_json::Error),
    /// The table was created without a stream.
    #[error("the table {0} has no stream: delete the data folder, or choose another with --data")]
    NoStream(String),
    /// The table is one of an older build.
    #[error(
        "the table has no index {0}, as an older build made it: delete the data folder, or choose another with --data"
    )]
    Outdated(String),
    /// The position in the stream cannot be read.
    #[error("the position in the table's stream cannot be read")]
    Position(#[source] io::Error),
    /// The process is ending.
    #[error("the database is stopping")]
    Stopped,
}

/// Opens the file, or a database in memory, and creates the table of the template if it is missing.
pub(crate) fn open(
    file: Option<PathBuf>,
    table_name: &str,
    table: &Table,
) -> Result<Database, DatabaseError> {
    let database = match file {
        None => Database::memory().map_err(DatabaseError::Refused)?,
        Some(path) => Database::new(&path.to_string_lossy())
            .map_err(|source| DatabaseError::Open { path, source })?,
    };
    let request = serde_json::from_value(table.create_request(table_name));
    match database.create_table(request.map_err(DatabaseError::Form)?) {
        Ok(_) => set_expiry(&database, table_name, table)?,
        Err(DynoxideError::ResourceInUseException(_)) => has_indexes(&database, table_name, table)?,
        Err(error) => return Err(DatabaseError::Refused(error)),
    }
    Ok(database)
}

/// A table that an older build left may lack what this one asks of it.
fn has_indexes(database: &Database, name: &str, table: &Table) -> Result<(), DatabaseError> {
    let request = serde_json::from_value(json!({ "TableName": name }));
    let found = database
        .describe_table(request.map_err(DatabaseError::Form)?)
        .map_err(DatabaseError::Refused)?;
    let found = serde_json::to_value(found).map_err(DatabaseError::Form)?;
    let found = found
        .pointer("/Table/GlobalSecondaryIndexes")
        .and_then(Value::as_array);
    let has = |name: &str| {
        found.is_some_and(|indexes| {
            indexes
                .iter()
                .any(|index| index.get("IndexName").is_some_and(|found| found == name))
        })
    };
    match table.indexes().into_iter().find(|index| !has(index)) {
        Some(index) => Err(DatabaseError::Outdated(index.to_owned())),
        None => Ok(()),
    }
}

fn set_expiry(database: &Database, name: &str, table: &Table) -> Result<(), DatabaseError> {
    let Some(attribute) = &table.ttl_attribute else {
        return Ok(());
    };
    let request = serde_json::from_value(json!({
        "TableName": name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
    }));
    database
        .update_time_to_live(request.map_err(DatabaseError::Form)?)
        .map(|_| ())
        .map_err(DatabaseError::Refused)
}

/// Deletes expired items now and then, as DynamoDB does on its own.
pub(crate) fn sweep(
    database: Database,
    writes: Writes,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {}
                _ = stop.changed() => return,
            }
            let database = database.clone();
            match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(_)) => writes.note(),
                Ok(Err(error)) => tracing::warn!(error = %error, "expired items stay for now"),
                Err(_) => return,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    #[test]
    fn the_table_is_made_once_and_found_again_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dynamodb.db");
        let table = Template::embedded().unwrap().table;
        let first = open(Some(file.clone()), "perennial", &table).unwrap();
        first
            .put_item(
                serde_json::from_value(json!({
                    "TableName": "perennial",
                    "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}},
                }))
                .unwrap(),
            )
            .unwrap();
        drop(first);
        let second = open(Some(file), "perennial", &table).unwrap();
        let found = second
            .get_item(
                serde_json::from_value(json!({
                    "TableName": "perennial",
                    "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}},
                }))
                .unwrap(),
            )
            .unwrap();
        assert!(found.item.is_some());
    }

    #[test]
    fn a_table_of_an_older_build_without_an_index_is_refused_with_advice() {
        let old = "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: {
            AttributeDefinitions: [{AttributeName: pk, AttributeType: S}],
            KeySchema: [{AttributeName: pk, KeyType: HASH}],
            StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}}}}";
        let new = old.replace(
            "StreamSpecification",
            "GlobalSecondaryIndexes: [{IndexName: due, KeySchema: [{AttributeName: pk, \
             KeyType: HASH}], Projection: {ProjectionType: ALL}}], StreamSpecification",
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dynamodb.db");
        let make = |text: &str| {
            open(
                Some(file.clone()),
                "perennial",
                &Table::parse(text).unwrap(),
            )
        };
        make(old).unwrap();
        let error = make(&new).err().unwrap().to_string();
        assert!(error.contains("due") && error.contains("--data"), "{error}");
        std::fs::remove_file(&file).unwrap();
        make(&new).unwrap();
        make(&new).unwrap();
    }

    #[test]
    fn an_expired_item_is_swept_and_others_stay() {
        let table = Template::embedded().unwrap().table;
        let database = open(None, "perennial", &table).unwrap();
        let now = perennial_types::Clock::system().now();
        for (name, expires_at) in [
            ("old", now.plus_seconds(-60)),
            ("new", now.plus_seconds(60)),
        ] {
            let expires_at = expires_at.unix().to_string();
            let request = json!({
                "TableName": "perennial",
                "Item": {"pk": {"S": name}, "sk": {"S": "b"}, "expires_at": {"N": expires_at}},
            });
            database
                .put_item(serde_json::from_value(request).unwrap())
                .unwrap();
        }
        assert_eq!(database.sweep_ttl().unwrap(), 1);
    }
}
