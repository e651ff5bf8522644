// Listeners, and values that can be watched.

/** Stops listening. Calling it again does nothing. */
export type Unsubscribe = () => void

/** Listeners by name. A listener that throws harms neither the others nor the connection. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set)
    // The same function may be given twice, and each listens until it is taken back.
    const own = (event: Events[Name]) => listener(event)
    set.add(own)
    return () => void set.delete(own)
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const set = this.#listeners.get(name)
    if (!set) return
    for (const listener of [...set]) if (set.has(listener)) guarded(() => (listener as (event: Events[Name]) => void)(event))
  }

  clear(): void {
    for (const set of this.#listeners.values()) set.clear()
  }
}

/** A value that can be watched. The value itself is never changed, only replaced. */
export class Store<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  /** Calls the listener after each change. */
  readonly subscribe = (listener: () => void): Unsubscribe => {
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** For whoever owns the store. */
  protected set(value: T): void {
    if (Object.is(this.#value, value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) guarded(listener)
  }
}

/** A store that anyone who holds it may change. */
export class Cell<T> extends Store<T> {
  override set(value: T): void {
    super.set(value)
  }
}

/** Runs something of the application's. What it throws is reported as if nobody had caught it, but after us. */
export function guarded(run: () => void): void {
  try {
    run()
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
