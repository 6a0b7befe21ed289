import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { textIn } from '../../parts/fields.ts'
import { rootRoute } from '../../root.tsx'

export const timelineRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/timeline',
    // A reference of this session: to anybody else it says nothing.
    validateSearch: ({ of, sort }: Record<string, unknown>): { of?: string; sort?: 'date' } => {
      const reference = textIn(of)
      return { ...(reference ? { of: reference } : {}), ...(sort === 'date' ? { sort } : {}) }
    },
    component: lazyRouteComponent(() => import('./timeline.tsx'), 'Timeline'),
  }),
] as const
