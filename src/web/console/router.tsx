import { createRouter } from '@tanstack/react-router'
import { overviewRoutes } from './pages/overview/routes.ts'
import { rootRoute } from './root.tsx'

/** Every page of the console; each is loaded when it is opened first. */
export const router = createRouter({
  basepath: '/console',
  routeTree: rootRoute.addChildren([...overviewRoutes]),
  defaultPreload: 'intent',
})
