//! Questions to whoever has the answer: one server, or, on a cluster, several.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fred::error::Error;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};
use hallway_protocol::RoomName;

use super::lineage::Since;
use super::link::Up;
use super::names::Names;
use super::routes::Routes;
use super::{RedisBus, errors, read, slots};
use crate::{BusError, RoomState};

/// How long to leave a slot alone that moves.
const ASK_AGAIN: Duration = Duration::from_millis(25);
/// Most questions under way for one answer.
const QUESTIONS: usize = 64;

/// Who asks. Cheap to clone, so that what takes several questions can ask them one after another.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) routes: Arc<Routes>,
    pub(super) names: Arc<Names>,
    patience: Duration,
}

impl Asker {
    /// Asks who has a channel, on the link for commands; once more where it is another meanwhile. The question is told from
    /// where on that server's epochs count.
    pub(super) async fn ask_since<T, F>(
        &self,
        channel: String,
        question: impl Fn(Up, Arc<Names>, Since) -> F + Send + 'static,
    ) -> Result<T, BusError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Self { routes, names, .. } = self;
        let answer = async move {
            loop {
                let shard = routes.of_channel(&channel);
                let since = shard.as_ref().map(|shard| shard.lineage.since()).unwrap_or_default();
                let Some(up) = shard.and_then(|shard| shard.commands.borrow().clone()) else {
                    return Err(BusError::Unavailable("the link is down"));
                };
                match question(up, Arc::clone(names), since).await {
                    Err(why) if names.is_sharded && errors::is_elsewhere(&why) => {
                        routes.are_stale.notify_one();
                        tokio::time::sleep(ASK_AGAIN).await;
                    }
                    result => return result.map_err(|why| errors::from_fred(&why)),
                }
            }
        };
        let answer = tokio::time::timeout(self.patience, answer).await;
        answer.unwrap_or(Err(BusError::Timeout))
    }

    /// The same, for a question that does not mind where epochs begin.
    pub(super) fn ask<T, F>(
        &self,
        channel: String,
        question: impl Fn(Up, Arc<Names>) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BusError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let asker = self.clone();
        async move { asker.ask_since(channel, move |up, names, _| question(up, names)).await }.boxed()
    }
}

impl RedisBus {
    /// Who asks for this bus.
    pub(super) fn asker(&self) -> Asker {
        Asker {
            routes: Arc::clone(&self.routes),
            names: Arc::clone(&self.names),
            patience: self.patience,
        }
    }

    /// See [`Asker::ask`].
    pub(super) fn ask<T, F>(
        &self,
        channel: String,
        question: impl Fn(Up, Arc<Names>) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BusError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.asker().ask(channel, question)
    }

    /// Rooms that may be asked for together, with their places in the question.
    fn together(&self, rooms: Vec<RoomName>) -> Vec<Vec<(usize, RoomName)>> {
        let rooms = rooms.into_iter().enumerate();
        if !self.names.is_sharded {
            return vec![rooms.collect()];
        }
        let mut slots: HashMap<u16, Vec<(usize, RoomName)>> = HashMap::new();
        for (place, room) in rooms {
            let slot = slots::of(&self.names.channel(&room));
            slots.entry(slot).or_default().push((place, room));
        }
        slots.into_values().collect()
    }

    /// Where rooms stand, in the order asked.
    pub(super) fn ask_states(
        &self,
        rooms: Vec<RoomName>,
    ) -> BoxFuture<'static, Result<Vec<Option<RoomState>>, BusError>> {
        let count = rooms.len();
        let questions = self.together(rooms).into_iter().map(|rooms| {
            let (places, rooms): (Vec<usize>, Vec<RoomName>) = rooms.into_iter().unzip();
            let channel = rooms.first().map(|room| self.names.channel(room)).unwrap_or_default();
            let floors = Arc::clone(&self.floors);
            let rooms = Arc::new(rooms);
            let states = self.ask(channel, move |up, names| {
                let (floors, rooms) = (Arc::clone(&floors), Arc::clone(&rooms));
                async move { read::states(&up, &names, &floors, &rooms).await }
            });
            states.map_ok(|states| (places, states))
        });
        let answers = stream::iter(questions.collect::<Vec<_>>()).buffer_unordered(QUESTIONS);
        async move {
            let answers: Vec<(Vec<usize>, Vec<Option<RoomState>>)> = answers.try_collect().await?;
            let mut all = vec![None; count];
            for (place, state) in answers
                .into_iter()
                .flat_map(|(places, states)| places.into_iter().zip(states))
            {
                all[place] = state;
            }
            Ok(all)
        }
        .boxed()
    }
}
