import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'
import { readHistorySearch } from './history-search.ts'

export const historyRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/history',
    validateSearch: readHistorySearch,
    component: lazyRouteComponent(() => import('./history.tsx'), 'History'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/history/reported',
    component: lazyRouteComponent(() => import('./cases.tsx'), 'Cases'),
  }),
] as const
