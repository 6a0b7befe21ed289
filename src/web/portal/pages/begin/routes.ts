import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const beginRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/begin/words',
    component: lazyRouteComponent(() => import('./enter-words.tsx'), 'EnterWords'),
  }),
] as const
