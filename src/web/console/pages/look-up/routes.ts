import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const lookUpRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/look-up',
    component: lazyRouteComponent(() => import('./look-up.tsx'), 'LookUp'),
  }),
] as const
