import { createRouter } from '@tanstack/react-router'
import { holdsRoutes } from './pages/holds/routes.ts'
import { lookUpRoutes } from './pages/look-up/routes.ts'
import { membersRoutes } from './pages/members/routes.ts'
import { overviewRoutes } from './pages/overview/routes.ts'
import { reportsRoutes } from './pages/reports/routes.ts'
import { searchRoutes } from './pages/search/routes.ts'
import { timelineRoutes } from './pages/timeline/routes.ts'
import { rootRoute } from './root.tsx'

/** Every page of the console; each is loaded when it is opened first. */
export const router = createRouter({
  basepath: '/console',
  routeTree: rootRoute.addChildren([
    ...overviewRoutes,
    ...searchRoutes,
    ...timelineRoutes,
    ...lookUpRoutes,
    ...reportsRoutes,
    ...membersRoutes,
    ...holdsRoutes,
  ]),
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
