-- Text is compared byte by byte: BINARY is the default.
CREATE TABLE users (
    id text PRIMARY KEY,
    name text,
    status text,
    last_seen_at bigint,
    created_at bigint NOT NULL
);

-- Without a role, a row only remembers a mute or a ban.
CREATE TABLE memberships (
    room text NOT NULL,
    user_id text NOT NULL,
    role text,
    muted_until bigint,
    banned boolean NOT NULL DEFAULT FALSE,
    created_at bigint NOT NULL,
    PRIMARY KEY (room, user_id),
    CHECK (NOT banned OR role IS NULL)
);
CREATE INDEX memberships_of_user ON memberships (user_id, room);

-- A revision is given with every change; it rises within a room like the ids do.
CREATE TABLE messages (
    room text NOT NULL,
    id text NOT NULL,
    from_user text NOT NULL,
    type text NOT NULL,
    content text NOT NULL,
    reply_to text,
    client_message_id text,
    created_at bigint NOT NULL,
    edited_at bigint,
    deleted_at bigint,
    revision text NOT NULL,
    PRIMARY KEY (room, id)
);
CREATE UNIQUE INDEX messages_by_revision ON messages (room, revision);
CREATE UNIQUE INDEX messages_by_client_id ON messages (room, from_user, client_message_id)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE reactions (
    room text NOT NULL,
    message_id text NOT NULL,
    reaction text NOT NULL,
    user_id text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (room, message_id, reaction, user_id)
);

CREATE TABLE read_positions (
    room text NOT NULL,
    user_id text NOT NULL,
    message_id text NOT NULL,
    read_at bigint NOT NULL,
    PRIMARY KEY (room, user_id)
);

-- Changes that are to be broadcast. Rows live for a moment.
CREATE TABLE outbox (
    room text NOT NULL,
    revision text NOT NULL,
    message_id text NOT NULL,
    change text NOT NULL,
    user_id text,
    reaction text,
    attempts bigint NOT NULL DEFAULT 0,
    due_at bigint NOT NULL,
    PRIMARY KEY (room, revision)
);
CREATE INDEX outbox_by_time ON outbox (due_at);
