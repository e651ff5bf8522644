//! From settings to who is asked.

use std::sync::Arc;

use futures_util::FutureExt;
use hallway_store::{AttributeQuery, Database};

use super::Admission;
use crate::authority::webhook_at;
use crate::config::Config;
use crate::database::{self, Late};
use crate::metrics::Metrics;
use crate::node::StartError;

/// Everyone who is asked whether someone may connect.
///
/// # Errors
/// SQL that the database does not understand.
pub async fn build(config: &Config, metrics: &Arc<Metrics>) -> Result<Admission, StartError> {
    let sql = match config.admission.sql.is_empty() {
        true => None,
        false => Some(attribute_query(config).await?),
    };
    let webhook = config.webhook.admission_url.uri();
    let webhook = webhook.map(|url| webhook_at("admission", url, config, metrics));
    Ok(Admission {
        sql,
        webhook: webhook.transpose()?,
        metrics: Arc::clone(metrics),
    })
}

async fn attribute_query(config: &Config) -> Result<Arc<Late<AttributeQuery>>, StartError> {
    let options = database::options_at(config, &config.admission.url, "admission.url");
    let sql = config.admission.sql.clone();
    let prepare = move || {
        let (options, sql) = (options.clone(), sql.clone());
        async move {
            let database = Database::connect(&options).await?;
            AttributeQuery::prepare(&database, "admission.sql", &sql)
                .await
                .map(Arc::new)
        }
        .boxed()
    };
    let query = Late::make("admission.sql", config.store.retry_interval, prepare).await;
    query.map_err(|why| StartError::Config(why.to_string()))
}
