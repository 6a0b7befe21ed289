import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const timelineRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/timeline',
    // A reference of this session: to anybody else it says nothing.
    validateSearch: ({ of, sort }: Record<string, unknown>): { of?: string; sort?: 'date' } => ({
      ...(of === undefined ? {} : { of: String(of) }),
      ...(sort === 'date' ? { sort } : {}),
    }),
    component: lazyRouteComponent(() => import('./timeline.tsx'), 'Timeline'),
  }),
] as const
