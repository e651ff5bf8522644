//! From settings to sessions.

use std::sync::Arc;

use futures_util::FutureExt;
use hallway_store::{Database, NEXT_AUTH_SQL, SessionQuery};

use super::Sessions;
use crate::config::Config;
use crate::database::{self, Late};
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
    let options = database::options_at(config, &settings.url, "sessions.url");
    let sql = match settings.sql.as_str() {
        "" => NEXT_AUTH_SQL.to_owned(),
        sql => sql.to_owned(),
    };
    let prepare = move || {
        let (options, sql) = (options.clone(), sql.clone());
        async move {
            let database = Database::connect(&options).await?;
            SessionQuery::prepare(&database, "sessions.sql", &sql)
                .await
                .map(Arc::new)
        }
        .boxed()
    };
    let query = Late::make("sessions.sql", config.store.retry_interval, prepare).await;
    let query = query.map_err(|why| StartError::Config(why.to_string()))?;
    let cookies = settings.cookies.clone();
    Ok(Some(Sessions::new(query, cookies, settings.fresh, Arc::clone(metrics))))
}
