import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

const getParentRoute = () => rootRoute

export const deviceRoutes = [
  createRoute({
    getParentRoute,
    path: '/devices',
    component: lazyRouteComponent(() => import('./devices.tsx'), 'Devices'),
  }),
  createRoute({
    getParentRoute,
    path: '/hospitals',
    component: lazyRouteComponent(() => import('./my-hospitals.tsx'), 'MyHospitals'),
  }),
] as const
