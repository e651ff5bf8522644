// Timers that can be far away.

/** The longest delay that `setTimeout` keeps; a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1

/** One timer at a time; setting it anew forgets what it was set to. */
export class Timer {
  #handle: ReturnType<typeof setTimeout> | undefined

  /** Runs something after so many milliseconds. */
  set(ms: number, run: () => void): void {
    this.clear()
    const now = Math.max(0, Math.min(ms, LONGEST))
    this.#handle = setTimeout(() => {
      this.#handle = undefined
      if (ms > LONGEST) this.set(ms - LONGEST, run)
      else run()
    }, now)
  }

  clear(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  get isSet(): boolean {
    return this.#handle !== undefined
  }
}
