import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const recoveryRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/recover',
    component: lazyRouteComponent(() => import('./recover.tsx'), 'Recover'),
  }),
] as const
