import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** WCAG 2.2, levels A and AA. */
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']

/** What another theme can break; the rest of the page is the same in both. */
const OF_COLOUR = ['color-contrast', 'link-in-text-block']

/** What axe-core finds wrong on the page as it stands, one line each. `best-practice` rules are asked as well. */
export async function violations(page: Page, what: 'all' | 'colours'): Promise<string[]> {
  const options: RunOptions =
    what === 'all'
      ? { runOnly: { type: 'tag', values: [...WCAG, 'best-practice'] }, resultTypes: ['violations'] }
      : { runOnly: { type: 'rule', values: OF_COLOUR }, resultTypes: ['violations'] }
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  const found = await page.evaluate(async (how) => {
    // What is drawn only once it is scrolled to has no size of its own before.
    for (const element of document.querySelectorAll<HTMLElement>('main *'))
      if (getComputedStyle(element).contentVisibility === 'auto') element.style.contentVisibility = 'visible'
    const { axe } = window as unknown as { axe: { run(how: RunOptions): Promise<AxeResults> } }
    return (await axe.run(how)).violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
    }))
  }, options)
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => {
      const why = (failureSummary ?? '').replace(/\s+/gu, ' ').replace('Fix any of the following: ', '')
      return `${id}: ${html.slice(0, 160)} (${why.slice(0, 240)})`
    }),
  )
}

/** How a screen stands in its window, as far as it can be measured. */
export type Standing = {
  title: string
  heading: string
  headings: number
  lang: string
  dir: string
  /** How far it could be scrolled sideways, in CSS pixels, and what sticks out. */
  sideways: number
  sticksOut: string[]
  /** Animations and transitions under way. */
  moving: string[]
  /** What has the focus. */
  focus: string
  /** Buttons smaller than 24 × 24 px (WCAG 2.2, 2.5.8), which axe does not measure where text stands around them. */
  small: string[]
}

export function standing(page: Page): Promise<Standing> {
  return page.evaluate(() => {
    const root = document.scrollingElement ?? document.documentElement
    const nameOf = (element: Element) => element.outerHTML.slice(0, 140)
    const width = document.documentElement.clientWidth
    const sideways = root.scrollWidth - width
    // A table may scroll in a frame of its own.
    const framed = (element: Element): boolean => {
      for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
        if (getComputedStyle(at).overflowX !== 'visible') return true
      return false
    }
    const sticksOut =
      sideways > 0
        ? [...document.body.querySelectorAll('*')]
            .filter((element) => {
              const { left, right } = element.getBoundingClientRect()
              return (right > width + 0.5 || left < -0.5) && !framed(element)
            })
            .slice(-4)
            .map(nameOf)
        : []
    const small = [...document.querySelectorAll('button, [role="button"]')]
      .filter((element) => {
        const { width: wide, height } = element.getBoundingClientRect()
        return wide > 0 && (wide < 24 || height < 24)
      })
      .map(nameOf)
    const { activeElement } = document
    return {
      title: document.title,
      heading: document.querySelector('h1')?.textContent ?? '',
      headings: document.querySelectorAll('h1').length,
      lang: document.documentElement.lang,
      dir: document.documentElement.dir,
      sideways,
      sticksOut,
      moving: document
        .getAnimations()
        .filter(({ playState }) => playState === 'running')
        .map((animation) => {
          const { target } = (animation.effect as KeyframeEffect | null) ?? {}
          return target ? nameOf(target) : 'something'
        }),
      focus: activeElement ? activeElement.tagName.toLowerCase() : '',
      small,
    }
  })
}

/** What is wrong when somebody goes through the page with the Tab key only. */
export async function walkByTab(page: Page): Promise<string[]> {
  // Each thing that can be used gets a number; of radio buttons that belong together one is reached.
  const wanted = await page.evaluate(() => {
    const usable = [
      ...document.querySelectorAll<HTMLElement>(
        'a[href], button, input, select, textarea, summary, [role="button"], [role="tab"], [tabindex]',
      ),
    ].filter((element) => {
      if (element.matches(':disabled, [aria-disabled="true"], [type="hidden"], [data-disabled]')) return false
      if (element.tabIndex < 0) return false
      return element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: false })
    })
    const groups = new Set<string>()
    const named = usable.filter((element) => {
      if (!(element instanceof HTMLInputElement) || element.type !== 'radio') return true
      if (groups.has(element.name)) return false
      groups.add(element.name)
      return true
    })
    const look = (element: Element) => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } =
        getComputedStyle(element)
      return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor].join()
    }
    document.querySelector<HTMLElement>('h1')?.blur()
    const state = { named, groups, look, before: new Map(named.map((one) => [one, look(one)])) }
    Object.assign(window, { wayleaveWalk: state })
    // From the very beginning of the document.
    document.body.tabIndex = -1
    document.body.focus()
    document.body.removeAttribute('tabindex')
    return named.length
  })
  const wrong: string[] = []
  const reached = new Set<number>()
  for (let presses = 0; presses < wanted * 2 + 5; presses++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      type Walk = { named: HTMLElement[]; before: Map<Element, string>; look: (element: Element) => string }
      const { named, before, look } = (window as unknown as { wayleaveWalk: Walk }).wayleaveWalk
      const element = document.activeElement
      if (!element || element === document.body) return undefined
      const name = element.outerHTML.slice(0, 140)
      const place = named.findIndex(
        (one) =>
          one === element ||
          (one instanceof HTMLInputElement &&
            element instanceof HTMLInputElement &&
            one.type === 'radio' &&
            one.name === element.name),
      )
      // The ring may be drawn around what stands for a control that is itself not drawn, or around what holds it.
      const around = [element, element.nextElementSibling, element.parentElement, element.closest('label')]
      const ring = around.some((one) => {
        if (!one) return false
        const { outlineStyle, outlineWidth } = getComputedStyle(one)
        return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
      })
      const changed = ring || (before.has(element) && before.get(element) !== look(element))
      const { left, top, width, height } = element.getBoundingClientRect()
      const seen = top + height > 0 && top < innerHeight && left + width > 0 && left < innerWidth
      const middle = document.elementFromPoint(
        Math.min(Math.max(left + width / 2, 0), innerWidth - 1),
        Math.min(Math.max(top + Math.min(height / 2, 20), 0), innerHeight - 1),
      )
      const hidden = seen && middle && !element.contains(middle) && !middle.contains(element)
      const covered = hidden && getComputedStyle(middle as Element).position === 'fixed'
      return { name, place, changed, seen, covered: covered === true }
    })
    // Past the last one the browser itself has the focus, once around.
    if (!at) {
      if (presses > 0) break
      continue
    }
    if (at.place >= 0 && reached.has(at.place) && reached.size === wanted) break
    if (at.place >= 0) reached.add(at.place)
    if (!at.changed) wrong.push(`no visible focus: ${at.name}`)
    if (!at.seen) wrong.push(`focus out of sight: ${at.name}`)
    if (at.covered) wrong.push(`focus covered: ${at.name}`)
  }
  const missed = await page.evaluate(
    (places) => {
      const { named } = (window as unknown as { wayleaveWalk: { named: HTMLElement[] } }).wayleaveWalk
      return named.filter((_, place) => !places.includes(place)).map((one) => one.outerHTML.slice(0, 140))
    },
    [...reached],
  )
  return [...new Set([...wrong, ...missed.map((name) => `not reached by Tab: ${name}`)])]
}
