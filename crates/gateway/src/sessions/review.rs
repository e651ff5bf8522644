//! Looks again at the sessions that sockets stand on, those too that came back with a ticket: each once per interval, evenly
//! spread, and asked about once whatever number of sockets it concerns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hallway_auth::{Identity, SessionToken};
use hallway_hub::Socket;
use hallway_protocol::{CloseCode, UserId};
use tokio::time::Instant;

use super::{Sessions, stands_on};
use crate::clock::unix_ms;
use crate::connection::admission::{authorization, identity_of};
use crate::node::Node;
use crate::revocation::SESSION_OVER;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Questions under way at once: fewer than the connections that those have who want to come in.
const AT_ONCE: usize = 4;

/// Goes through all that there are, once per `interval`. Runs until it is dropped; ends at once where there are no sessions.
pub async fn run(node: Arc<Node>, interval: Duration) {
    let Some(sessions) = &node.sessions else { return };
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let rounds = (interval.as_secs_f64() / ROUND.as_secs_f64()).ceil().max(1.0);
    let (mut ahead, mut share) = (VecDeque::new(), 0);
    let mut next = Instant::now();
    loop {
        let now = tick.tick().await;
        if ahead.is_empty() && now >= next {
            next = now + interval;
            ahead = all(&node);
            share = (ahead.len() as f64 / rounds).ceil() as usize;
        }
        let turn: Vec<_> = ahead.drain(..share.min(ahead.len())).collect();
        let looks = stream::iter(turn).for_each_concurrent(AT_ONCE, |(token, user)| {
            let node = &node;
            async move { look(node, sessions, &token, &user).await }
        });
        looks.await;
    }
}

/// The sessions that sockets of this node stand on, with their users, in an order that is the same every time: so the times
/// between two looks at one are about the same.
fn all(node: &Node) -> VecDeque<(SessionToken, UserId)> {
    let mut all = BTreeMap::new();
    node.hub.for_each_socket(|socket| {
        let Some(identity) = identity_of(socket) else { return };
        if let (Some(token), Some(user)) = (&identity.session, &identity.user) {
            all.entry(token.id().clone())
                .or_insert_with(|| (token.clone(), user.clone()));
        }
    });
    all.into_values().collect()
}

/// Ends what stands on a session that is gone, or has become another user's. Where nobody answers, all stays as it is:
/// nothing has changed as far as anybody knows.
async fn look(node: &Node, sessions: &Sessions, token: &SessionToken, user: &UserId) {
    let Ok(answer) = sessions.look(token).await else {
        return;
    };
    match answer.filter(|identity| identity.user.as_ref() == Some(user)) {
        Some(session) => renew(node, token, user, &session),
        None => end(node, token, user).await,
    }
}

/// An application that sees its user moves the end of their session on.
fn renew(node: &Node, token: &SessionToken, user: &UserId, session: &Identity) {
    for (socket, identity) in standing_on(node, token, user) {
        if identity.expires_at == session.expires_at {
            continue;
        }
        let identity = Arc::new(Identity {
            expires_at: session.expires_at,
            ..Identity::clone(&identity)
        });
        node.hub.authorize(&socket, authorization(&identity));
        socket.set_badge(identity);
    }
}

async fn end(node: &Node, token: &SessionToken, user: &UserId) {
    let over = standing_on(node, token, user);
    node.metrics.auth.sessions_ended.inc();
    tracing::debug!(session = %token.id(), "a session is gone");
    let lives = |identity: &Identity| identity.expires_at.is_none_or(|end| unix_ms() < end);
    // The tickets of one that ran out have run out with it.
    if over.iter().any(|(_, identity)| lives(identity)) {
        node.revocations.end_session(token.id()).await;
    }
    for (socket, _) in over {
        socket.close(CloseCode::Unauthenticated, SESSION_OVER);
    }
}

fn standing_on(node: &Node, token: &SessionToken, user: &UserId) -> Vec<(Arc<Socket>, Arc<Identity>)> {
    let sockets = node.hub.sockets_of(user).into_iter();
    let with_identity = sockets.filter_map(|socket| Some((Arc::clone(&socket), identity_of(&socket)?)));
    with_identity
        .filter(|(_, identity)| stands_on(identity, token.id().as_str()))
        .collect()
}
