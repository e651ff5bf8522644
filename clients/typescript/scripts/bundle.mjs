// Makes the one file that the demo loads: the client as a browser takes it. It stands in the repository, so that a gateway
// is built without Node; with `--check` this says whether it is what the sources give.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('..', import.meta.url))
const file = fileURLToPath(new URL('../../../crates/gateway/src/http/demo/hallway-client.js', import.meta.url))
const { outputFiles } = await build({
  entryPoints: ['src/index.ts'],
  absWorkingDir: here,
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  minify: true,
  lineLimit: 160,
  // The demo speaks JSON; nothing of MessagePack is to get in.
  external: ['@msgpack/msgpack'],
  banner: { js: '// The TypeScript client (clients/typescript), bundled by `make bundle`; do not edit.' },
})
const text = outputFiles[0].text

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
  console.log(`bundle: wrote ${text.length} bytes`)
} else if (text !== readFileSync(file, 'utf8')) {
  console.error('bundle: crates/gateway/src/http/demo/hallway-client.js is not what clients/typescript gives: make bundle')
  process.exit(1)
} else console.log('bundle: the demo has the client as it is')
