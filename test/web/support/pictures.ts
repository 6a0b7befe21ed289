import type { Page } from 'playwright-core'
import UPNG from 'upng-js'

/** So many colours a picture has at most: pages have few, and a page on which they are shown loads quickly. */
const COLOURS = 48

/** The page as a small PNG: what is seen of it without scrolling. */
export async function takePicture(page: Page): Promise<Buffer> {
  const shot = await page.screenshot({ animations: 'disabled', caret: 'hide' })
  const bytes = shot.buffer.slice(shot.byteOffset, shot.byteOffset + shot.byteLength) as ArrayBuffer
  const { width, height, ...rest } = UPNG.decode(bytes)
  const [pixels] = UPNG.toRGBA8({ width, height, ...rest })
  if (!pixels) throw new Error('The picture is empty')
  return Buffer.from(UPNG.encode([pixels], width, height, COLOURS))
}
