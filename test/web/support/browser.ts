import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'

/** Where Debian and others put it; else the one that comes as a package is unpacked (Linux on x64). */
const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * A real Chromium, headless: the one that `WAYLEAVE_CHROMIUM` names, else an installed one, else that of the package
 * `@sparticuz/chromium`, which the word `package` names as well.
 * @throws Error that says what to install where there is none
 */
export async function startBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--force-prefers-reduced-motion']
  const given = process.env.WAYLEAVE_CHROMIUM
  const installed = given ?? INSTALLED.find((path) => existsSync(path))
  if (installed && installed !== 'package') return chromium.launch({ executablePath: installed, args })
  try {
    const { default: packaged } = await import('@sparticuz/chromium')
    return await chromium.launch({
      executablePath: await packaged.executablePath(),
      args: [...packaged.args.filter((flag) => !flag.startsWith('--headless')), ...args],
    })
  } catch (cause) {
    const told = 'There is no Chromium. Install one, or say where it is: WAYLEAVE_CHROMIUM=/path/to/chromium.'
    throw new Error(`${told} The one that comes as a package runs on Linux on x64 only.`, { cause })
  }
}

export type AuthenticatorWish = {
  /** Whether it yields secrets (WebAuthn PRF extension); it does unless told otherwise. */
  prf?: boolean
  /** Whether it recognises its owner. */
  verified?: boolean
  /** A security key on USB instead of the device's own. */
  usb?: boolean
  /** Whether it has room for data of its owner's (WebAuthn large blob extension). */
  largeBlob?: boolean
}

/** A person's device: a browser profile of its own with an authenticator in it. */
export type Device = {
  page: Page
  context: BrowserContext
  cdp: CDPSession
  /** Everything that the page did wrong by itself: policy violations, errors, requests to strangers. */
  complaints: string[]
  addAuthenticator(wish?: AuthenticatorWish): Promise<string>
  removeAuthenticator(id: string): Promise<void>
  close(): Promise<void>
}

export async function openDevice(
  browser: Browser,
  options: {
    authenticator?: AuthenticatorWish | false
    language?: string
    dark?: boolean
    width?: number
    height?: number
  } = {},
): Promise<Device> {
  const context = await browser.newContext({
    locale: options.language ?? 'en',
    colorScheme: options.dark ? 'dark' : 'light',
    viewport: { width: options.width ?? 1_024, height: options.height ?? 800 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/Content.Security.Policy|Refused to/i.test(message.text())) complaints.push(message.text())
  })
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url())
    if (protocol.startsWith('http') && !['localhost', '127.0.0.1'].includes(hostname))
      complaints.push(`asked a stranger: ${hostname}`)
  })
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable', { enableUI: false })
  const device: Device = {
    ...{ page, context, cdp, complaints },
    async addAuthenticator({ prf = true, verified = true, usb = false, largeBlob = false } = {}) {
      const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          ctap2Version: 'ctap2_1',
          transport: usb ? 'usb' : 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          hasPrf: prf,
          hasLargeBlob: largeBlob,
          automaticPresenceSimulation: true,
          isUserVerified: verified,
        },
      })
      return authenticatorId
    },
    removeAuthenticator: async (id) => {
      await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: id })
    },
    close: () => context.close(),
  }
  if (options.authenticator !== false) await device.addAuthenticator(options.authenticator)
  return device
}
