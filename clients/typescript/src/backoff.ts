// When to come back: full jitter, so that clients that were lost together do not come back together.

/** Doubles the span out of which the wait is drawn, up to a bound. Times in milliseconds. */
export class Backoff {
  #failures = 0

  constructor(
    readonly firstMs: number,
    readonly mostMs: number,
    /** From 0 to 1. */
    readonly random: () => number = Math.random,
  ) {}

  /** How long to wait now: anything between nothing and the span, which then doubles. */
  next(): number {
    const span = Math.min(this.firstMs * 2 ** Math.min(this.#failures, 20), this.mostMs)
    this.#failures += 1
    return span * this.random()
  }

  /**
   * A connection lasted for this long. One that ends at once is no success: a node that takes clients only to close them
   * must not be asked at full speed.
   */
  lasted(ms: number): void {
    if (ms >= this.mostMs) this.#failures = 0
  }

  /** Something else says that it is worth trying, such as a network that is back. */
  reset(): void {
    this.#failures = 0
  }
}
