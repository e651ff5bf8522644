// Small things that all parts of the console use.

export const $ = (id) => document.getElementById(id)

/** An element with properties and children. Text is never taken for HTML. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role' || name === 'scope') element.setAttribute(name, value)
    else element[name] = value
  }
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}

/** Fills a table: names of columns, then a row of cells each. Numbers stand to the right. */
export function fill(table, names, rows, empty) {
  const cell = (value) => make('td', { className: typeof value === 'number' ? 'number' : '' }, typeof value === 'number' ? count(value) : value)
  const body = rows.map((row) => make('tr', {}, ...row.map(cell)))
  if (rows.length === 0) body.push(make('tr', {}, make('td', { colSpan: names.length, className: 'hint' }, empty)))
  const isNumber = (place) => typeof rows[0]?.[place] === 'number'
  const head = make('tr', {}, ...names.map((name, place) => make('th', { scope: 'col', className: isNumber(place) ? 'number' : '' }, name)))
  table.replaceChildren(make('thead', {}, head), make('tbody', {}, ...body))
}

/** Fills a list of names and values. */
export function facts(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, String(value))]))
}

export const count = (value) => value.toLocaleString('en')
export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false })

/** How long ago, in words. */
export function age(ms, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - ms) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** A link to another part of the console. */
export const link = (part, name) => make('a', { href: `#${part}/${encodeURIComponent(name)}` }, name)
