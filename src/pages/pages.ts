import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Pages that were built into a folder, and what the browser may do on them. */
export type Pages = {
  /** Folder with `index.html`, made by scripts/pages.ts. */
  dir: string
  /** Path below which they lie, with a slash at both ends. */
  prefix: string
  /** Origins that the pages may ask besides their own. */
  connect: readonly string[]
}

/**
 * The policy under which pages run (CSP Level 3): scripts, styles and pictures are files of the same origin, nothing is written into
 * the page, nothing is framed, and nothing is asked of anybody but this origin and those that are named.
 */
function contentSecurityPolicy(connect: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Serves them; an address that is no file is a page of the application, which `index.html` draws. */
export async function servePages(app: FastifyInstance, { dir, prefix, connect }: Pages): Promise<void> {
  if (!existsSync(dir)) throw new Error(`${dir} holds no pages. Build them with: npm run build`)
  const policy = contentSecurityPolicy(connect)
  await app.register(fastifyStatic, {
    ...{ root: dir, serve: false, preCompressed: true, cacheControl: false },
    setHeaders: (reply, path) => {
      reply.headers({
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'permissions-policy': 'publickey-credentials-create=(self), publickey-credentials-get=(self)',
        // Files are named by their content; only the page that names them is asked for anew.
        'cache-control': path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      })
    },
  })
  app.get<{ Params: { '*'?: string } }>(`${prefix}*`, (request, reply) => {
    const path = request.params['*'] ?? ''
    // What has no extension is a page of the application, which the browser draws.
    return reply.sendFile(extname(path) === '' ? 'index.html' : path)
  })
}
