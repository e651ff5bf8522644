// The numbers of what this client published itself and does not hear (`includeSelf` not set): the reply told them.
// Without them, history would bring one's own broadcasts after a resume.

import type { Position } from './wire.js'

/** Most numbers that are remembered beyond the last one heard. Past it the oldest is forgotten, and may be heard. */
const MOST = 1024

/** One room's own numbers that lie beyond the last one heard there. */
export class OwnNumbers {
  #epoch = ''
  readonly #numbers = new Set<number>()

  add(at: Position): void {
    if (at.epoch !== this.#epoch) {
      this.#numbers.clear()
      this.#epoch = at.epoch
    }
    this.#numbers.add(at.seq)
    const [oldest] = this.#numbers
    if (this.#numbers.size > MOST && oldest !== undefined) this.#numbers.delete(oldest)
  }

  has(at: Position): boolean {
    return at.epoch === this.#epoch && this.#numbers.has(at.seq)
  }

  /** The place up to which nothing is missing, if everything up to `heard` was heard. */
  reach(heard: Position): Position {
    if (heard.epoch !== this.#epoch) return heard
    let seq = heard.seq
    while (this.#numbers.has(seq + 1)) seq += 1
    return seq === heard.seq ? heard : { epoch: heard.epoch, seq }
  }

  /** Everything up to here is known; of another epoch nothing is kept. */
  passed(heard: Position | null): void {
    if (heard?.epoch !== this.#epoch) return this.#numbers.clear()
    for (const seq of this.#numbers) if (seq <= heard.seq) this.#numbers.delete(seq)
  }

  /** Whether so many are known that the room's place should move up to what they reach. */
  get isLong(): boolean {
    return this.#numbers.size >= MOST / 2
  }
}
