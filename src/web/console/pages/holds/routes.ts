import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const holdsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/holds',
    // A reference of this session: to anybody else it says nothing.
    validateSearch: ({ of }: Record<string, unknown>): { of?: string } =>
      of === undefined ? {} : { of: String(of) },
    component: lazyRouteComponent(() => import('./holds.tsx'), 'Holds'),
  }),
] as const
