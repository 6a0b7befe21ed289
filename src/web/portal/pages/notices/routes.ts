import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

export const noticeRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: '/news',
    component: lazyRouteComponent(() => import('./notices.tsx'), 'Notices'),
  }),
] as const
