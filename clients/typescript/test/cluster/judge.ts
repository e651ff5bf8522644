// What was published and what each client heard of it, and whether that is right.

import type { Broadcast, HallwayClient, Position } from '../../src/index.js'

interface Heard {
  at: Position | null
  broadcasts: Broadcast[]
}

/** Writes down what one client hears, room by room, as an application would. */
export class Listener {
  readonly rooms = new Map<string, Heard>()
  readonly faults: string[] = []

  /** `skips` names rooms of which nothing is promised. */
  constructor(
    readonly name: string,
    readonly client: HallwayClient,
    skips: (room: string) => boolean = () => false,
  ) {
    client.onHappening((happening) => {
      if (skips('room' in happening ? happening.room : happening.broadcast.room)) return
      if (happening.type === 'joined') {
        if (this.rooms.has(happening.room)) this.faults.push(`${name} joined ${happening.room} twice`)
        this.rooms.set(happening.room, { at: happening.at, broadcasts: [] })
      } else if (happening.type === 'broadcast') {
        const heard = this.rooms.get(happening.broadcast.room)
        if (heard) heard.broadcasts.push(happening.broadcast)
        else this.faults.push(`${name} heard ${happening.broadcast.room} before it joined`)
      } else if (happening.type === 'resync' || happening.type === 'refused') {
        this.faults.push(`${name}: ${JSON.stringify(happening)}, which no fault here explains`)
      }
    })
  }

}

/** Every publish, by its payload; the number that it was acknowledged under, once that is known. */
export type Published = Map<string, Position | undefined>

/** What is wrong: losses, doubles, disorder, payloads that are not what was acknowledged. */
export function judge(listeners: Listener[], published: Published): { faults: string[]; deliveries: number } {
  const faults = listeners.flatMap((listener) => listener.faults)
  let deliveries = 0
  for (const { name, rooms } of listeners) {
    for (const [room, { at, broadcasts }] of rooms) {
      deliveries += broadcasts.length
      let last = at
      const seen = new Set<unknown>()
      for (const { seq, epoch, data } of broadcasts) {
        const where = `${name} in ${room} at ${epoch}:${seq} after ${last?.epoch}:${last?.seq}`
        if (last && (epoch !== last.epoch || seq !== last.seq + 1)) faults.push(`lost, doubled or out of order: ${where}`)
        if (!last && seq !== 1) faults.push(`the first is not number 1: ${where}`)
        last = { epoch: epoch ?? '', seq: seq ?? 0 }
        if (seen.has(data)) faults.push(`${data} came twice: ${where}`)
        seen.add(data)
        const known = published.get(String(data))
        if (!published.has(String(data))) faults.push(`${data} was never published: ${where}`)
        else if (known && known.seq !== seq) faults.push(`${data} was acknowledged as ${known.seq}: ${where}`)
      }
      for (const [data, acknowledged] of published) {
        const counts = acknowledged && data.startsWith(`${room} `) && (!at || acknowledged.seq > at.seq)
        if (counts && !seen.has(data)) faults.push(`${name} never heard ${data}, acknowledged as ${acknowledged.seq}`)
      }
    }
  }
  return { faults, deliveries }
}
