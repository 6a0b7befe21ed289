import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { filterIn } from '../../filter.ts'
import { rootRoute } from '../../root.tsx'

export const searchRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/search',
    validateSearch: filterIn,
    component: lazyRouteComponent(() => import('./search.tsx'), 'Search'),
  }),
] as const
