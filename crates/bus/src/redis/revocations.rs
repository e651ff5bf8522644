//! Whose credentials are over, in a sorted set.

use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::types::Value;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::script::text_of;
use super::{RedisBus, script};
use crate::{BusError, Revocation, Revocations};

/// Most subjects in one call.
const BATCH: usize = 1000;

impl RedisBus {
    /// Puts subjects with their times, 0 for now; answers the server's now.
    fn put(&self, some: Vec<Revocation>, life: Duration) -> BoxFuture<'static, Result<u64, BusError>> {
        self.ask(self.names.revoked(), move |up, names| {
            let mut args: Vec<Value> = vec![i64::try_from(life.as_millis()).unwrap_or(i64::MAX).into()];
            for one in &some {
                args.extend([one.subject.as_str().into(), one.before.to_string().into()]);
            }
            async move {
                let answer = script::REVOKE
                    .run_loading(&up.client, vec![names.revoked().into()], args)
                    .await?;
                let now = text_of(answer).and_then(|text| text.parse().ok());
                now.ok_or_else(|| Error::new(ErrorKind::Parse, "no time"))
            }
        })
    }
}

impl Revocations for RedisBus {
    fn revoke(&self, subject: String, life: Duration) -> BoxFuture<'static, Result<Revocation, BusError>> {
        let put = self.put(
            vec![Revocation {
                subject: subject.clone(),
                before: 0,
            }],
            life,
        );
        put.map(|now| now.map(|before| Revocation { subject, before })).boxed()
    }

    fn restore(&self, known: Vec<Revocation>, life: Duration) -> BoxFuture<'static, Result<(), BusError>> {
        let puts: Vec<_> = known.chunks(BATCH).map(|some| self.put(some.to_vec(), life)).collect();
        async move {
            for put in puts {
                put.await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn revoked(&self, since: u64, limit: usize) -> BoxFuture<'static, Result<Vec<Revocation>, BusError>> {
        self.ask(self.names.revoked(), move |up, names| async move {
            let args = vec![since.to_string().into(), limit.to_string().into()];
            let answer = script::REVOKED
                .run_loading(&up.client, vec![names.revoked().into()], args)
                .await?;
            let mut words = answer.into_array().into_iter().filter_map(text_of);
            let mut some = Vec::new();
            while let (Some(subject), Some(before)) = (words.next(), words.next()) {
                let unreadable = |_| Error::new(ErrorKind::Parse, "a time that is no number");
                some.push(Revocation {
                    subject,
                    before: before.parse().map_err(unreadable)?,
                });
            }
            Ok(some)
        })
    }
}
