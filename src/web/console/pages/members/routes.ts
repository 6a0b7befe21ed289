import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const membersRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/members',
    component: lazyRouteComponent(() => import('./members.tsx'), 'Members'),
  }),
] as const
