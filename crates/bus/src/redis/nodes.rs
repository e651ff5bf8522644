//! Who is alive, and words to all nodes, through Redis.

use bytes::Bytes;
use fred::error::{Error, ErrorKind};
use fred::interfaces::HashesInterface;
use fred::types::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::batch::Target;
use super::script::bytes_of;
use super::{RedisBus, script};
use crate::cluster::RECORD_LIFE;
use crate::{BusError, Cluster, NodeRecord};

fn life() -> Value {
    (RECORD_LIFE.as_millis() as i64).into()
}

impl Cluster for RedisBus {
    fn announce(&self, record: NodeRecord) -> BoxFuture<'static, Result<(), BusError>> {
        *self.announced.lock() = Some(record.node.clone());
        self.ask(self.names.nodes(), move |up, names| {
            let record = record.clone();
            async move {
                let text =
                    serde_json::to_string(&record).map_err(|why| Error::new(ErrorKind::Unknown, why.to_string()))?;
                let args = vec![record.node.into(), text.into(), life()];
                script::ANNOUNCE
                    .run_loading(&up.client, vec![names.nodes().into()], args)
                    .await
                    .map(drop)
            }
        })
    }

    fn nodes(&self) -> BoxFuture<'static, Result<Vec<NodeRecord>, BusError>> {
        self.ask(self.names.nodes(), |up, names| async move {
            let answer = script::NODES
                .run_loading(&up.client, vec![names.nodes().into()], vec![life()])
                .await?;
            let records = answer.into_array().into_iter().filter_map(bytes_of);
            // A record of a version that says it otherwise is not ours to judge.
            let mut records: Vec<NodeRecord> = records.filter_map(|text| serde_json::from_slice(&text).ok()).collect();
            records.sort_by(|one, other| one.node.cmp(&other.node));
            Ok(records)
        })
    }

    fn withdraw(&self) -> BoxFuture<'static, Result<(), BusError>> {
        let Some(node) = self.announced.lock().take() else {
            return std::future::ready(Ok(())).boxed();
        };
        self.ask(self.names.nodes(), move |up, names| {
            let node = node.clone();
            async move { up.client.hdel::<Value, _, _>(names.nodes(), node).await.map(drop) }
        })
    }

    fn tell(&self, words: Bytes) -> BoxFuture<'static, Result<(), BusError>> {
        self.push(Target::Own(self.names.words.clone()), words)
            .map(|result| result.map(drop))
            .boxed()
    }
}
