import type { Page } from 'playwright-core'

/** One screen: where it is, and what is done there before it is looked at. */
export type Scene = {
  /** Name of its pictures: portal or console, then the screen. */
  name: string
  path: string
  /** The route, where the path has a part that varies. */
  route?: string
  prepare?: (page: Page) => Promise<void>
}

/** Every page of the portal, before somebody has a key on this device and afterwards. */
export const SCENES: Readonly<Record<'stranger' | 'person', readonly Scene[]>> = {
  stranger: [
    { name: 'portal-welcome', path: '/' },
    { name: 'portal-words', path: '/begin/words' },
  ],
  person: [
    { name: 'portal-home', path: '/' },
    { name: 'portal-words-again', path: '/begin/words' },
    { name: 'portal-history', path: '/history' },
    { name: 'portal-reported', path: '/history/reported' },
    { name: 'portal-records', path: '/records' },
  ],
}
