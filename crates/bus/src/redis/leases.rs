//! Who does what only one node is to do: a key with a life for each piece of work.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{RedisBus, script};
use crate::{BusError, Leases};

impl Leases for RedisBus {
    fn take_lease(
        &self,
        work: &'static str,
        holder: u64,
        life: Duration,
    ) -> BoxFuture<'static, Result<bool, BusError>> {
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX).max(1);
        self.ask(self.names.lease(work), move |up, names| async move {
            let args = vec![format!("{holder:016x}").into(), life.into()];
            let answer = script::LEASE
                .run_loading(&up.client, vec![names.lease(work).into()], args)
                .await?;
            Ok(answer.as_i64() == Some(1))
        })
    }
}
