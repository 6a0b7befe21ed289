import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

const getParentRoute = () => rootRoute

/** In place of whose or what stands a random name that only this tab knows. */
export const sharesRoutes = [
  createRoute({
    getParentRoute,
    path: '/shares/$key',
    component: lazyRouteComponent(() => import('./share.tsx'), 'Share'),
  }),
  createRoute({
    getParentRoute,
    path: '/shares/$key/change',
    component: lazyRouteComponent(() => import('./change.tsx'), 'Narrow'),
  }),
  createRoute({
    getParentRoute,
    path: '/shares/$key/renew',
    component: lazyRouteComponent(() => import('./change.tsx'), 'Renew'),
  }),
  createRoute({
    getParentRoute,
    path: '/shares/$key/proof',
    component: lazyRouteComponent(() => import('./proof.tsx'), 'Proof'),
  }),
  createRoute({
    getParentRoute,
    path: '/stop/$key',
    component: lazyRouteComponent(() => import('./stop.tsx'), 'Stop'),
  }),
  createRoute({
    getParentRoute,
    path: '/object',
    component: lazyRouteComponent(() => import('./object.tsx'), 'ObjectPage'),
  }),
  createRoute({
    getParentRoute,
    path: '/object/$key',
    component: lazyRouteComponent(() => import('./stop.tsx'), 'ObjectTo'),
  }),
  createRoute({
    getParentRoute,
    path: '/pause',
    component: lazyRouteComponent(() => import('./pause.tsx'), 'PausePage'),
  }),
] as const
