use hallway_store::conformance::{Setup, Subject};
use hallway_store::{DatabaseOptions, SqlStore, StoreOptions};

/// Two nodes that share a file, each with connections of its own.
async fn make(setup: Setup) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        database: DatabaseOptions {
            url: format!("sqlite:{}", folder.path().join("hallway.sqlite").display()),
            timeout: crate::LONG,
            ..DatabaseOptions::default()
        },
        lease: setup.lease,
        ..StoreOptions::default()
    };
    Subject {
        store: SqlStore::connect(options.clone()).await.unwrap(),
        other: SqlStore::connect(options).await.unwrap(),
        guard: Box::new(folder),
    }
}

hallway_store::conformance_tests!(make);

mod in_memory {
    use super::{DatabaseOptions, Setup, SqlStore, StoreOptions, Subject};

    /// Nobody else reaches such a database: both nodes are one.
    async fn make(setup: Setup) -> Subject {
        let options = StoreOptions {
            database: DatabaseOptions {
                timeout: crate::LONG,
                ..DatabaseOptions::default()
            },
            lease: setup.lease,
            ..StoreOptions::default()
        };
        let store = SqlStore::connect(options).await.unwrap();
        Subject {
            other: store.clone(),
            store,
            guard: Box::new(()),
        }
    }

    hallway_store::conformance_tests!(make);
}
