// A backend that publishes over HTTP and repeats with the same key until it knows.

import { API_KEY, type Node } from './processes.js'

export class Backend {
  constructor(readonly nodes: Node[]) {}

  /** Publishes once, trying node after node under one key until one knows. */
  async publish(room: string, data: unknown, key: string, destination = 'test'): Promise<{ seq: number; epoch: string }> {
    for (let turn = 0; turn < 600; turn += 1) {
      const node = this.nodes[turn % this.nodes.length] as Node
      const answer = await this.call(node, 'POST', '/api/v1/broadcast', { room, destination, data, idempotencyKey: key })
      if (answer?.status === 200) return (answer.body as { results: [{ seq: number; epoch: string }] }).results[0]
      if (answer && answer.status < 500) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`nobody took ${key}`)
  }

  /** One call; nothing if nobody knows what became of it. */
  async call(node: Node, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown } | undefined> {
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
    const init = { method, headers, signal: AbortSignal.timeout(5_000), ...(body !== undefined && { body: JSON.stringify(body) }) }
    try {
      const answer = await fetch(`http://127.0.0.1:${node.internal}${path}`, init)
      return { status: answer.status, body: await answer.json().catch(() => undefined) }
    } catch {
      return undefined
    }
  }
}
