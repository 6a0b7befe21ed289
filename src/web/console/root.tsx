import { createRootRoute } from '@tanstack/react-router'
import { Failed, NotFound } from './shell/dead-ends.tsx'
import { Shell } from './shell/shell.tsx'

/** What every page of the console lies under. */
export const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Failed,
})
