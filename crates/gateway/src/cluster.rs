//! Node to node: a question to all nodes and the answers of all nodes, over the bus. Used where something
//! must happen, or be known, on every node: a user's sockets closed, a room's people counted.
//!
//! An answer that is incomplete is no answer: a live node that stays silent makes the question `unavailable`.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use hallway_auth::SessionId;
use hallway_bus::{Cluster as Nodes, NodeRecord};
use hallway_protocol::{ClientId, Error, ErrorCode, Position, RoomName, UserId};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::authority::review;
use crate::lobbies;
use crate::membership::catch_up::Lines;
use crate::node::Node;
use crate::sessions::sockets_on;

/// How long the other nodes may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions of this node under way at once.
const QUESTIONS: usize = 1024;

/// What is asked of every node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Its share of a room's counts.
    Room {
        /// The room.
        room: RoomName,
    },
    /// The rooms that show their people and in which a user is with a socket of it.
    RoomsOf {
        /// The user.
        user: UserId,
    },
    /// To close sockets.
    Disconnect {
        /// All of this user.
        user: Option<UserId>,
        /// This one.
        client: Option<ClientId>,
        /// All that stand on this session.
        #[serde(default)]
        session: Option<SessionId>,
        /// What they are told.
        reason: String,
        /// Also that the credentials of that user or session of before this time are over, in Unix milliseconds.
        #[serde(default)]
        revoked_before: Option<u64>,
    },
    /// To let all sockets of a user into a room.
    Join {
        /// The room.
        room: RoomName,
        /// The user.
        user: UserId,
    },
    /// To take them out of it.
    Leave {
        /// The room.
        room: RoomName,
        /// The user.
        user: UserId,
        /// What they are told.
        #[serde(default)]
        reason: Option<String>,
    },
    /// To learn anew how a user stands in a room.
    Standing {
        /// The room.
        room: RoomName,
        /// The user.
        user: UserId,
    },
    /// That a lobby has no such member any more: their sockets leave its room.
    LeftLobby {
        /// The lobby's room.
        room: RoomName,
        /// Who; everyone without one.
        user: Option<UserId>,
        /// Where the notice of it stands in the room.
        at: Option<Position>,
    },
}

/// What goes over the wire between nodes. A node of another version that does not know a request answers
/// with an error, so that the question ends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Words {
    Question {
        from: String,
        number: u64,
        request: Value,
    },
    Answer {
        to: String,
        number: u64,
        from: String,
        answer: Result<Value, String>,
    },
}

struct Question {
    expected: BTreeSet<String>,
    answers: Vec<Value>,
    done: Option<oneshot::Sender<Result<Vec<Value>, Error>>>,
}

/// This node's end of the talk.
pub struct Cluster {
    nodes: Arc<dyn Nodes>,
    name: String,
    next: AtomicU64,
    questions: Mutex<HashMap<u64, Question>>,
}

fn silent() -> Error {
    Error::new(ErrorCode::Unavailable, "not every node has answered").retry_after(1000)
}

impl Cluster {
    /// An end with the node's name.
    pub fn new(nodes: Arc<dyn Nodes>, name: String) -> Self {
        Self {
            nodes,
            name,
            next: AtomicU64::new(1),
            questions: Mutex::default(),
        }
    }

    /// Nodes that are alive.
    ///
    /// # Errors
    /// The bus is away.
    pub async fn nodes(&self) -> Result<Vec<NodeRecord>, Error> {
        tokio::time::timeout(PATIENCE, self.nodes.nodes())
            .await
            .map_err(|_| silent())?
            .map_err(crate::error::from_bus)
    }

    /// Asks every node, this one too, and waits for all answers.
    ///
    /// # Errors
    /// `unavailable`: the bus is away, or a live node did not answer in time.
    pub async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<Vec<T>, Error> {
        let mut expected: BTreeSet<String> = self.nodes().await?.into_iter().map(|node| node.node).collect();
        expected.insert(self.name.clone());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (done, answers) = oneshot::channel();
        {
            let mut questions = self.questions.lock();
            if questions.len() >= QUESTIONS {
                return Err(silent());
            }
            questions.insert(
                number,
                Question {
                    expected,
                    answers: Vec::new(),
                    done: Some(done),
                },
            );
        }
        let answers = self.put(number, request, answers).await;
        self.questions.lock().remove(&number);
        answers?
            .into_iter()
            .map(|answer| serde_json::from_value(answer).map_err(|_| Error::new(ErrorCode::Internal, "internal error")))
            .collect()
    }

    async fn put(
        &self,
        number: u64,
        request: &Request,
        answers: oneshot::Receiver<Result<Vec<Value>, Error>>,
    ) -> Result<Vec<Value>, Error> {
        let request = serde_json::to_value(request).map_err(|_| Error::new(ErrorCode::Internal, "internal error"))?;
        let words = Words::Question {
            from: self.name.clone(),
            number,
            request,
        };
        let patience = tokio::time::Instant::now() + PATIENCE;
        tokio::time::timeout_at(patience, self.tell(&words))
            .await
            .map_err(|_| silent())??;
        tokio::time::timeout_at(patience, answers)
            .await
            .map_err(|_| silent())?
            .map_err(|_| silent())?
    }

    async fn tell(&self, words: &Words) -> Result<(), Error> {
        let bytes = serde_json::to_vec(words).map_err(|_| Error::new(ErrorCode::Internal, "internal error"))?;
        self.nodes
            .tell(Bytes::from(bytes))
            .await
            .map_err(crate::error::from_bus)
    }

    fn answered(&self, number: u64, from: &str, answer: Result<Value, String>) {
        let mut questions = self.questions.lock();
        let Some(question) = questions.get_mut(&number) else {
            return;
        };
        match answer {
            Ok(answer) if question.expected.remove(from) => question.answers.push(answer),
            Ok(_) => return,
            Err(why) => {
                tracing::warn!(node = from, why, "a node could not answer");
                if let Some(done) = question.done.take() {
                    drop(done.send(Err(silent())));
                }
                return;
            }
        }
        if question.expected.is_empty()
            && let Some(done) = question.done.take()
        {
            drop(done.send(Ok(std::mem::take(&mut question.answers))));
        }
    }
}

/// Takes in what the nodes say, one after another, until the bus ends or the node does.
pub async fn listen(node: Weak<Node>, mut words: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = words.recv().await {
        let Some(node) = node.upgrade() else { return };
        match serde_json::from_slice(&bytes) {
            Ok(Words::Answer {
                to,
                number,
                from,
                answer,
            }) if to == node.name => {
                node.cluster.answered(number, &from, answer);
            }
            Ok(Words::Answer { .. }) => {}
            // Beside the loop, since a join waits for Redis and the answers to our own questions come this way.
            Ok(Words::Question { from, number, request }) => drop(tokio::spawn(answer(node, from, number, request))),
            Err(why) => tracing::warn!(%why, "words between nodes that cannot be read"),
        }
    }
}

async fn answer(node: Arc<Node>, to: String, number: u64, request: Value) {
    let answer = match serde_json::from_value::<Request>(request) {
        Ok(request) => {
            let act = act(&node, request);
            tokio::time::timeout(PATIENCE, act)
                .await
                .unwrap_or_else(|_| Err("too slow".into()))
        }
        Err(why) => Err(why.to_string()),
    };
    let words = Words::Answer {
        to,
        number,
        from: node.name.clone(),
        answer,
    };
    // Whoever asked notices when nothing comes.
    if let Err(why) = node.cluster.tell(&words).await {
        tracing::debug!(%why, "an answer to a node could not be sent");
    }
}

/// A socket as the other nodes hear of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketInfo {
    /// The connection.
    pub client_id: ClientId,
    /// The node that holds it.
    pub node: String,
    /// Whether its user looks at it.
    pub is_active: bool,
    /// What it says it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
}

/// Does on this node what is asked of every node.
///
/// # Errors
/// Why it was not done, for the log.
pub(crate) async fn act(node: &Arc<Node>, request: Request) -> Result<Value, String> {
    let value = match request {
        Request::Room { room } => serde_json::to_value(crate::endpoints::rooms_info::share(node, &room)),
        Request::RoomsOf { user } => serde_json::to_value(crate::people::effects::rooms_here(node, &user)),
        Request::Disconnect {
            user: Some(user),
            revoked_before: Some(before),
            reason,
            ..
        } => serde_json::to_value(node.revocations.learn_user(&user, before, &reason)),
        Request::Disconnect {
            session: Some(session),
            revoked_before: Some(before),
            reason,
            ..
        } => serde_json::to_value(node.revocations.learn_session(&session, before, &reason)),
        Request::Disconnect {
            user,
            client,
            session,
            reason,
            ..
        } => serde_json::to_value(disconnect(node, user.as_ref(), client, session.as_ref(), &reason)),
        Request::Join { room, user } => {
            node.authority.forget(&user, &room);
            let kind = node.kinds.resolve(&room).map_err(|why| why.to_string())?.kind;
            let sockets = node.hub.sockets_of(&user);
            for socket in &sockets {
                node.membership
                    .join(kind, &room, socket, Lines::default(), |_| None)
                    .await
                    .map_err(|why| why.to_string())?;
            }
            serde_json::to_value(sockets.len())
        }
        Request::LeftLobby { room, user, at } => {
            // Beside the answer: they are to hear the notice first.
            drop(tokio::spawn(lobbies::put_out(Arc::clone(node), room, user, at)));
            serde_json::to_value(0)
        }
        Request::Leave { room, user, reason } => {
            // Before the sockets are looked for: one that is about to enter looks again when it is in.
            node.authority.forget(&user, &room);
            let sockets = node.hub.sockets_of(&user);
            let reason = reason.as_deref().unwrap_or("taken out by the backend");
            let put_out = |socket: &Arc<_>| review::put_out(node, socket, &room, reason);
            serde_json::to_value(sockets.iter().filter(|socket| put_out(socket)).count())
        }
        Request::Standing { room, user } => {
            node.authority.forget(&user, &room);
            let rule = node.kinds.resolve(&room).map_err(|why| why.to_string())?.kind.join;
            let decision = node.authority.decide(rule, &user, &room).await;
            serde_json::to_value(u64::from(decision.map_err(|why| why.to_string())?.role.is_some()))
        }
    };
    value.map_err(|why| why.to_string())
}

fn disconnect(
    node: &Node,
    user: Option<&UserId>,
    client: Option<ClientId>,
    session: Option<&SessionId>,
    reason: &str,
) -> usize {
    let mut sockets = user.map(|user| node.hub.sockets_of(user)).unwrap_or_default();
    sockets.extend(client.and_then(|client| node.hub.socket(client)));
    sockets.extend(
        session
            .map(|session| sockets_on(&node.hub, session.as_str()))
            .unwrap_or_default(),
    );
    for socket in &sockets {
        socket.close(hallway_protocol::CloseCode::Forbidden, reason);
    }
    sockets.len()
}
