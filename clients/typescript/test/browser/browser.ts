// A real browser, and pages in it that must not complain.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

export const PHONE = { width: 390, height: 844 }
export const LAPTOP = { width: 1440, height: 860 }

/** How long a page may take for anything: no machine is slower. Milliseconds. */
const PATIENCE = 60_000

/** Debian's Chromium, or the one that HALLWAY_CHROMIUM names. */
export function launch(): Promise<Browser> {
  const places = [process.env['HALLWAY_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  const executablePath = places.find((place) => place !== undefined && existsSync(place))
  if (!executablePath) throw new Error('no Chromium: apt-get install chromium, or name one in HALLWAY_CHROMIUM')
  // As root there is no sandbox; the pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

/** A page of a person of their own. What the browser blocks or a script throws is collected in `complaints`. */
export async function open(browser: Browser, viewport = LAPTOP): Promise<Page & { complaints: string[] }> {
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce', colorScheme: 'light' })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  // A connection that is refused while its node is dead is no fault of the page; a policy that stops it is.
  page.on('console', (said) => said.type() === 'error' && /Content Security Policy|TypeError|SyntaxError/.test(said.text()) && complaints.push(said.text()))
  return Object.assign(page, { complaints })
}

export const takesPictures = process.env['HALLWAY_IMAGES'] !== undefined

/** Keeps a picture where HALLWAY_IMAGES says, if it does. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['HALLWAY_IMAGES']
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}

export function assertQuiet(...pages: { complaints: string[] }[]): void {
  assert.deepEqual(pages.flatMap(({ complaints }) => complaints), [])
}
