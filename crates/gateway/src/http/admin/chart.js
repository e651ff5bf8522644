// Lines over time, as an SVG of a few elements: a line per name, and their values on the right.

import { age } from './page.js'

const SVG = 'http://www.w3.org/2000/svg'
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 190, 44, 22, 8]

const draw = (tag, attributes, text) => {
  const element = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  if (text !== undefined) element.textContent = text
  return element
}

/** A round number that is not below this one. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

/** `samples`: `[{at, values: Map(name, number)}]`, the oldest first; drawn over what was seen, but a minute at least. */
export function chart(samples) {
  const names = [...new Set(samples.flatMap(({ values }) => [...values.keys()]))].sort()
  const highest = Math.max(1, ...samples.flatMap(({ values }) => [...values.values()]))
  const top = highest < 4 ? 4 : ceiling(highest)
  const end = samples.at(-1)?.at ?? Date.now()
  const span = Math.max(60_000, end - (samples[0]?.at ?? end))
  const x = (at) => LEFT + ((at - (end - span)) / span) * (WIDTH - LEFT - 8)
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP)
  const latest = names.map((name) => `${name}: ${samples.at(-1)?.values.get(name) ?? 'gone'}`).join(', ')
  const svg = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Connections by node. Now ${latest}` })
  for (const part of [0, 0.5, 1]) {
    svg.append(draw('line', { class: 'grid', x1: LEFT, x2: WIDTH - 8, y1: y(top * part), y2: y(top * part) }))
    svg.append(draw('text', { x: LEFT - 6, y: y(top * part) + 4, 'text-anchor': 'end' }, (top * part).toLocaleString('en')))
  }
  for (const [ago, anchor] of [[span, 'start'], [span / 2, 'middle'], [0, 'end']]) {
    svg.append(draw('text', { x: x(end - ago), y: HEIGHT - 6, 'text-anchor': anchor }, ago === 0 ? 'now' : `${age(end - ago, end)} ago`))
  }
  names.forEach((name, place) => {
    const points = samples.filter(({ values }) => values.has(name)).map(({ at, values }) => `${x(at).toFixed(1)},${y(values.get(name)).toFixed(1)}`)
    svg.append(draw('polyline', { class: `series s${place % 6}`, points: points.join(' ') }))
    if (points.length > 0) {
      const [cx, cy] = points.at(-1).split(',')
      svg.append(draw('circle', { class: `series s${place % 6}`, cx, cy, r: 3 }))
    }
  })
  return { svg, names }
}
