import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const sandboxRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/sandbox/phone',
    component: lazyRouteComponent(() => import('./phone.tsx'), 'Phone'),
  }),
] as const
