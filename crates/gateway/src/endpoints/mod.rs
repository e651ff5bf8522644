//! What clients can ask for: one exhaustive match, a file per deed. An endpoint is asked by a [`Caller`] and
//! knows neither WebSockets nor HTTP.

mod auth_connect;
mod auth_refresh;
mod auth_resume;
mod client_update;
mod lobby_create;
mod lobby_get;
mod lobby_join;
mod lobby_leave;
mod lobby_list;
mod members_ban;
mod members_kick;
mod members_list;
mod members_mute;
mod members_set_role;
mod messages_delete;
mod messages_edit;
mod messages_list;
mod messages_react;
mod messages_read;
pub(crate) mod messages_send;
mod ping;
mod presence_get;
mod presence_update;
pub(crate) mod rooms_broadcast;
pub(crate) mod rooms_history;
pub(crate) mod rooms_info;
pub(crate) mod rooms_join;
mod rooms_leave;
pub(crate) mod rooms_state;
mod stats_get;
mod typing_start;
mod typing_stop;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hallway_auth::Identity;
use hallway_hub::Socket;
use hallway_protocol::endpoint::Nothing;
use hallway_protocol::kind::Room;
use hallway_protocol::{ClientFrame, Endpoint, Error, ErrorCode, RoomName};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::node::Node;

/// Who asks.
#[derive(Clone)]
pub struct Caller {
    /// The connection.
    pub socket: Arc<Socket>,
    /// Who it is.
    pub identity: Arc<Identity>,
}

/// The data of a reply, as JSON text.
pub type Data = Box<RawValue>;

/// What becomes of a request.
pub enum Answer {
    /// It is done.
    Now(Result<Data, Error>),
    /// It is being done, and what the same socket asks later waits for it. `None`: the reply is already sent.
    Ordered(BoxFuture<'static, Result<Option<Data>, Error>>),
    /// It has its place in line; what the same socket asks later need not wait.
    Unordered(BoxFuture<'static, Result<Data, Error>>),
    /// The connection has a new identity, and has been told.
    Identified(BoxFuture<'static, Result<Arc<Identity>, Error>>),
    /// The connection has its identity from newer credentials; the reply is still to be sent.
    Refreshed(BoxFuture<'static, Result<(Arc<Identity>, Data), Error>>),
}

impl Answer {
    fn now<T: Serialize>(answer: Result<T, Error>) -> Self {
        Self::Now(answer.and_then(|data| to_data(&data)))
    }
}

/// Does what a frame asks for. Takes its place in every line it needs before it returns.
pub fn dispatch(node: &Arc<Node>, caller: &Caller, frame: &ClientFrame) -> Answer {
    let endpoint = match &frame.endpoint {
        Ok(endpoint) => *endpoint,
        Err(name) => return Answer::Now(Err(unknown(name))),
    };
    let answer = match endpoint {
        Endpoint::Ping => frame.args().map(|args| ping::handle(node, caller, &args)),
        Endpoint::AuthConnect => frame
            .args()
            .map(|args| auth_connect::handle(node, caller, &args, frame.id)),
        Endpoint::AuthResume => frame
            .args()
            .map(|args| auth_resume::handle(node, caller, args, frame.id)),
        Endpoint::AuthRefresh => frame.args().map(|args| auth_refresh::handle(node, caller, args)),
        Endpoint::ClientUpdate => frame.args().map(|args| client_update::handle(node, caller, &args)),
        Endpoint::RoomsJoin => frame
            .args()
            .map(|args| rooms_join::handle(node, caller, args, frame.id)),
        Endpoint::RoomsLeave => frame.args().map(|args| rooms_leave::handle(node, caller, &args)),
        Endpoint::RoomsState => frame.args().map(|args| rooms_state::handle(node, caller, args)),
        Endpoint::RoomsInfo => frame.args().map(|args| rooms_info::handle(node, caller, args)),
        Endpoint::RoomsBroadcast => frame.args().map(|args| rooms_broadcast::handle(node, caller, args)),
        Endpoint::RoomsHistory => frame.args().map(|args| rooms_history::handle(node, caller, args)),
        Endpoint::MessagesSend => frame.args().map(|args| messages_send::handle(node, caller, args)),
        Endpoint::MessagesList => frame.args().map(|args| messages_list::handle(node, caller, args)),
        Endpoint::MessagesEdit => frame.args().map(|args| messages_edit::handle(node, caller, args)),
        Endpoint::MessagesDelete => frame.args().map(|args| messages_delete::handle(node, caller, args)),
        Endpoint::MessagesReact => frame.args().map(|args| messages_react::handle(node, caller, args)),
        Endpoint::MessagesRead => frame.args().map(|args| messages_read::handle(node, caller, args)),
        Endpoint::MembersList => frame.args().map(|args| members_list::handle(node, caller, args)),
        Endpoint::MembersKick => frame.args().map(|args| members_kick::handle(node, caller, args)),
        Endpoint::MembersMute => frame.args().map(|args| members_mute::mute(node, caller, args)),
        Endpoint::MembersUnmute => frame.args().map(|args| members_mute::unmute(node, caller, args)),
        Endpoint::MembersBan => frame.args().map(|args| members_ban::ban(node, caller, args)),
        Endpoint::MembersUnban => frame.args().map(|args| members_ban::unban(node, caller, args)),
        Endpoint::MembersSetRole => frame.args().map(|args| members_set_role::handle(node, caller, args)),
        Endpoint::TypingStart => frame.args().map(|args| typing_start::handle(node, caller, &args)),
        Endpoint::TypingStop => frame.args().map(|args| typing_stop::handle(node, caller, &args)),
        Endpoint::LobbyCreate => frame.args().map(|args| lobby_create::handle(node, caller, args)),
        Endpoint::LobbyJoin => frame.args().map(|args| lobby_join::handle(node, caller, args)),
        Endpoint::LobbyLeave => frame.args().map(|_: Nothing| lobby_leave::handle(node, caller)),
        Endpoint::LobbyGet => frame.args().map(|args| lobby_get::handle(node, caller, args)),
        Endpoint::LobbyList => frame.args().map(|args| lobby_list::handle(node, caller, args)),
        Endpoint::StatsGet => frame.args().map(|_: Nothing| stats_get::handle(node)),
        Endpoint::PresenceUpdate => frame.args().map(|args| presence_update::handle(node, caller, &args)),
        Endpoint::PresenceGet => frame.args().map(|args| presence_get::handle(node, caller, args)),
    };
    answer.unwrap_or_else(|why| Answer::Now(Err(why)))
}

fn unknown(name: &str) -> Error {
    let shown: String = name.chars().take(64).collect();
    Error::new(ErrorCode::UnknownEndpoint, format!("there is no endpoint {shown:?}"))
}

/// Writes an answer as JSON text.
pub(crate) fn to_data<T: Serialize + ?Sized>(data: &T) -> Result<Data, Error> {
    serde_json::value::to_raw_value(data).map_err(|why| {
        tracing::error!(%why, "an answer could not be written");
        Error::new(ErrorCode::Internal, "internal error")
    })
}

/// What a room's name means here.
pub(crate) fn resolve<'n>(node: &'n Node, room: &RoomName) -> Result<Room<'n>, Error> {
    node.kinds
        .resolve(room)
        .map_err(|why| Error::bad_args("room", format!("room: {why}")))
}

/// The same, for a caller that wants to know something of it: who may not join it, learns nothing about it.
pub(crate) async fn resolve_for<'n>(node: &'n Node, caller: &Caller, room: &RoomName) -> Result<Room<'n>, Error> {
    let resolved = resolve(node, room)?;
    node.authority.may_look(&resolved, room, caller).await?;
    Ok(resolved)
}
