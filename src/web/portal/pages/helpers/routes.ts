import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

const getParentRoute = () => rootRoute

export const helperRoutes = [
  createRoute({
    getParentRoute,
    path: '/helpers',
    component: lazyRouteComponent(() => import('./helpers.tsx'), 'Helpers'),
  }),
  createRoute({
    getParentRoute,
    path: '/helpers/appoint',
    component: lazyRouteComponent(() => import('./appoint.tsx'), 'Appoint'),
  }),
  createRoute({
    getParentRoute,
    path: '/helpers/end/$key',
    component: lazyRouteComponent(() => import('./end.tsx'), 'EndHelp'),
  }),
  createRoute({
    getParentRoute,
    path: '/helping',
    component: lazyRouteComponent(() => import('./helping.tsx'), 'Helping'),
  }),
] as const
