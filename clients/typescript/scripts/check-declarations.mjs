// Compares `src/generated.ts` with the declarations of the Rust crate `hallway-protocol`: names, numbers, fields. Says what
// differs and fails, so that neither side drifts.

import { readFileSync } from 'node:fs'

const root = new URL('../../../crates/protocol/src/', import.meta.url)
const rust = (file) => readFileSync(new URL(file, root), 'utf8')
const typescript = (file) => readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
const generated = typescript('generated.ts')
const ahead = typescript('ahead.ts')
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

/** Rows of a `catalogue!`. */
const rows = (text, name) => all(part(text, new RegExp(`pub enum ${name}: [^{]*\\{([\\s\\S]*?)\\n    \\}`), name), /(\w+) = "?([\w.-]+)"?,/g)

/** Texts of an exported array. */
const list = (name) => all(part(generated, new RegExp(`export const ${name} = \\[([\\s\\S]*?)\\]`), name), /'([^']+)'/g).flat()

// Close codes, and whether they let a client come back.
const comesBack = part(rust('close.rs'), /fn reconnects[\s\S]*?matches!\(code, ([^)]*)\)/, 'CloseCode::reconnects')
const ranges = comesBack.split('|').map((range) => range.trim().split('..=').map(Number))
const isBack = (code) => ranges.some(([low, high = low]) => code >= low && code <= high)
const closes = rows(rust('close.rs'), 'CloseCode').map(([name, code]) => [name, Number(code), isBack(Number(code))])
const closesHere = all(generated, /(\w+): \{ code: (\d+), reconnects: (true|false) \}/g)
same('close codes', closes, closesHere.map(([name, code, back]) => [name, Number(code), back === 'true']))
const rule = part(generated, /function reconnects[\s\S]*?return ([^\n]*)/, 'reconnects')
same('ranges of close codes', ranges.flat(), all(rule, /(\d{4})/g).flat().map(Number))

same('error codes', rows(rust('error.rs'), 'ErrorCode').map(([, code]) => code), list('errorCodes'))
same('events', rows(rust('event.rs'), 'Event').map(([, name]) => name), list('events'))
same('the reserved prefix', [part(rust('event.rs'), /RESERVED_PREFIX: &str = "([^"]*)"/, 'RESERVED_PREFIX')], [
  part(generated, /reservedPrefix = '([^']*)'/, 'reservedPrefix'),
])
same('kinds of rooms', all(part(rust('kind.rs'), /fn builtin\(\)([\s\S]*?)\n    \}/, 'Kinds::builtin'), /row\("(\w+)"/g).flat().sort(), list('kinds').sort())

const number = (text) => (text === '(1 << 53) - 1' ? Number.MAX_SAFE_INTEGER : Number(text.replaceAll('_', '')))
const bounds = all(rust('limits.rs'), /pub const (\w+): \w+ = ([^;]*);/g).map(([name, value]) => [name, number(value)])
const boundsHere = all(part(generated, /export const limits = \{([\s\S]*?)\}/, 'limits'), /(\w+): (\d+),/g)
same('limits', bounds, boundsHere.map(([name, value]) => [name, Number(value)]))

// Endpoints. One that is declared must be gone from what is ahead of the declarations.
const names = all(part(rust('endpoint.rs'), /\nendpoints! \{([\s\S]*?)\n\}/, 'endpoints!'), /\w+ = "([\w.]+)"/g).flat()
const namesIn = (text, name) => all(part(text, new RegExp(`export interface ${name} \\{([\\s\\S]*?)\\n\\}`), name), /\n  '([\w.]+)':/g).flat()
same('endpoints', names, namesIn(generated, 'Endpoints'))
for (const name of namesIn(ahead, 'EndpointsAhead')) {
  if (names.includes(name)) problems.push(`${name} is declared by now: move it from ahead.ts to generated.ts`)
}

// Fields of what is said, and whether they may be left out.
const structs = {
  'endpoint.rs': ['InRoom', 'AuthConnect', 'AuthResume', 'AuthRefresh', 'Refreshed', 'Ping', 'ClientUpdate', 'RoomsJoin', 'RoomsBroadcast', 'RoomsHistory', 'State', 'RoomUser'],
  'frame.rs': ['Hello', 'Entry', 'Goodbye', 'Numbers'],
  'position.rs': ['Position'],
  'broadcast.rs': ['Broadcast'],
  'error.rs': ['Error'],
}
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

/** Fields of a struct: an argument may be left out if it has a default, an answer's field if it is skipped. */
function fields(file, name) {
  const body = part(rust(file), new RegExp(`pub struct ${name}(?:<[^>]*>)? \\{([\\s\\S]*?)\\n\\}`), name)
  const fields = all(body, /((?:#\[[^\n]*\]\s*)*)pub (\w+): ([^\n]*),/g)
  return fields.flatMap(([attributes, field, type]) => {
    // The broadcast is written by hand, and its place is two fields that are there or not.
    if (name === 'Broadcast' && field === 'position') return [['seq', true], ['epoch', true]]
    const isOptional = /default|skip_serializing_if/.test(attributes) || (name === 'Broadcast' && type.startsWith('Option'))
    return [[camel(field), isOptional]]
  })
}

for (const [file, structNames] of Object.entries(structs)) {
  for (const name of structNames) {
    const here = part(generated, new RegExp(`export interface ${name === 'Error' ? 'ErrorBody' : name} \\{([\\s\\S]*?)\\n\\}`), name)
    same(`fields of ${name}`, fields(file, name), all(here, /\n  (\w+)(\??):/g).map(([field, mark]) => [field, mark === '?']))
  }
}

for (const problem of problems) console.error(`check-declarations: ${problem}`)
if (problems.length > 0) process.exit(1)
console.log(`check-declarations: ${names.length} endpoints, ${list('events').length} events, ${closes.length} close codes are as declared`)
