import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'
import { readRecordsSearch } from './records-search.ts'

export const recordsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/records',
    validateSearch: readRecordsSearch,
    component: lazyRouteComponent(() => import('./records.tsx'), 'Records'),
  }),
] as const
