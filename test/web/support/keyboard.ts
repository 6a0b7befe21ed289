import type { Device } from './browser.ts'

/** Somebody without a mouse: they go on by Tab until they stand on what they look for, and read where they are by the focus. */
export type Keyboard = {
  /** Goes by Tab to the first thing of this role and accessible name. @throws Error when once around there is none */
  reach(role: string, name: string | RegExp): Promise<void>
  /** Reaches it and presses Enter: buttons and links. */
  press(role: 'button' | 'link', name: string | RegExp): Promise<void>
  /** Reaches it and presses the space bar: boxes that are ticked. */
  tick(name: string | RegExp): Promise<void>
  /** Reaches the group of radio buttons that has this one, and goes there by the arrows. */
  choose(name: string | RegExp): Promise<void>
  /** Reaches a field and types over what is in it. */
  fill(name: string | RegExp, text: string): Promise<void>
  /** Waits for the page of this heading; the focus must be on it. */
  arrive(heading: string | RegExp): Promise<void>
}

/** Once around the longest page of all. */
const MOST = 250

const matches = (wanted: string | RegExp, name: string) =>
  typeof wanted === 'string' ? name === wanted : wanted.test(name)

/** What a name is without the marks that isolate the words of strangers in it. */
const plain = (name: string) =>
  name
    .replace(/[\u2066-\u2069]/g, '')
    .replace(/\s+/g, ' ')
    .trim()

export function keyboardOf({ page, cdp }: Device): Keyboard {
  /** Role and accessible name of what has the focus, as the browser tells them to assistive technology. */
  async function focused(): Promise<{ role: string; name: string; shown: boolean } | undefined> {
    const { result } = await cdp.send('Runtime.evaluate', { expression: 'document.activeElement' })
    if (!result.objectId) return undefined
    const { objectId } = result
    const { nodes } = await cdp.send('Accessibility.getPartialAXTree', { objectId, fetchRelatives: false })
    const shown = await page.evaluate(() => {
      const { top, bottom } = document.activeElement?.getBoundingClientRect() ?? { top: 0, bottom: 0 }
      return bottom > 0 && top < innerHeight
    })
    const [node] = nodes
    return { role: String(node?.role?.value ?? ''), name: plain(String(node?.name?.value ?? '')), shown }
  }

  async function reach(role: string, name: string | RegExp): Promise<void> {
    const met: string[] = []
    const roles = role === 'textbox' ? ['textbox', 'searchbox'] : [role]
    for (let presses = 0; presses < MOST; presses++) {
      const at = await focused()
      if (at && roles.includes(at.role) && matches(name, at.name)) {
        if (!at.shown) throw new Error(`${role} ${name} has the focus and cannot be seen`)
        return
      }
      if (at) met.push(`${at.role} ${at.name}`)
      await page.keyboard.press('Tab')
    }
    throw new Error(`No ${role} ${name} is reached by Tab, only: ${[...new Set(met)].join(' | ')}`)
  }

  return {
    reach,
    async press(role, name) {
      await page.getByRole(role, { name }).first().waitFor()
      await reach(role, name)
      await page.keyboard.press('Enter')
    },
    async tick(name) {
      await reach('checkbox', name)
      await page.keyboard.press('Space')
    },
    async choose(name) {
      await page.getByRole('radio', { name }).first().waitFor()
      await reach('radio', /./)
      for (let presses = 0; presses < 40; presses++) {
        const at = await focused()
        if (at && matches(name, at.name)) return page.keyboard.press('Space')
        await page.keyboard.press('ArrowDown')
      }
      throw new Error(`No choice ${name} is reached by the arrows`)
    },
    async fill(name, text) {
      await page.getByRole('textbox', { name }).first().waitFor()
      await reach('textbox', name)
      await page.keyboard.press('Control+A')
      await page.keyboard.type(text)
    },
    async arrive(heading) {
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await page.waitForFunction(() => document.activeElement?.tagName === 'H1', undefined, {
        timeout: 5_000,
      })
    },
  }
}
