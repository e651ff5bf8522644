//! Pages of messages, and the order in which they are stored.

use hallway_client::Client;
use hallway_testkit::Cluster;
use serde_json::{Value, json};

use crate::messages::{CHAT, everywhere, node, say};

/// Pages of `limit` from a first one on, until there are no more.
async fn pages(client: &Client, mut args: Value, on: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    loop {
        let page = client.request("messages.list", &args).await.unwrap();
        pages.push(page["messages"].as_array().unwrap().clone());
        if page["nextCursor"].is_null() {
            return pages;
        }
        for place in ["after", "before", "since"] {
            args.as_object_mut().unwrap().remove(place);
        }
        args[on] = page["nextCursor"].clone();
    }
}

fn contents<'m>(messages: impl IntoIterator<Item = &'m Value>) -> Vec<String> {
    let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
    messages.into_iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_still_while_others_write() {
    everywhere("pages", async |cluster| {
        let (alice, _) = cluster.connect(node(cluster, 0), "alice").await;
        let (bob, _) = cluster.connect(node(cluster, 1), "bob").await;
        let mut sent = Vec::new();
        for number in 0..40 {
            sent.push(say(&alice, CHAT, &format!("a{number}")).await);
        }
        let writing = async {
            for number in 0..60 {
                say(&bob, CHAT, &format!("b{number}")).await;
            }
        };
        let reading = async {
            let mut seen = pages(
                &alice,
                json!({"room": CHAT, "before": sent[39]["id"], "limit": 7}),
                "before",
            )
            .await;
            seen.reverse();
            seen
        };
        let ((), back) = tokio::join!(writing, reading);
        let expected: Vec<_> = (0..39).map(|number| format!("a{number}")).collect();
        assert_eq!(contents(back.iter().flatten()), expected, "each once, in order");
        let onward = pages(
            &bob,
            json!({"room": CHAT, "after": sent[9]["id"], "limit": 11}),
            "after",
        )
        .await;
        assert_eq!(onward.iter().flatten().count(), 90);
        assert!(onward.iter().all(|page| page.len() <= 11));

        // What changed comes once more, as it is now, and nothing else does.
        let now = sent[39]["createdAt"].as_u64().unwrap();
        let args = json!({"room": CHAT, "messageId": sent[3]["id"], "content": "edited"});
        alice.request("messages.edit", args).await.unwrap();
        let since = pages(&bob, json!({"room": CHAT, "since": now, "limit": 25}), "after").await;
        let texts = contents(since.iter().flatten());
        assert_eq!(texts.iter().filter(|text| *text == "edited").count(), 1);
        assert_eq!(texts.iter().filter(|text| text.starts_with('b')).count(), 60);
        let newest = bob.request("messages.list", json!({"room": CHAT})).await.unwrap();
        assert_eq!(newest["messages"].as_array().unwrap().len(), 50, "the default");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_fits_into_a_sockets_queue() {
    let cluster = Cluster::alone("[limits]\nresume_bytes = '100KiB'").await;
    let (alice, _) = cluster.connect(0, "alice").await;
    for _ in 0..12 {
        say(&alice, CHAT, &"\u{1f600}".repeat(5000)).await;
    }
    let all = pages(&alice, json!({"room": CHAT, "limit": 200}), "before").await;
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), 12);
    assert_eq!(all[0].len(), 5, "of 20 kB each");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_socket_says_in_a_row_is_stored_in_that_order() {
    everywhere("order", async |cluster| {
        let (alice, _) = cluster.connect(0, "alice").await;
        let requests = alice.requests();
        let all = (0..30).map(|number| {
            let args = json!({"room": CHAT, "content": number.to_string()});
            let requests = requests.clone();
            async move { requests.request("messages.send", args).await.unwrap()["seq"].clone() }
        });
        let numbers = futures_util::future::join_all(all).await;
        assert_eq!(numbers, (1..=30).map(Value::from).collect::<Vec<_>>());
        let page = alice.request("messages.list", json!({"room": CHAT})).await.unwrap();
        let texts: Vec<_> = (0..30).map(|number: u32| number.to_string()).collect();
        assert_eq!(contents(page["messages"].as_array().unwrap()), texts);
    })
    .await;
}
