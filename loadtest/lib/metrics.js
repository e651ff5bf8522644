// What all scripts measure, under the same names. Trends are in milliseconds.

import { Counter, Trend } from 'k6/metrics';
import exec from 'k6/execution';

export const metrics = {
  // From opening the connection to the hello: handshake, token, own rooms.
  open: new Trend('hallway_open', true),
  // From asking to the reply that promises every later broadcast.
  join: new Trend('hallway_join', true),
  // The same for a return with a ticket, its rooms and what was missed in them.
  resume: new Trend('hallway_resume', true),
  // From the publisher's call to the socket, in one k6 process.
  delivery: new Trend('hallway_delivery', true),
  // A backend's call until it is acknowledged.
  publish: new Trend('hallway_publish', true),
  opened: new Counter('hallway_opened'),
  // Handshakes that were answered otherwise or not at all.
  refused: new Counter('hallway_refused'),
  // Connections that ended although nobody here ended them, by code.
  closed: new Counter('hallway_closed'),
  // Connections that a node ended with a goodbye: come back, to another.
  moved: new Counter('hallway_moved'),
  // Requests that were answered with an error, by code, or not at all.
  failed: new Counter('hallway_failed'),
  // Publishes that another node had to be asked for, with the same key.
  retried: new Counter('hallway_retried'),
  delivered: new Counter('hallway_delivered'),
  // Numbers that never came and that nobody told of; numbers that came again or late.
  lost: new Counter('hallway_lost'),
  doubled: new Counter('hallway_doubled'),
  // Gaps that the server told of.
  told: new Counter('hallway_told'),
};

// Milliseconds since the start of the run, finer than a millisecond, the same clock for all VUs of this process.
export const clock = () => exec.instance.currentTestRunDuration;

// k6 does not judge a metric that nothing was added to: called first by each VU, so that a script that measured
// nothing fails.
export function begin() {
  for (const name of ['opened', 'refused', 'closed', 'moved', 'failed', 'retried', 'delivered', 'lost', 'doubled', 'told']) metrics[name].add(0);
}

// What must hold whatever the machine.
export const nothingWrong = {
  hallway_lost: ['count==0'],
  hallway_doubled: ['count==0'],
  hallway_told: ['count==0'],
  hallway_refused: ['count==0'],
  hallway_closed: ['count==0'],
  hallway_failed: ['count==0'],
};

// How often a counter must have been counted, at least.
export function atLeast(counts) {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`hallway_${name}`, [`count>=${count}`]]));
}

// The same, exactly: what was accepted against what was delivered.
export function exact(counts) {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`hallway_${name}`, [`count==${count}`]]));
}
