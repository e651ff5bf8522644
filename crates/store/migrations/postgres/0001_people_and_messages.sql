-- Ids and names are compared byte by byte, whatever the database's own collation: pages depend on it.
CREATE TABLE users (
    id text COLLATE "C" PRIMARY KEY,
    name text,
    status text,
    last_seen_at bigint,
    created_at bigint NOT NULL
);

-- Without a role, a row only remembers a mute or a ban.
CREATE TABLE memberships (
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
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
    room text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    from_user text COLLATE "C" NOT NULL,
    type text NOT NULL,
    content text NOT NULL,
    reply_to text COLLATE "C",
    client_message_id text COLLATE "C",
    created_at bigint NOT NULL,
    edited_at bigint,
    deleted_at bigint,
    revision text COLLATE "C" NOT NULL,
    PRIMARY KEY (room, id)
);
CREATE UNIQUE INDEX messages_by_revision ON messages (room, revision);
CREATE UNIQUE INDEX messages_by_client_id ON messages (room, from_user, client_message_id)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE reactions (
    room text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    reaction text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (room, message_id, reaction, user_id)
);

CREATE TABLE read_positions (
    room text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    read_at bigint NOT NULL,
    PRIMARY KEY (room, user_id)
);

-- Changes that are to be broadcast. Rows live for a moment.
CREATE TABLE outbox (
    room text COLLATE "C" NOT NULL,
    revision text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    change text NOT NULL,
    user_id text COLLATE "C",
    reaction text,
    attempts bigint NOT NULL DEFAULT 0,
    due_at bigint NOT NULL,
    PRIMARY KEY (room, revision)
);
CREATE INDEX outbox_by_time ON outbox (due_at);
