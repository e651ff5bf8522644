//! One question of an operator's, in their SQL.

use super::Object;
use crate::StoreError;
use crate::sql::{Complaint, Connection, Database, Value, from_sqlx, is_foreign_value};

/// An operator's SQL that was prepared once.
pub(super) struct Question {
    database: Database,
    sql: String,
    setting: String,
}

impl Question {
    /// Has the database read the SQL.
    ///
    /// # Errors
    /// [`StoreError::Setting`] names the setting and says what is wrong: what the database said, a parameter that is not
    /// used or one too many, or a column that is missing.
    pub(super) async fn prepare(
        database: &Database,
        setting: &str,
        sql: &str,
        parameters: usize,
        columns: &[&str],
    ) -> Result<Self, StoreError> {
        let wrong = |why: String| StoreError::Setting {
            setting: setting.to_owned(),
            why,
        };
        let sql = sql.trim().trim_end_matches(';').trim_end().to_owned();
        if sql.is_empty() || sql.contains('\0') {
            return Err(wrong("must be one SELECT".to_owned()));
        }
        // Otherwise everybody would get the same answer. Both databases call parameters like that.
        for number in 1..=parameters {
            if !uses(&sql, number) {
                return Err(wrong(format!("must use its parameter ${number}")));
            }
        }
        let plain = describe(database, &sql, parameters).await?.map_err(wrong)?;
        if plain.parameters > parameters {
            return Err(wrong(format!(
                "has {} parameters; there are only $1 to ${parameters}",
                plain.parameters
            )));
        }
        if let Some(missing) = columns.iter().find(|&&name| !plain.columns.iter().any(|it| it == name)) {
            let there = plain.columns.join(", ");
            return Err(wrong(format!("must have a column {missing}; it has: {there}")));
        }
        // Postgres turns its own types into JSON better than anybody. A new line, in case the SQL ends in a comment.
        let sql = if database.is_postgres() {
            format!("SELECT row_to_json(hallway_row)::text FROM (\n{sql}\n) AS hallway_row LIMIT 2")
        } else {
            format!("SELECT * FROM (\n{sql}\n) LIMIT 2")
        };
        describe(database, &sql, parameters).await?.map_err(wrong)?;
        Ok(Self {
            database: database.clone(),
            sql,
            setting: setting.to_owned(),
        })
    }

    /// At most two rows.
    pub(super) async fn ask(&self, values: &[&str]) -> Result<Vec<Object>, StoreError> {
        // No database holds such a text, so no row has it.
        if values.iter().any(|value| value.contains('\0')) {
            return Ok(Vec::new());
        }
        let sql = self.sql.clone();
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let found = self.database.read(move |c| {
            Box::pin(async move {
                let values: Vec<Value<'_>> = values.iter().map(|value| Value::Text(value)).collect();
                match c.ask(&sql, &values).await {
                    Ok(rows) => rows.iter().map(crate::sql::Row::object).collect(),
                    Err(why) if is_foreign_value(&why) => Ok(Vec::new()),
                    Err(why) => Err(from_sqlx(&why)),
                }
            })
        });
        found.await.map_err(|why| self.named(why))
    }

    /// The one row, if there is one.
    ///
    /// # Errors
    /// As any question; also if there are more, since nobody could say which one counts.
    pub(super) async fn ask_for_one(&self, values: &[&str]) -> Result<Option<Object>, StoreError> {
        let mut rows = self.ask(values).await?;
        if rows.len() > 1 {
            return Err(self.named(StoreError::Refused("it gives more than one row".to_owned())));
        }
        Ok(rows.pop())
    }

    /// The same error with the setting that it comes from.
    pub(super) fn named(&self, why: StoreError) -> StoreError {
        match why {
            StoreError::Refused(why) => StoreError::Refused(format!("{}: {why}", self.setting)),
            other => other,
        }
    }
}

async fn describe(
    database: &Database,
    sql: &str,
    parameters: usize,
) -> Result<Result<crate::sql::Described, String>, StoreError> {
    let sql = sql.to_owned();
    database
        .read(move |c: &mut Connection| {
            Box::pin(async move {
                match c.describe(&sql, parameters).await {
                    Ok(described) => Ok(Ok(described)),
                    Err(Complaint::Said(why)) => Ok(Err(why)),
                    Err(Complaint::Away(why)) => Err(why),
                }
            })
        })
        .await
}

/// Whether `$1`, and not only `$10`, stands in the SQL.
fn uses(sql: &str, number: usize) -> bool {
    let name = format!("${number}");
    sql.match_indices(&name)
        .any(|(at, _)| !sql[at + name.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::uses;

    #[test]
    fn parameters_are_told_apart() {
        assert!(uses("SELECT $1::uuid", 1));
        assert!(!uses("SELECT $10", 1));
        assert!(uses("SELECT $10, $1", 1));
        assert!(!uses("SELECT 1", 1));
    }
}
