//! From settings to who is asked.

use std::sync::Arc;

use futures_util::FutureExt;
use hallway_store::{Database, MemberQuery, SqlStore};
use http::Uri;

use super::{Authority, Members, MembershipHook};
use crate::config::Config;
use crate::database::{self, Late};
use crate::metrics::Metrics;
use crate::node::StartError;
use crate::webhook::{Signer, Webhook, WebhookOptions};

/// Everyone who may be asked.
///
/// # Errors
/// SQL that the database does not understand.
pub async fn build(
    config: &Config,
    store: Arc<Late<SqlStore>>,
    metrics: &Arc<Metrics>,
) -> Result<Authority, StartError> {
    let members = if config.members.sql.is_empty() {
        Members::Own(store)
    } else {
        Members::Asked(member_query(config).await?)
    };
    let webhook = config.webhook.membership_url.uri();
    let webhook = webhook
        .map(|url| webhook_at("membership", url, config, metrics))
        .transpose()?;
    let webhook = webhook.map(|webhook| MembershipHook(Arc::new(webhook)));
    Ok(Authority::new(members, webhook, config.members.fresh))
}

async fn member_query(config: &Config) -> Result<Arc<Late<MemberQuery>>, StartError> {
    let options = database::options_at(config, &config.members.url, "members.url");
    let sql = config.members.sql.clone();
    let prepare = move || {
        let (options, sql) = (options.clone(), sql.clone());
        async move {
            let database = Database::connect(&options).await?;
            MemberQuery::prepare(&database, "members.sql", &sql).await.map(Arc::new)
        }
        .boxed()
    };
    let query = Late::make("members.sql", config.store.retry_interval, prepare);
    query.await.map_err(|why| StartError::Config(why.to_string()))
}

/// The backend at a URL of `[webhook]`.
pub(crate) fn webhook_at(
    name: &'static str,
    url: &Uri,
    config: &Config,
    metrics: &Arc<Metrics>,
) -> Result<Webhook, StartError> {
    let settings = &config.webhook;
    let secrets = std::iter::once(&settings.secret).chain(&settings.previous_secrets);
    let signer = Signer::new(secrets.map(hallway_settings::Secret::expose));
    let options = WebhookOptions {
        name,
        url: url.clone(),
        timeout: settings.timeout,
        concurrency: settings.concurrency as usize,
        failures: settings.failures,
        pause: settings.pause,
    };
    Webhook::new(options, Arc::new(signer), Arc::clone(metrics))
        .map_err(|why| StartError::Config(format!("[webhook]: the system's authorities cannot be read: {why}")))
}
