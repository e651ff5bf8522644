// The demo in a real browser: two people on two nodes, and one of the nodes killed.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { Balancer } from '../support/balancer.js'
import { folder, Node, type Server, startRedis } from '../support/processes.js'
import { assertQuiet, launch, open, PHONE, picture } from './browser.js'

let browser: Browser
let path: string
let remove: () => void
let redis: Server
let nodes: Node[]
let doors: Balancer[]

before(async () => {
  ;({ path, remove } = folder())
  const started = await startRedis(path)
  redis = started.server
  // One file for both: the nodes share their database as they would a Postgres.
  const more = { HALLWAY_DEV: 'true', HALLWAY_STORE_PATH: join(path, 'hallway.sqlite') }
  const first = await Node.start(path, 'node-a', started.url, more)
  await first.ready()
  nodes = [first, await Node.start(path, 'node-b', started.url, more)]
  await nodes[1]?.ready()
  const ports = nodes.map(({ port }) => port)
  doors = [await Balancer.start(ports), await Balancer.start([...ports].reverse())]
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await Promise.all([...(doors ?? []), ...(nodes ?? []), redis].map((one) => one?.stop()))
  remove?.()
})

async function signIn(page: Page, door: number, name: string): Promise<void> {
  await page.goto(`${doors[door]?.url}/demo`)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Open the board' }).click()
  await page.locator('#state[data-state="connected"]').waitFor()
}

const column = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true })
const card = (page: Page, where: string, title: string) => column(page, where).locator('.task:not(.waiting)').filter({ hasText: title })

async function add(page: Page, where: string, title: string): Promise<void> {
  await page.getByLabel(`Add a task to ${where}`).fill(title)
  await page.getByLabel(`Add a task to ${where}`).press('Enter')
}

const titles = (page: Page, where: string) => column(page, where).locator('.task .title').allTextContents()

describe('the demo', () => {
  test('two people on two nodes share a board, and a node that is killed takes nothing with it', async () => {
    const [alice, bob] = [await open(browser), await open(browser)]
    await signIn(alice, 0, 'alice')
    await signIn(bob, 1, 'bob')
    await alice.locator('#facts', { hasText: 'node-a' }).waitFor()
    await bob.locator('#facts', { hasText: 'node-b' }).waitFor()

    for (const title of ['Order the cake', 'Invite the neighbours', 'Find the good glasses']) await add(alice, 'To do', title)
    await card(bob, 'To do', 'Find the good glasses').waitFor()
    await add(bob, 'Doing', 'Hang up the lights')
    await card(alice, 'Doing', 'Hang up the lights').waitFor()
    await bob.getByRole('button', { name: 'Move right: Order the cake' }).click()
    await card(alice, 'Doing', 'Order the cake').waitFor()
    // By the mouse, too.
    await card(alice, 'Doing', 'Hang up the lights').dragTo(column(alice, 'Done'))
    await card(bob, 'Done', 'Hang up the lights').waitFor()
    await bob.locator('#people .avatar').nth(1).waitFor()
    await picture(alice, 'demo-board')

    nodes[0]?.signal('SIGKILL')
    await nodes[0]?.ended()
    // Said while alice is away, by bob; and by alice herself, who has no connection.
    await add(bob, 'To do', 'Said while alice was away')
    await add(alice, 'To do', 'Said while nobody heard it')
    await alice.locator('#facts', { hasText: 'node-b' }).waitFor()
    await card(alice, 'To do', 'Said while alice was away').waitFor()
    await card(bob, 'To do', 'Said while nobody heard it').waitFor()
    await card(alice, 'To do', 'Said while nobody heard it').waitFor()
    for (const where of ['To do', 'Doing', 'Done']) assert.deepEqual((await titles(alice, where)).sort(), (await titles(bob, where)).sort())
    assert.equal((await titles(bob, 'To do')).length, 4, 'nothing is doubled')
    await alice.locator('#log li', { hasText: 'The connection is gone' }).first().waitFor()
    await alice.locator('#log li', { hasText: 'board-demo: caught up with' }).first().waitFor()
    await picture(alice, 'demo-caught-up')

    // Who comes later, and on a phone, sees the same board.
    const carol = await open(browser, PHONE)
    await signIn(carol, 1, 'carol')
    await card(carol, 'To do', 'Said while nobody heard it').waitFor()
    await carol.getByRole('button', { name: 'Move right: Invite the neighbours' }).click()
    await card(alice, 'Doing', 'Invite the neighbours').waitFor()
    await picture(carol, 'demo-phone')
    const isWide = await carol.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    assert.equal(isWide, false, 'nothing is wider than a phone')
    await carol.getByRole('button', { name: 'Events' }).click()
    await carol.locator('#log li', { hasText: 'Entered board-demo' }).first().waitFor()
    assertQuiet(alice, bob, carol)
    nodes[0]?.start()
    await nodes[0]?.ready()
  })

  test('a Redis that comes back empty is told of, and the pages still have their board', async () => {
    const [alice, bob] = [await open(browser), await open(browser)]
    await signIn(alice, 0, 'alice')
    await signIn(bob, 1, 'bob')
    await add(bob, 'Doing', 'Count the chairs')
    await card(alice, 'Doing', 'Count the chairs').waitFor()
    const before = await titles(alice, 'Doing')
    await redis.stop()
    redis.start()
    await alice.locator('#log li', { hasText: 'board-demo: resync' }).waitFor()
    await bob.locator('#log li', { hasText: 'board-demo: resync' }).waitFor()
    // Who opens the board now gets it from those who had it.
    const carol = await open(browser)
    await signIn(carol, 1, 'carol')
    await card(carol, 'Doing', 'Count the chairs').waitFor()
    await add(carol, 'Doing', 'Count them again')
    for (const page of [alice, bob, carol]) {
      await card(page, 'Doing', 'Count them again').waitFor()
      assert.deepEqual((await titles(page, 'Doing')).sort(), [...before, 'Count them again'].sort())
    }
    assertQuiet(alice, bob, carol)
  })

  test('people see who writes, and every message once', async (context) => {
    const [alice, bob] = [await open(browser), await open(browser, PHONE)]
    await signIn(alice, 0, 'alice')
    await signIn(bob, 1, 'bob')
    await bob.getByRole('button', { name: 'Chat' }).click()
    await alice.getByLabel('Message', { exact: true }).pressSequentially('Has anybody seen the ladder?')
    const isThere = await Promise.race([
      bob.locator('#typing', { hasText: 'alice is writing' }).waitFor().then(() => true),
      bob.locator('#messages', { hasText: 'does not know that yet' }).waitFor().then(() => false),
    ])
    if (!isThere) return context.skip('this node has no messages yet')
    await alice.getByLabel('Message', { exact: true }).press('Enter')
    await bob.locator('.message', { hasText: 'Has anybody seen the ladder?' }).waitFor()
    await bob.locator('#message').fill('Behind the shed.')
    await bob.getByRole('button', { name: 'Send' }).click()
    await alice.locator('.message', { hasText: 'Behind the shed.' }).waitFor()
    for (const page of [alice, bob]) assert.equal(await page.locator('.message').count(), 2)
    await picture(bob, 'demo-chat-phone')
    assertQuiet(alice, bob)
  })

  test('lobbies are opened, joined and left', async (context) => {
    const [alice, bob] = [await open(browser), await open(browser)]
    await signIn(alice, 0, 'alice')
    await signIn(bob, 1, 'bob')
    const isThere = await Promise.race([
      alice.locator('#lobby-note', { hasText: 'No lobby is open' }).waitFor().then(() => true),
      alice.locator('#lobby-note', { hasText: 'does not know that yet' }).waitFor().then(() => false),
    ])
    if (!isThere) return context.skip('this node has no lobbies yet')
    await alice.getByLabel('Name of a new lobby').fill('Chess')
    await alice.getByRole('button', { name: 'Open one' }).click()
    await alice.locator('#my-lobby', { hasText: 'Chess' }).waitFor()
    await bob.locator('#lobbies .lobby', { hasText: 'Chess' }).getByRole('button', { name: 'Join' }).click()
    await alice.locator('#my-lobby', { hasText: '2 people' }).waitFor()
    // Who reloads the page is still in it.
    await bob.reload()
    await bob.locator('#my-lobby', { hasText: 'Chess' }).waitFor()
    await picture(alice, 'demo-lobbies')
    for (const page of [alice, bob]) await page.locator('#my-lobby').getByRole('button', { name: 'Leave' }).click()
    await bob.locator('#lobby-note', { hasText: 'No lobby is open' }).waitFor()
    assertQuiet(alice, bob)
  })
})
