//! From settings to sessions.

use std::sync::Arc;

use hallway_store::NEXT_AUTH_SQL;

use super::Sessions;
use crate::config::Config;
use crate::database::operator_query;
use crate::metrics::Metrics;
use crate::node::StartError;

/// The sessions of the settings, if there are any.
///
/// # Errors
/// SQL that the database does not understand.
pub async fn build(config: &Config, metrics: &Arc<Metrics>) -> Result<Option<Sessions>, StartError> {
    let settings = &config.sessions;
    if !settings.enabled {
        return Ok(None);
    }
    let sql = match settings.sql.as_str() {
        "" => NEXT_AUTH_SQL,
        sql => sql,
    };
    let url = ("sessions.url", &settings.url);
    let query = operator_query(config, url, ("sessions.sql", sql)).await?;
    let cookies = settings.cookies.clone();
    Ok(Some(Sessions::new(query, cookies, settings.fresh, Arc::clone(metrics))))
}
