// Small things that all parts of the page use.

export const $ = (id) => document.getElementById(id)

/** An element: `make('li', { className: 'x', onclick }, 'text', child)`. Text is never taken for HTML. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('data-') || name.startsWith('aria-') || name === 'role') element.setAttribute(name, value)
    else element[name] = value
  }
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}

/** Initials in a colour that is always the same for a name. */
export function avatar(name, properties = {}) {
  let hash = 7
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 360
  const element = make('span', { className: 'avatar', title: name, 'aria-hidden': 'true', ...properties })
  element.textContent = name.slice(0, 2).toUpperCase()
  element.style.setProperty('--hue', hash)
  return element
}

/** A word about a number: `several(1, 'task')`. */
export const several = (count, what) => `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`

export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false })

/** What an error says to a person. */
export function words(error) {
  if (error?.code === 'unknown-endpoint') return 'This node does not know that yet.'
  return error?.message ?? String(error)
}
