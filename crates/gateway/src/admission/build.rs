//! From settings to who is asked.

use std::sync::Arc;

use super::Admission;
use crate::authority::webhook_at;
use crate::config::Config;
use crate::database::operator_query;
use crate::metrics::Metrics;
use crate::node::StartError;

/// Everyone who is asked whether someone may connect.
///
/// # Errors
/// SQL that the database does not understand.
pub async fn build(config: &Config, metrics: &Arc<Metrics>) -> Result<Admission, StartError> {
    let settings = &config.admission;
    let sql = match settings.sql.as_str() {
        "" => None,
        sql => {
            let url = ("admission.url", &settings.url);
            Some(operator_query(config, url, ("admission.sql", sql)).await?)
        }
    };
    let webhook = config.webhook.admission_url.uri();
    let webhook = webhook.map(|url| webhook_at("admission", url, config, metrics));
    Ok(Admission {
        sql,
        webhook: webhook.transpose()?,
        metrics: Arc::clone(metrics),
    })
}
