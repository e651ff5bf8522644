// A page without a browser. Imported before React, which looks for one when it is loaded.

import { Window } from 'happy-dom'

const window = new Window({ url: 'http://localhost/' })
const page = { window, document: window.document, navigator: window.navigator, HTMLElement: window.HTMLElement }
// Node has some of these itself, and not all can be assigned.
for (const [name, value] of Object.entries({ ...page, IS_REACT_ACT_ENVIRONMENT: true })) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}
