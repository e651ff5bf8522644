// The console in a real browser, over two nodes with clients on them.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type Cluster, startCluster } from '../support/cluster.js'
import { API_KEY } from '../support/processes.js'
import type { Room } from '../../src/index.js'
import { until } from '../support/until.js'
import { assertQuiet, launch, open, PHONE, picture, takesPictures } from './browser.js'

const READER = 'key-of-a-reader'

let browser: Browser
let cluster: Cluster

before(async () => {
  cluster = await startCluster(2, { HALLWAY_API_READ_ONLY_KEYS: READER })
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await cluster?.stop()
})

async function signIn(page: Page, key: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${cluster.nodes[0]?.internal}/admin`)
  await page.getByLabel('API key').fill(key)
  await page.keyboard.press('Enter')
}

/** Two users with two rooms, a socket of each on another node. */
async function people() {
  const names = ['alice', 'bob', 'carol', 'alice', 'dave']
  const clients = names.map((name) => cluster.client(name))
  const rooms = clients.map((client, place) => client.join(place === 2 ? 'board-9' : 'board-42'))
  await Promise.all(rooms.map((room) => room.ready()))
  await Promise.all(clients.map((client, place) => client.update({ device: place === 3 ? 'phone' : 'laptop' })))
  return { clients, rooms }
}

/** Broadcasts until there is a line to be drawn: for the picture alone. */
async function someTraffic(page: Page, rooms: Room[]): Promise<void> {
  const isDrawn = async () => ((await page.locator('#chart polyline').first().getAttribute('points')) ?? '').split(' ').length > 6
  while (!(await isDrawn())) {
    for (const room of rooms) await room.broadcast('update-board', { by: 'someone' })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('the console', () => {
  test('is told nothing without a key', async () => {
    const page = await open(browser)
    await signIn(page, 'no key at all')
    await page.getByRole('alert').filter({ hasText: 'does not know this key' }).waitFor()
    assert.equal(await page.locator('#overview').isVisible(), false)
    assertQuiet(page)
  })

  test('shows nodes, rooms and users, follows a room, publishes and sends away', async () => {
    const { clients, rooms } = await people()
    const page = await open(browser)
    await signIn(page, API_KEY)
    await page.locator('#nodes tr', { hasText: 'node-0' }).waitFor()
    await page.locator('#nodes tr', { hasText: 'node-1' }).waitFor()
    await page.locator('.figure', { hasText: 'link to Redis' }).filter({ hasText: 'up' }).waitFor()
    await page.locator('#chart polyline').nth(1).waitFor({ state: 'attached' })
    if (takesPictures) await someTraffic(page, rooms)
    await picture(page, 'console-overview')

    await page.getByRole('link', { name: 'Room' }).click()
    await page.getByRole('textbox', { name: 'Room' }).fill('board-42')
    await page.keyboard.press('Enter')
    await page.locator('#room-users tr', { hasText: 'alice' }).waitFor()
    await page.locator('#tail-state', { hasText: 'following' }).waitFor()
    const heard = new Promise<unknown>((resolve) => rooms[1]?.on('update-board', (data) => resolve(data)))
    await page.getByLabel('Data, in JSON').fill('{"by": "the console"}')
    await page.getByRole('button', { name: 'Publish' }).click()
    assert.deepEqual(await heard, { by: 'the console' })
    await page.locator('#publish-answer', { hasText: 'Published as #' }).waitFor()
    for (const id of [1, 2, 3]) await rooms[0]?.broadcast('task-moved', { id, to: 'done' })
    await page.locator('#tail li', { hasText: '"id":3' }).waitFor()
    const shown = await page.locator('#tail li', { hasText: 'task-moved' }).allTextContents()
    assert.equal(shown.length, 3)
    await picture(page, 'console-room')

    await page.locator('#room-users').getByRole('link', { name: 'alice' }).click()
    await page.locator('#sockets tr', { hasText: 'phone' }).waitFor()
    assert.equal(await page.locator('#sockets tbody tr').count(), 2)
    await picture(page, 'console-user')
    await page.getByRole('button', { name: 'Disconnect every socket' }).click()
    for (const place of [0, 3]) await until(clients[place]!.connection, ({ state }) => state === 'closed')
    await page.locator('#sockets', { hasText: 'No socket is open' }).waitFor()
    assertQuiet(page)
  })

  test('changes nothing with a key that may only read, and fits on a phone', async () => {
    const page = await open(browser, PHONE)
    await signIn(page, READER)
    await page.locator('#nodes tr', { hasText: 'node-0' }).waitFor()
    await page.locator('#access', { hasText: 'read-only' }).waitFor()
    await picture(page, 'console-phone')
    const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    assert.equal(isWide, false, 'nothing is wider than a phone')
    await page.goto(`${page.url().split('#')[0]}#room/board-42`)
    await page.locator('#room-title', { hasText: 'board-42' }).waitFor()
    await page.locator('button[data-writes]:enabled').first().waitFor({ state: 'detached' })
    assertQuiet(page)
  })
})
