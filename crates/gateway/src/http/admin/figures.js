// What has been counted, in one form: of all nodes where they can be asked together, else of the one that serves the page.

import { get, metricsText, Refused } from './api.js'
import { parse, sum } from './metrics.js'

/**
 * `{of, isUp, probeAge, reconnects, waiting, heard, deliveries, slow, resyncs, queuedSockets, queuedBytes, closed, nodes}`;
 * `of` says of what, `closed` is `[[code, count]]`, `nodes` is by name whether a node's link to Redis is up.
 */
export async function figures() {
  try {
    return ofCluster(await get('stats'))
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error
    return ofNode(parse(await metricsText()))
  }
}

function ofCluster({ nodes, silent }) {
  const total = (of) => nodes.reduce((sum, node) => sum + of(node), 0)
  const closed = new Map()
  for (const { counted } of nodes) for (const [code, count] of Object.entries(counted.closed)) closed.set(code, (closed.get(code) ?? 0) + count)
  return {
    of: silent.length > 0 ? `of all nodes but ${silent.join(', ')}` : 'of all nodes',
    isUp: nodes.every(({ bus }) => bus.up),
    probeAge: Math.max(0, ...nodes.map(({ bus }) => bus.probeAgeMs ?? 0)),
    reconnects: total(({ bus }) => bus.reconnects),
    waiting: total(({ bus }) => bus.waiting),
    // Every node with someone in a room hears it, so this is by far not what was published.
    heard: total(({ counted }) => counted.heard),
    deliveries: total(({ counted }) => counted.deliveries),
    slow: total(({ counted }) => counted.slowConsumers),
    resyncs: total(({ counted }) => counted.resyncs),
    queuedSockets: total((node) => node.queuedSockets),
    queuedBytes: total((node) => node.queuedBytes),
    closed: [...closed],
    nodes: new Map(nodes.map(({ node, bus }) => [node, bus.up])),
  }
}

function ofNode(metrics) {
  const value = (name) => sum(metrics, `hallway_${name}`)
  return {
    of: 'of the node that you ask',
    isUp: value('bus_up') === 1,
    probeAge: value('bus_probe_age_milliseconds'),
    reconnects: value('bus_reconnects_total'),
    waiting: value('bus_publish_queue_requests'),
    heard: value('broadcasts_received_total'),
    deliveries: value('deliveries_total'),
    slow: value('slow_consumers_total'),
    resyncs: value('resyncs_total'),
    queuedSockets: value('socket_queue_sockets'),
    queuedBytes: value('socket_queue_bytes'),
    closed: (metrics.get('hallway_connections_closed_total') ?? []).map(({ labels, value }) => [labels.code, value]),
    nodes: new Map(),
  }
}
