import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { textIn } from '../../parts/fields.ts'
import { rootRoute } from '../../root.tsx'

export const holdsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/holds',
    // A reference of this session: to anybody else it says nothing.
    validateSearch: ({ of }: Record<string, unknown>): { of?: string } => {
      const reference = textIn(of)
      return reference ? { of: reference } : {}
    },
    component: lazyRouteComponent(() => import('./holds.tsx'), 'Holds'),
  }),
] as const
