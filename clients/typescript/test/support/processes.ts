// Real servers, each in a process of its own, on free ports and with their files in a temporary folder.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './until.js'

export const SECRET = 'a-secret-of-the-tests-that-is-long-enough'
export const API_KEY = 'key-of-the-tests'

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** A folder for one test, and how to remove it. */
export function folder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'hallway-ts-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The binary: the one that `HALLWAY_BIN` names, else built here. */
export function binary(): string {
  const given = process.env['HALLWAY_BIN']
  if (given) return given
  const root = resolve(import.meta.dirname, '../../../../..')
  const built = spawnSync('cargo', ['build', '--package', 'hallway-cli', '--bin', 'hallway'], { cwd: root, stdio: 'inherit' })
  if (built.status !== 0) throw new Error('cargo build failed')
  return join(process.env['CARGO_TARGET_DIR'] ?? join(root, 'target'), 'debug', 'hallway')
}

/** One process at a time, on the same ports over all its lives. */
export class Server {
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(
    readonly command: string,
    readonly args: string[],
    readonly env: NodeJS.ProcessEnv,
    readonly log: string,
  ) {}

  start(): void {
    const log = openSync(this.log, 'a')
    const child = spawn(this.command, this.args, { env: this.env, stdio: ['ignore', log, log] })
    this.#child = child
    this.#ended = new Promise((done) => {
      child.once('exit', () => done())
      child.once('error', () => done())
    })
  }

  /** Sends a signal; `SIGKILL` ends it at once. Returns when the signal is sent. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Waits until it has ended. */
  ended(): Promise<void> {
    return this.#ended
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.signal('SIGKILL')
    await this.#ended
  }
}

/** A Redis that keeps nothing on disk. */
export async function startRedis(path: string): Promise<{ server: Server; url: string }> {
  const command = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((one) => existsSync(one)) ?? 'redis-server'
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', path]
  const server = new Server(command, args, process.env, join(path, 'redis.log'))
  server.start()
  return { server, url: `redis://127.0.0.1:${port}` }
}

/** A node of the gateway. */
export class Node {
  readonly #server: Server

  private constructor(
    readonly port: number,
    readonly internal: number,
    server: Server,
  ) {
    this.#server = server
  }

  static async start(path: string, name: string, redisUrl: string, more: Record<string, string> = {}): Promise<Node> {
    const [port, internal] = [await freePort(), await freePort()]
    const config = join(path, `${name}.toml`)
    // So much history that what is missed in any outage is in it, however slow the machine.
    writeFileSync(config, "[[kinds]]\nname = 'board'\nkeep_count = 5000\n[[kinds]]\nname = 'user'\nkeep_count = 5000\n")
    const env = {
      HALLWAY_CONFIG: config,
      HALLWAY_REDIS_URL: redisUrl,
      HALLWAY_NODE: name,
      HALLWAY_AUTH_JWT_SECRET: SECRET,
      HALLWAY_API_KEYS: API_KEY,
      HALLWAY_LIMITS_FRAMES_PER_SECOND: '0',
      HALLWAY_LIMITS_SOCKETS_PER_USER: '0',
      HALLWAY_LIMITS_SOCKETS_PER_ADDRESS: '0',
      HALLWAY_SHUTDOWN_DELAY: '0s',
      HALLWAY_SHUTDOWN_DRAIN: '400ms',
      HALLWAY_SHUTDOWN_DEADLINE: '10s',
      HALLWAY_WORKERS: '1',
      ...more,
    }
    const args = ['serve', '--listen', `127.0.0.1:${port}`, '--internal-listen', `127.0.0.1:${internal}`]
    const node = new Node(port, internal, new Server(binary(), args, env, join(path, `${name}.log`)))
    node.#server.start()
    return node
  }

  /** For clients, past any proxy. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<void> {
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${this.internal}/readyz`).catch(() => undefined)
      return answer?.status === 200
    }, `node on port ${this.port} is ready`)
  }

  start(): void {
    this.#server.start()
  }

  signal(signal: NodeJS.Signals): void {
    this.#server.signal(signal)
  }

  ended(): Promise<void> {
    return this.#server.ended()
  }

  stop(): Promise<void> {
    return this.#server.stop()
  }
}
