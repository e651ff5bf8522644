use std::sync::atomic::{AtomicUsize, Ordering};

use hallway_store::conformance::{Setup, Subject};
use hallway_store::{DatabaseOptions, SqlStore, StoreOptions};
use hallway_testkit::PostgresServer;

/// Two nodes that share a schema of their own on a server that others use too.
async fn make(setup: Setup) -> Subject {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let server = PostgresServer::shared().await;
    let options = StoreOptions {
        database: DatabaseOptions {
            url: server.url(),
            timeout: crate::LONG,
            ..DatabaseOptions::default()
        },
        schema: format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        lease: setup.lease,
    };
    Subject {
        store: SqlStore::connect(options.clone()).await.unwrap(),
        other: SqlStore::connect(options).await.unwrap(),
        guard: Box::new(server),
    }
}

hallway_store::conformance_tests!(make);
