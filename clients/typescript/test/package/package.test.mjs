// The package as others get it: packed, installed into a scratch project, used in Node, checked by TypeScript and bundled
// by Vite.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const bin = (name) => join(root, 'node_modules', '.bin', name)
let project

function run(command, args, cwd = project) {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } })
  assert.equal(done.status, 0, `${command} ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
  return done.stdout
}

before(() => {
  project = mkdtempSync(join(tmpdir(), 'hallway-package-'))
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], root))
  const version = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version
  const dependencies = { '@hallway/client': `file:./${packed.filename}`, react: version('react') }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'scratch', private: true, type: 'module', dependencies }))
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'])
  mkdirSync(join(project, 'src'))
})
after(() => rmSync(project, { recursive: true, force: true }))

test('it holds what it should, and nothing else', () => {
  const files = readdirSync(join(project, 'node_modules/@hallway/client')).sort()
  assert.deepEqual(files, ['README.md', 'dist', 'package.json'])
  assert.deepEqual(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')).sort(), ['@hallway', '@msgpack', 'react'])
})

test('Node imports every entry', () => {
  writeFileSync(
    join(project, 'use.mjs'),
    `import { createClient, closeCodes, HallwayError } from '@hallway/client'
     import { msgpack } from '@hallway/client/msgpack'
     import { useRoom } from '@hallway/client/react'
     class WebSocket { close() {} send() {} }
     const client = createClient({ url: 'ws://127.0.0.1:1/ws', codec: msgpack, WebSocket })
     client.join('board-1')
     client.close()
     console.log(client.connection.value.state, closeCodes.Draining.code, typeof HallwayError, typeof useRoom)`,
  )
  assert.equal(run('node', ['use.mjs']).trim(), 'closed 1012 function function')
})

test('TypeScript finds the types', () => {
  writeFileSync(
    join(project, 'src/use.ts'),
    `import { createClient, type Message } from '@hallway/client'
     import { msgpack } from '@hallway/client/msgpack'
     const client = createClient<{ hi: { text: string } }>({ url: 'ws://x/ws', codec: msgpack })
     client.join('board-1').on('hi', ({ text }) => text.length)
     client.join('board-1').on('new-message', (message: Message) => message.id)
     // @ts-expect-error
     client.request('rooms.info', {})`,
  )
  for (const module of [['NodeNext', 'NodeNext'], ['ESNext', 'Bundler']]) {
    const options = ['--module', module[0], '--moduleResolution', module[1], '--target', 'ES2022', '--types', '']
    run(bin('tsc'), ['--noEmit', '--strict', '--skipLibCheck', 'false', '--lib', 'ES2022,DOM', ...options, 'src/use.ts'])
  }
})

test('Vite bundles it, and leaves out what is not used', () => {
  writeFileSync(join(project, 'index.html'), '<div id="app"></div><script type="module" src="/src/main.js"></script>')
  const main = `import { createClient } from '@hallway/client'
    createClient({ url: 'ws://x/ws' }).connection.subscribe(() => (document.title = 'x'))`
  writeFileSync(join(project, 'src/main.js'), main)
  run(bin('vite'), ['build', '--logLevel', 'warn'])
  const bundle = () => readFileSync(join(project, 'dist/assets', readdirSync(join(project, 'dist/assets'))[0]), 'utf8')
  const small = bundle()
  assert.ok(small.includes('hallway.v1.json') && !small.includes('hallway.v1.msgpack'))
  writeFileSync(join(project, 'src/main.js'), `${main}\nimport { msgpack } from '@hallway/client/msgpack'\ndocument.body.title = msgpack.subprotocol`)
  run(bin('vite'), ['build', '--logLevel', 'warn'])
  assert.ok(bundle().includes('hallway.v1.msgpack') && bundle().length > small.length)
})
