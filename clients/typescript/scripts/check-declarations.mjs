// Compares the fields in `src/wire.ts` with the declarations of the Rust crate `hallway-protocol`. Says what differs and
// fails, so that neither side drifts. Names and numbers need no check here: `src/generated.ts` is printed from them, and a
// test beside the binary says when it is out of step.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../crates/protocol/src/', import.meta.url))
// All of it: where a struct stands is the crate's own matter.
const rust = readdirSync(root, { recursive: true })
  .filter((file) => file.endsWith('.rs'))
  .map((file) => readFileSync(root + file, 'utf8'))
  .join('\n')
const wire = readFileSync(new URL('../src/wire.ts', import.meta.url), 'utf8')
const problems = []

/** A part of a text; a part that is not found is a problem of this script's. */
function part(text, pattern, what) {
  const found = text.match(pattern)
  if (!found) problems.push(`${what} is not where this script looks for it (${pattern})`)
  return found?.[1] ?? ''
}

const all = (text, pattern) => [...text.matchAll(pattern)].map((match) => match.slice(1))

function same(what, inRust, here) {
  const [a, b] = [JSON.stringify(inRust), JSON.stringify(here)]
  if (inRust.length === 0) problems.push(`${what}: nothing found in the Rust sources`)
  if (a !== b) problems.push(`${what} differ:\n    rust:       ${a}\n    typescript: ${b}`)
}

// Fields of what is said, and whether they may be left out.
const structs = [
  ...['InRoom', 'AuthConnect', 'AuthResume', 'AuthRefresh', 'Refreshed', 'Ping', 'ClientUpdate', 'RoomsJoin'],
  ...['RoomsBroadcast', 'RoomsHistory', 'State', 'RoomUser'],
  ...['Hello', 'Entry', 'Goodbye', 'Numbers', 'Position', 'Broadcast', 'Error'],
]
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

/** Fields of a struct: an argument may be left out if it has a default, an answer's field if it is skipped. */
function fields(name) {
  const body = part(rust, new RegExp(`pub struct ${name}(?:<[^>]*>)? \\{([\\s\\S]*?)\\n\\}`), name)
  const fields = all(body, /((?:#\[[^\n]*\]\s*)*)pub (\w+): ([^\n]*),/g)
  return fields.flatMap(([attributes, field, type]) => {
    // The broadcast is written by hand, and its place is two fields that are there or not.
    if (name === 'Broadcast' && field === 'position') return [['seq', true], ['epoch', true]]
    const isOptional = /default|skip_serializing_if/.test(attributes) || (name === 'Broadcast' && type.startsWith('Option'))
    return [[camel(field), isOptional]]
  })
}

for (const name of structs) {
  const here = part(wire, new RegExp(`export interface ${name === 'Error' ? 'ErrorBody' : name} \\{([\\s\\S]*?)\\n\\}`), name)
  const declared = fields(name)
  const typed = all(here, /\n  (\w+)(\??):/g).map(([field, mark]) => [field, mark === '?'])
  // One that may be left out may be typed before it is declared: nodes of both kinds are about.
  const isDeclared = ([field, isOptional]) => !isOptional || declared.some(([name]) => name === field)
  same(`fields of ${name}`, declared, typed.filter(isDeclared))
}

for (const problem of problems) console.error(`check-declarations: ${problem}`)
if (problems.length > 0) process.exit(1)
console.log(`check-declarations: ${structs.length} structs have the fields that are declared`)
