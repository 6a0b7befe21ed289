import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const requestRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/requests',
    component: lazyRouteComponent(() => import('./requests.tsx'), 'Requests'),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/requests/answer',
    // A random name that this tab gave it; see own/local-keys.ts.
    validateSearch: ({ which }: Record<string, unknown>) => ({
      which: typeof which === 'string' ? which : '',
    }),
    component: lazyRouteComponent(() => import('./answer.tsx'), 'Answer'),
  }),
] as const
