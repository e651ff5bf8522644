// Where the load goes and how much of it: everything comes from the environment, with defaults for `make cluster`.

const text = (name, otherwise) => __ENV[name] || otherwise;
const number = (name, otherwise) => {
  const value = Number(__ENV[name] || otherwise);
  if (!(value >= 0)) throw new Error(`${name}: not a number: ${__ENV[name]}`);
  return value;
};

export const settings = {
  // A load balancer, or nodes separated by commas: a connection takes one at random.
  urls: text('TARGET_URL', 'ws://127.0.0.1:8080/ws').split(','),
  // An internal listener, for publishing as a backend does.
  api: text('TARGET_API', 'http://127.0.0.1:9001'),
  // All of them, for scripts in which nodes come and go.
  apis: text('TARGET_NODE_APIS', text('TARGET_API', 'http://127.0.0.1:9001')).split(','),
  apiKey: text('TARGET_API_KEY', 'dev'),
  // What tokens are signed with (HS256).
  secret: text('TARGET_SECRET', 'hallway-dev-secret-known-to-everybody'),
  // `json` or `msgpack`.
  codec: text('CODEC', 'json'),
  // Names of rooms and users carry it, so that runs beside one another do not meet. The same for all k6 processes of one run.
  run: text('RUN', 'local'),
  // Which k6 process this is, where several make one run: each has a clock of its own.
  instance: text('INSTANCE', 'one'),
  // Where the summary goes as JSON, too; nowhere if empty.
  out: text('SUMMARY', ''),
};

// How much of what a script is about; each script names its own.
export const amount = number;

// The longest wait for one answer, in milliseconds. Long, so that it ends a hang and does not judge a slow machine.
export const patience = number('PATIENCE_MS', 30000);

// Any of the given addresses.
export function anyUrl() {
  return settings.urls[Math.floor(Math.random() * settings.urls.length)];
}
