// A page without a browser. Imported before React, which looks for one when it is loaded.

import { Window } from 'happy-dom'

const window = new Window({ url: 'http://localhost/' })
const page = globalThis as unknown as Record<string, unknown>
page['window'] = window
page['document'] = window.document
page['HTMLElement'] = window.HTMLElement
page['IS_REACT_ACT_ENVIRONMENT'] = true
