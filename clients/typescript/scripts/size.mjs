// How large the client is in an application's bundle: minified by esbuild, then compressed with gzip, React apart.

import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const entries = [
  ['`@hallway/client`', "export { createClient } from './dist/index.js'"],
  ['with `/msgpack`', "export { createClient } from './dist/index.js'\nexport { msgpack } from './dist/msgpack.js'"],
  ['with `/react`', "export { createClient } from './dist/index.js'\nexport * from './dist/react/index.js'"],
]
const resolveDir = new URL('..', import.meta.url).pathname

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`
const lines = ['| what is imported | minified | with gzip |', '| --- | --- | --- |']
for (const [name, contents] of entries) {
  const result = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react', 'react/jsx-runtime'],
  })
  const bytes = result.outputFiles[0].contents
  lines.push(`| ${name} | ${kib(bytes.length)} | ${kib(gzipSync(bytes, { level: 9 }).length)} |`)
}
console.log(lines.join('\n'))

// `--write` puts the table where the README states it.
if (process.argv.includes('--write')) {
  const readme = new URL('../README.md', import.meta.url)
  const text = readFileSync(readme, 'utf8')
  writeFileSync(readme, text.replace(/(<!-- size -->\n)[\s\S]*?(<!-- \/size -->)/, `$1${lines.join("\n")}\n$2`))
}
