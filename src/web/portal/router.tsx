import { createRouter } from '@tanstack/react-router'
import { beginRoutes } from './pages/begin/routes.ts'
import { deviceRoutes } from './pages/devices/routes.ts'
import { helperRoutes } from './pages/helpers/routes.ts'
import { historyRoutes } from './pages/history/routes.ts'
import { homeRoutes } from './pages/home/routes.ts'
import { noticeRoutes } from './pages/notices/routes.ts'
import { proposalRoutes } from './pages/proposals/routes.ts'
import { recordsRoutes } from './pages/records/routes.ts'
import { recoveryRoutes } from './pages/recovery/routes.ts'
import { requestRoutes } from './pages/requests/routes.ts'
import { sandboxRoutes } from './pages/sandbox/routes.ts'
import { shareRoutes } from './pages/share/routes.ts'
import { sharesRoutes } from './pages/shares/routes.ts'
import { rootRoute } from './root.tsx'
import { Failed, NotFound } from './shell/dead-ends.tsx'

/** Every page of the portal; each is loaded when it is opened first. No address holds anything about anybody. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    ...beginRoutes,
    ...deviceRoutes,
    ...helperRoutes,
    ...historyRoutes,
    ...homeRoutes,
    ...noticeRoutes,
    ...proposalRoutes,
    ...recoveryRoutes,
    ...recordsRoutes,
    ...requestRoutes,
    ...sandboxRoutes,
    ...shareRoutes,
    ...sharesRoutes,
  ]),
  defaultPreload: 'intent',
  defaultErrorComponent: Failed,
  defaultNotFoundComponent: NotFound,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
