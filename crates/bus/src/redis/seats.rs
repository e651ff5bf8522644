//! Which sockets a user has, in a sorted set per user.

use std::collections::HashMap;

use fred::types::{Key, Value};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::script::Script;
use super::{RedisBus, script, slots};
use crate::seats::SEAT_LIFE;
use crate::{BusError, Seat, Seats};

/// Most seats in one call.
const BATCH: usize = 500;
/// Most calls under way for one question.
const AT_ONCE: usize = 64;

fn life() -> Value {
    (SEAT_LIFE.as_millis() as i64).into()
}

impl RedisBus {
    /// Seats that one call may touch: on a cluster those of one slot.
    fn in_calls(&self, seats: Vec<Seat>) -> Vec<Vec<Seat>> {
        let slots = if self.names.is_sharded {
            let mut slots: HashMap<u16, Vec<Seat>> = HashMap::new();
            for seat in seats {
                let slot = slots::of(&self.names.user_channel(&seat.user));
                slots.entry(slot).or_default().push(seat);
            }
            slots.into_values().collect()
        } else {
            vec![seats]
        };
        let chunks = slots.iter().flat_map(|seats| seats.chunks(BATCH));
        chunks.map(<[Seat]>::to_vec).collect()
    }

    fn for_seats(
        &self,
        seats: Vec<Seat>,
        script: &'static Script,
        first: Option<Value>,
    ) -> BoxFuture<'static, Result<(), BusError>> {
        let calls = self.in_calls(seats).into_iter().filter_map(|seats| {
            let channel = self.names.user_channel(&seats.first()?.user);
            let first = first.clone();
            Some(self.ask(channel, move |up, names| {
                let keys: Vec<Key> = seats.iter().map(|seat| names.seats(&seat.user).into()).collect();
                let clients = seats.iter().map(|seat| Value::from(seat.client.as_str()));
                let args: Vec<Value> = first.clone().into_iter().chain(clients).collect();
                async move { script.run_loading(&up.client, keys, args).await.map(drop) }
            }))
        });
        let calls = stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        async move { calls.try_collect().await }.boxed()
    }
}

impl Seats for RedisBus {
    fn take_seat(&self, seat: Seat, most: usize) -> BoxFuture<'static, Result<bool, BusError>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.ask(self.names.user_channel(&seat.user), move |up, names| {
            let key = names.seats(&seat.user);
            let args = vec![seat.client.as_str().into(), most.into(), life()];
            async move {
                let answer = script::TAKE_SEAT
                    .run_loading(&up.client, vec![key.into()], args)
                    .await?;
                Ok(answer.as_i64() == Some(1))
            }
        })
    }

    fn renew_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>> {
        self.for_seats(seats, &script::RENEW_SEATS, Some(life()))
    }

    fn give_back_seats(&self, seats: Vec<Seat>) -> BoxFuture<'static, Result<(), BusError>> {
        self.for_seats(seats, &script::GIVE_BACK_SEATS, None)
    }
}
