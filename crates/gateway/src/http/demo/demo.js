// The demo: one connection that speaks the native protocol and comes back by itself, and a page that shows it.
// Nothing here is needed by a real client but the class Connection.

const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 15_000;
const PING_EVERY_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const TOKEN_FRESH_MS = 10 * 60_000;
const LOG_ROWS = 200;

/** Whether a client comes back by itself after a close. */
const comesBack = (code) => [1001, 1006, 1012, 1013].includes(code) || (code >= 4500 && code <= 4599);

/** What a close code says, for people. */
const CLOSED = {
  1000: "closed", 1001: "the node went away", 1006: "the connection was lost", 1009: "a message was too big",
  1012: "the node is draining", 1013: "the node is full", 4400: "bad frame", 4401: "not signed in, or no longer",
  4403: "forbidden", 4408: "signing in took too long", 4410: "revoked", 4429: "too many requests",
  4500: "this tab read too slowly", 4501: "no answer to a ping",
};

/**
 * One connection, opened again whenever the protocol says so.
 * Events: `state` {state, why, retryAt}, `hello`, `broadcast`. States: connecting, open, draining, waiting, refused, off.
 */
class Connection extends EventTarget {
  #token; // asks for a token: () => Promise<string>
  #socket = null;
  #attempts = 0;
  #timer = 0;
  #nextId = 1;
  #waiting = new Map(); // request id → {resolve, reject, timer}
  #comeBackAt = 0; // what a goodbye asked for
  #round = 0; // which attempt is the current one; an answer to an older one counts no more

  constructor(token) {
    super();
    this.#token = token;
  }

  async open() {
    clearTimeout(this.#timer);
    const round = ++this.#round;
    this.#state("connecting", this.#attempts ? `attempt ${this.#attempts + 1}` : "");
    let token;
    try {
      token = await this.#token();
    } catch (error) {
      if (round !== this.#round) return;
      if (error instanceof Refused) this.#state("refused", error.message);
      else this.#later("the node cannot be reached");
      return;
    }
    if (round !== this.#round) return;
    const url = new URL("/ws", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, ["hallway.v1.json", `hallway.token.${token}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** Leaves for good. */
  close() {
    clearTimeout(this.#timer);
    this.#round++;
    this.#attempts = 0;
    this.#drop(1000);
    this.#state("off", "");
  }

  /** Asks an endpoint; the answer's data, or an error with its `code`. */
  request(endpoint, args = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) throw new Error("not connected");
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`no answer to ${endpoint}`));
        // A link that swallows everything closes nothing: what was asked and not answered tells.
        if (endpoint === "ping") this.#closed(1006, "the node does not answer");
      }, REQUEST_TIMEOUT_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ id, endpoint, args }));
    });
  }

  #take(frame) {
    if (frame.hello) {
      this.#attempts = 0;
      this.#comeBackAt = 0;
      this.#state("open", "");
      this.#emit("hello", frame.hello);
    } else if (frame.broadcast) {
      this.#emit("broadcast", frame.broadcast);
    } else if (frame.goodbye) {
      this.#comeBackAt = Date.now() + frame.goodbye.reconnectAfterMs;
      this.#state("draining", `the node says goodbye: ${frame.goodbye.reason}`);
    } else if (frame.reply) {
      const { id, data, error } = frame.reply;
      const waiting = this.#waiting.get(id);
      if (!waiting) return;
      this.#waiting.delete(id);
      clearTimeout(waiting.timer);
      if (error) waiting.reject(Object.assign(new Error(error.message), error));
      else waiting.resolve(data);
    }
  }

  #closed(code, reason) {
    this.#drop(1000);
    const why = reason || CLOSED[code] || "closed";
    if (comesBack(code)) this.#later(`${why} (${code})`);
    else this.#state("refused", `${why} (${code})`);
  }

  /** Comes back when a goodbye said, else after a pause that doubles, with a random half, so that not all come at once. */
  #later(why) {
    const pause = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#attempts++);
    const backoff = pause / 2 + Math.random() * (pause / 2);
    const retryAt = this.#comeBackAt || Date.now() + backoff;
    this.#state(this.#comeBackAt ? "draining" : "waiting", why, retryAt);
    this.#comeBackAt = 0;
    this.#timer = setTimeout(() => this.open(), Math.max(0, retryAt - Date.now()));
  }

  #drop(code) {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error("the connection closed"));
    }
    this.#waiting.clear();
  }

  #state(state, why, retryAt = 0) {
    this.#emit("state", { state, why, retryAt });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The node said no, and would say so again. */
class Refused extends Error {}

/** A function that gives a token for a user, a fresh one only when the last one is old. */
function tokens(user) {
  let token = null;
  let since = 0;
  return async () => {
    if (token && Date.now() - since < TOKEN_FRESH_MS) return token;
    const answer = await fetch("/demo/token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user }),
    });
    const body = await answer.json().catch(() => ({}));
    if (answer.status >= 500) throw new Error(`status ${answer.status}`);
    if (!answer.ok) throw new Refused(body.error?.message ?? `no token: status ${answer.status}`);
    token = body.token;
    since = Date.now();
    return token;
  };
}

// The page.

const $ = (id) => document.getElementById(id);
const STATES = {
  off: "not connected", connecting: "connecting", open: "connected", draining: "draining",
  waiting: "reconnecting", refused: "refused",
};

let connection = null;
let user = "";
let room = "";
let position = null; // {epoch, seq} of the newest broadcast that was seen
let held = null; // broadcasts that came while the join's answer is on its way
let tally = newTally();
let retryAt = 0;
let pinging = 0;

function newTally() {
  return { received: 0, gaps: 0, unheard: new Set() };
}

function connect() {
  connection?.close();
  const [name, board] = [$("name").value.trim(), $("room").value.trim()];
  if (board !== room) startOver();
  [user, room] = [name, board];
  sessionStorage.setItem("hallway-demo", JSON.stringify({ user, room }));
  const mine = (connection = new Connection(tokens(user)));
  const on = (type, act) => mine.addEventListener(type, ({ detail }) => mine === connection && act(detail));
  on("state", showState);
  on("hello", (hello) => enter(mine, hello));
  on("broadcast", (broadcast) => (held ? held.push(broadcast) : take(broadcast)));
  mine.open();
}

function startOver() {
  position = null;
  tally = newTally();
  $("fact-order").textContent = "–";
  $("log").replaceChildren();
  $("nothing").hidden = false;
}

/** Joins the board, from where this tab left off if it was there before. */
async function enter(mine, hello) {
  $("fact-user").textContent = hello.userId ?? "anonymous";
  $("fact-client").textContent = hello.clientId;
  $("fact-node").textContent = hello.node;
  held = [];
  try {
    const resume = position ?? undefined;
    const joined = await mine.request("rooms.join", { room, resume });
    const missed = resume ? await missedSince(mine, resume, joined) : [];
    if (mine !== connection) return;
    if (!missed) notice("What was missed is no longer kept: a real client asks its backend now.");
    else if (resume) notice(`Back, and nothing is lost: ${missed.length || "no"} broadcast${missed.length === 1 ? "" : "s"} meanwhile.`);
    missed?.forEach(take);
    if (!resume || !missed) position = place(joined.state);
    showOrder();
    const meanwhile = held;
    held = null;
    meanwhile.forEach(take);
    ready(true);
    ping(mine);
  } catch (error) {
    if (mine === connection) fail(`joining ${room}: ${error.message}`);
  } finally {
    if (mine === connection) held = null;
  }
}

/** What came after a position, from the join's own answer or else from history; nothing if that no longer covers it. */
async function missedSince(mine, { epoch, seq }, { recovered, missed, state }) {
  if (recovered) return missed;
  if (state?.epoch !== epoch) return null;
  if (state.seq === seq) return [];
  const { broadcasts } = await mine.request("rooms.history", { room, afterSeq: seq, limit: 1000 });
  return broadcasts[0]?.seq === seq + 1 ? broadcasts : null;
}

const place = (state) => (state?.epoch ? { epoch: state.epoch, seq: state.seq } : null);

/** Takes a broadcast once, and notices when one is missing before it. */
function take(broadcast) {
  const { epoch, seq } = broadcast;
  if (seq !== undefined) {
    if (position?.epoch === epoch) {
      if (seq <= position.seq) return;
      if (seq > position.seq + 1 && broadcast.destination !== "room.resync") checkGap(position.seq, seq);
    }
    position = { epoch, seq };
  }
  tally.received++;
  showOrder();
  addRow(broadcast);
}

/** What lies between is missing, unless this tab published it and did not want to hear it: those answers may still come. */
function checkGap(from, to) {
  const here = tally;
  setTimeout(() => {
    if (here !== tally) return;
    const own = [...tally.unheard].filter((seq) => from < seq && seq < to).length;
    if (own === to - from - 1) return;
    tally.gaps++;
    notice(`Between #${from} and #${to} something is missing.`);
    showOrder();
  }, 2000);
}

function showOrder() {
  const at = position ? `, at #${position.seq}` : "";
  $("fact-order").textContent = `${tally.received} received, ${tally.gaps || "no"} gap${tally.gaps === 1 ? "" : "s"}${at}`;
}

function addRow({ destination, data, seq, ts }) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  const part = (name) => row.querySelector(name);
  const known = destination === "update-task" && typeof data?.task === "string";
  part(".seq").textContent = seq === undefined ? "–" : `#${seq}`;
  part(".by").textContent = known ? data.by : "";
  part(".what").textContent = known ? data.task : JSON.stringify(data);
  part(".destination").textContent = destination;
  if (ts !== undefined) {
    const at = new Date(ts);
    part("time").dateTime = at.toISOString();
    part("time").textContent = `${at.toLocaleTimeString([], { hour12: false })}.${String(ts % 1000).padStart(3, "0")}`;
  }
  row.classList.toggle("mine", known && data.by === user);
  prepend(row);
}

function notice(text) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  row.classList.add("notice");
  row.querySelector(".what").textContent = text;
  prepend(row);
}

function prepend(row) {
  $("nothing").hidden = true;
  $("log").prepend(row);
  while ($("log").children.length > LOG_ROWS) $("log").lastElementChild.remove();
}

/** Asks how long an answer takes, and who is here; again after a while, as long as the connection is the same. */
async function ping(mine) {
  clearTimeout(pinging);
  try {
    const begin = performance.now();
    await mine.request("ping");
    const took = performance.now() - begin;
    const info = await mine.request("rooms.info", { room });
    if (mine !== connection) return;
    $("fact-rtt").textContent = `${took.toFixed(1)} ms`;
    const people = info.users.map(({ userId, sockets }) => (sockets > 1 ? `${userId} (${sockets} tabs)` : userId));
    $("fact-people").textContent = people.join(", ") || "nobody";
  } catch (error) {
    // An answer that says no is worth showing; a connection that went away shows itself.
    if (error.code && mine === connection) fail(`${error.code}: ${error.message}`);
  }
  if (mine === connection) pinging = setTimeout(() => ping(mine), PING_EVERY_MS);
}

function showState({ state, why, retryAt: at }) {
  $("state").dataset.state = state;
  $("state").textContent = STATES[state];
  $("why").textContent = why && `${why}.`;
  retryAt = at;
  countDown();
  $("detail").hidden = !why;
  $("now").hidden = !at;
  $("disconnect").disabled = state === "off" || state === "refused";
  $("connect").textContent = state === "off" || state === "refused" ? "Connect" : "Connect anew";
  if (state !== "open") {
    clearTimeout(pinging);
    ready(false);
    $("fact-rtt").textContent = "–";
    $("fact-people").textContent = "–";
    if (state !== "draining") $("fact-client").textContent = $("fact-node").textContent = "–";
  }
}

function countDown() {
  const left = Math.max(0, retryAt - Date.now());
  $("countdown").textContent = retryAt ? `Next try in ${(left / 1000).toFixed(1)} s.` : "";
}

function ready(is) {
  $("text").disabled = $("broadcast").disabled = !is;
}

function fail(text) {
  $("error").textContent = text;
}

$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  fail("");
  connect();
});

$("disconnect").addEventListener("click", () => connection?.close());
$("now").addEventListener("click", () => connection?.open());

$("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  fail("");
  const data = { task: $("text").value, by: user };
  try {
    const includeSelf = $("include-self").checked;
    const { seq } = await connection.request("rooms.broadcast", { room, destination: "update-task", data, includeSelf });
    if (!includeSelf) tally.unheard.add(seq);
    $("text").value = "";
  } catch (error) {
    fail(`not sent: ${error.code ? `${error.code}: ` : ""}${error.message}`);
  }
  $("text").focus();
});

setInterval(countDown, 100);

const before = JSON.parse(sessionStorage.getItem("hallway-demo") ?? "null");
if (before) [$("name").value, $("room").value] = [before.user, before.room];
