import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const proposalRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/proposals',
    component: lazyRouteComponent(() => import('./proposals.tsx'), 'Proposals'),
  }),
] as const
