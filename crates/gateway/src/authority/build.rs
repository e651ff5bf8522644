//! From settings to who is asked.

use std::sync::Arc;

use hallway_store::SqlStore;
use http::Uri;

use super::{Authority, Members, MembershipHook};
use crate::config::Config;
use crate::database::{Late, operator_query};
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
    lobbies: crate::lobbies::Members,
    metrics: &Arc<Metrics>,
) -> Result<Authority, StartError> {
    let members = match config.members.sql.as_str() {
        "" => Members::Own(store),
        sql => {
            let url = ("members.url", &config.members.url);
            Members::Asked(operator_query(config, url, ("members.sql", sql)).await?)
        }
    };
    let webhook = config.webhook.membership_url.uri();
    let webhook = webhook
        .map(|url| webhook_at("membership", url, config, metrics))
        .transpose()?;
    let webhook = webhook.map(|webhook| MembershipHook(Arc::new(webhook)));
    Ok(Authority::new(
        members,
        Arc::new(lobbies),
        webhook,
        config.members.fresh,
    ))
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
