//! Bounds that are the same on every node, because clients and stored data rely on them. Those that an
//! operator may choose are settings of the gateway.

/// Deepest nesting of `args`, and of a broadcast's `data`: objects and arrays inside one another.
pub const JSON_DEPTH: usize = 64;
/// Longest destination (event name) in bytes.
pub const DESTINATION_LEN: usize = 200;
/// Largest request id: the largest integer that JavaScript counts exactly (2^53 - 1).
pub const REQUEST_ID: u64 = (1 << 53) - 1;
/// Longest `device` of `client.update` in bytes.
pub const DEVICE_LEN: usize = 200;
/// Most rooms in one call of the backend API's broadcast.
pub const BROADCAST_ROOMS: usize = 100;
/// Longest idempotency key in bytes.
pub const IDEMPOTENCY_KEY_LEN: usize = 200;
/// Most broadcasts in one answer of history.
pub const HISTORY_PAGE: usize = 1000;
/// Longest content of a message, in characters (Unicode scalar values).
pub const MESSAGE_CHARS: usize = 5000;
/// Longest `clientMessageId` in bytes.
pub const CLIENT_MESSAGE_ID_LEN: usize = 200;
/// Most messages or members in one page.
pub const PAGE: usize = 200;
/// Items of a page unless asked for.
pub const PAGE_DEFAULT: usize = 50;
/// Most users in one answer of `rooms.info`.
pub const ROSTER_PAGE: usize = 1000;
/// Most users in one question of `presence.get`.
pub const PRESENCE_USERS: usize = 100;
