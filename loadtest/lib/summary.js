// What a run prints at its end: a table for people, a line per broken threshold, and JSON for machines (SUMMARY=FILE).

import { settings } from './settings.js';

// What to add to the options of every script.
export const trends = ['count', 'med', 'p(95)', 'p(99)', 'max'];

const TIMES = [
  ['hallway_open', 'opened, ms'],
  ['hallway_join', 'joined, ms'],
  ['hallway_resume', 'resumed, ms'],
  ['hallway_publish', 'published, ms'],
  ['hallway_delivery', 'publish to socket, ms'],
];

const COUNTS = [
  ['hallway_opened', 'connections'],
  ['hallway_delivered', 'deliveries'],
  ['hallway_lost', 'lost'],
  ['hallway_doubled', 'doubled'],
  ['hallway_told', 'gaps told'],
  ['hallway_refused', 'handshakes refused'],
  ['hallway_closed', 'closed by the server'],
  ['hallway_moved', 'moved by a goodbye'],
  ['hallway_retried', 'publishes repeated'],
  ['hallway_failed', 'requests failed'],
];

// `handleSummary` of a script.
export function summary(title) {
  return (data) => {
    const outputs = { stdout: `${page(title, data.metrics, data.state.testRunDurationMs)}\n` };
    if (settings.out) outputs[settings.out] = JSON.stringify(data, null, 1);
    return outputs;
  };
}

function page(title, metrics, took) {
  // Aborted before it began; the reason is k6's last line.
  if (!metrics.iterations) return `${title}: not run`;
  const lines = ['', `${title} (${settings.codec}, ${(took / 1000).toFixed(1)} s)`];
  for (const [name, text] of COUNTS) {
    if (metrics[name]) lines.push(`  ${text.padEnd(24)}${String(metrics[name].values.count).padStart(12)}`);
  }
  const times = TIMES.filter(([name]) => metrics[name] && metrics[name].values.count);
  if (times.length) {
    lines.push(`  ${''.padEnd(24)}${trends.map((trend) => trend.padStart(12)).join('')}`);
  }
  for (const [name, text] of times) {
    const { values } = metrics[name];
    lines.push(`  ${text.padEnd(24)}${trends.map((trend) => shown(values[trend]).padStart(12)).join('')}`);
  }
  const broken = brokenIn(metrics);
  return [...lines, ...broken.map((text) => `  BROKEN  ${text}`), broken.length ? '  failed' : '  passed'].join('\n');
}

function shown(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

function brokenIn(metrics) {
  const broken = [];
  for (const [name, metric] of Object.entries(metrics)) {
    for (const [threshold, { ok }] of Object.entries(metric.thresholds || {})) {
      if (!ok) broken.push(`${name} ${threshold}`);
    }
  }
  return broken;
}
