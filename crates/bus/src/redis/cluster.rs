//! Keeps a shard for each primary of a cluster, and each slot's rooms with the shard that has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::{Config, Server, ServerConfig};
use fred::types::{CustomCommand, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, select_all};
use tokio::sync::watch;

use super::link::{self, Up};
use super::names::Names;
use super::routes::Routes;
use super::script::text_of;
use super::shard::{Common, Shard};
use super::slots::{self, SLOTS};
use super::topology::{self, Primary, Topology};
use super::wanted::ShardId;
use crate::Health;

/// How often servers are asked who has which slot, unless something shows that it has changed.
const INTERVAL: Duration = Duration::from_secs(1);
/// Never more often than this.
const LEAST: Duration = Duration::from_millis(20);

/// A primary that is used.
struct Member {
    shard: Arc<Shard>,
    health: watch::Receiver<Health>,
    /// As it was learned when the shard was started.
    address: (String, u16),
    epoch: u64,
    hears_words: bool,
}

/// The task's state.
pub(super) struct Supervisor {
    common: Common,
    /// Without its server.
    config: Config,
    seeds: Vec<Server>,
    /// Tells this node from others, in the names of its probes.
    token: u64,
    routes: Arc<Routes>,
    health: watch::Sender<Health>,
    topology: Topology,
    members: HashMap<String, Member>,
    next: ShardId,
    is_covered: bool,
}

impl Supervisor {
    pub(super) fn new(
        common: Common,
        config: Config,
        seeds: Vec<Server>,
        token: u64,
        health: watch::Sender<Health>,
    ) -> Self {
        Self {
            routes: Arc::clone(&common.routes),
            common,
            config,
            seeds,
            token,
            health,
            topology: Topology::default(),
            members: HashMap::new(),
            next: 1,
            is_covered: false,
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        let mut told = None;
        loop {
            let started = Instant::now();
            let mut asking = self.ask();
            let views = loop {
                tokio::select! {
                    biased;
                    views = &mut asking => break views,
                    () = self.health_changes() => self.judge(),
                }
            };
            match views {
                Ok(views) => {
                    told = None;
                    self.topology.learn(&views);
                    self.follow();
                }
                Err(why) if told.as_deref() != Some(why.details()) => {
                    tracing::warn!(why = why.details(), "no server of the Redis cluster answers");
                    told = Some(why.details().to_owned());
                }
                Err(_) => {}
            }
            self.judge();
            self.rest(started).await;
        }
    }

    /// Until servers are to be asked again.
    async fn rest(&mut self, started: Instant) {
        let routes = Arc::clone(&self.routes);
        let until = tokio::time::sleep(INTERVAL);
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                biased;
                () = self.health_changes() => {
                    self.judge();
                    // One that is down may have been replaced.
                    if !self.health.borrow().link {
                        break;
                    }
                }
                () = routes.are_stale.notified() => break,
                () = &mut until => break,
            }
        }
        tokio::time::sleep(LEAST.saturating_sub(started.elapsed())).await;
    }

    /// What all servers say that are connected; else what one says that can be.
    fn ask(&self) -> BoxFuture<'static, Result<Vec<Vec<Primary>>, Error>> {
        let ups = self.members.values().filter_map(|member| {
            let up = member.shard.commands.borrow().clone();
            up.map(|up| (up, member.address.0.clone()))
        });
        let ups: Vec<(Up, String)> = ups.collect();
        let known = self.topology.primaries.values();
        let known = known.map(|primary| Server::new(primary.host.as_str(), primary.port));
        let servers: Vec<Server> = known.chain(self.seeds.iter().cloned()).collect();
        let (config, options) = (self.config.clone(), self.common.options.clone());
        async move {
            let answers = join_all(ups.iter().map(|(up, host)| nodes(&up.client, host))).await;
            let views: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
            if !views.is_empty() {
                return Ok(views);
            }
            let attempts = servers.into_iter().map(|server| {
                let (config, options) = (at(&config, server.clone()), &options);
                async move {
                    let (client, _driver) = link::open(config, options, 1).await?;
                    nodes(&client, &server.host).await
                }
            });
            let mut last = Err(Error::new(fred::error::ErrorKind::Config, "no server is named"));
            let mut views = Vec::new();
            for result in join_all(attempts).await {
                match result {
                    Ok(view) => views.push(view),
                    Err(why) => last = Err(why),
                }
            }
            if views.is_empty() { last } else { Ok(views) }
        }
        .boxed()
    }

    /// Makes shards and routes as they were learned.
    fn follow(&mut self) {
        let prefix = self.common.options.channel_prefix.clone();
        let words = usize::from(slots::of(&Names::new(&prefix, self.token).words));
        let mut has: HashMap<String, Vec<bool>> = HashMap::new();
        for slot in 0..SLOTS {
            if let Some(id) = self.topology.owner(slot) {
                has.entry(id.to_owned()).or_insert_with(|| vec![false; SLOTS])[slot] = true;
            }
        }
        let mut members = std::mem::take(&mut self.members);
        let mut old = Vec::new();
        for (id, has) in has {
            let Some(primary) = self.topology.primaries.get(&id).cloned() else {
                continue;
            };
            let before = members.remove(&id);
            match before {
                Some(mut member) if member.serves(&primary, &has, words) => {
                    member.notice(&primary);
                    self.members.insert(id, member);
                }
                before => {
                    if let Some(member) = self.start(&primary, &has, words, before.as_ref()) {
                        self.members.insert(id, member);
                    }
                    old.extend(before);
                }
            }
        }
        old.extend(members.into_values());
        self.route(&prefix);
        for member in old {
            self.common.wanted.remove(member.shard.id);
        }
    }

    fn start(&mut self, primary: &Primary, has: &[bool], words: usize, before: Option<&Member>) -> Option<Member> {
        let prefix = &self.common.options.channel_prefix;
        let names = Names::sharded(prefix, self.token, |slot| has[usize::from(slot)])?;
        let server = Server::new(primary.host.as_str(), primary.port);
        let config = at(&self.config, server);
        let known = before.map_or_else(String::new, |member| member.shard.lineage.known());
        let id = self.next;
        self.next += 1;
        tracing::info!(
            host = primary.host,
            port = primary.port,
            "a server of the Redis cluster"
        );
        let shard = Shard::start(id, &config, names, has[words], known, &self.common);
        Some(Member {
            health: shard.health.clone(),
            shard: Arc::new(shard),
            address: (primary.host.clone(), primary.port),
            epoch: primary.epoch,
            hears_words: has[words],
        })
    }

    /// Tells everyone who has what.
    fn route(&mut self, prefix: &str) {
        let shard_of = |slot| {
            let member = self.members.get(self.topology.owner(slot)?)?;
            Some(Arc::clone(&member.shard))
        };
        let owners: Vec<Option<Arc<Shard>>> = (0..SLOTS).map(shard_of).collect();
        self.is_covered = owners.iter().all(Option::is_some);
        let ids = owners
            .iter()
            .map(|shard| shard.as_ref().map(|shard| shard.id))
            .collect();
        self.routes.set_slots(prefix, owners);
        self.common.wanted.route(prefix, ids);
    }

    /// Ready when a shard's health is another than was judged last. Cancel safe.
    async fn health_changes(&mut self) {
        let changes = self.members.values_mut().map(|member| member.health.changed().boxed());
        let changes: Vec<_> = changes.collect();
        if changes.is_empty() {
            std::future::pending::<()>().await;
        }
        select_all(changes).await.0.unwrap_or_default();
    }

    fn judge(&mut self) {
        let members = self.members.values_mut();
        let all: Vec<Health> = members.map(|member| *member.health.borrow_and_update()).collect();
        let is_all = self.is_covered && !all.is_empty();
        let now = Health {
            link: is_all && all.iter().all(|health| health.link),
            probed: all.iter().map(|health| health.probed).min().flatten(),
            ready: is_all && all.iter().all(|health| health.ready),
        };
        self.health.send_if_modified(|health| {
            let is_news = health.ready != now.ready || health.link != now.link;
            *health = now;
            is_news
        });
    }
}

impl Member {
    /// Whether its shard can stay, with the slots that the primary has now.
    fn serves(&self, primary: &Primary, has: &[bool], words: usize) -> bool {
        let has_name = |name: &str| has[usize::from(slots::of(name))];
        self.address == (primary.host.clone(), primary.port)
            && has_name(&self.shard.names.probe)
            && has_name(&self.shard.names.lineage)
            && (self.hears_words || !has[words])
    }

    /// A slot that was moved away and back between two looks has lost its subscriptions, and shows only in the epoch
    /// that its primary took with it.
    fn notice(&mut self, primary: &Primary) {
        if self.epoch < primary.epoch {
            self.epoch = primary.epoch;
            if let Some(up) = &*self.shard.subscriptions.borrow() {
                up.tear_down();
            }
        }
    }
}

fn at(config: &Config, server: Server) -> Config {
    Config {
        server: ServerConfig::Centralized { server },
        ..config.clone()
    }
}

/// What a server says of all.
async fn nodes(client: &Client, host: &str) -> Result<Vec<Primary>, Error> {
    let command = CustomCommand::new_static("CLUSTER", None, false);
    let answer = client.custom::<Value, _>(command, vec![Value::from("NODES")]).await?;
    Ok(topology::read(&text_of(answer).unwrap_or_default(), host))
}
