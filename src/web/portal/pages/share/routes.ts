import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

const shareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/share',
  component: lazyRouteComponent(() => import('./draft.tsx'), 'ShareLayout'),
})

const getParentRoute = () => shareRoute

export const shareRoutes = [
  shareRoute.addChildren([
    createRoute({
      getParentRoute,
      path: '/',
      beforeLoad: () => {
        redirect({ to: '/share/who', replace: true, throw: true })
      },
    }),
    createRoute({
      getParentRoute,
      path: '/who',
      component: lazyRouteComponent(() => import('./who.tsx'), 'Who'),
    }),
    createRoute({
      getParentRoute,
      path: '/what',
      component: lazyRouteComponent(() => import('./what.tsx'), 'What'),
    }),
    createRoute({
      getParentRoute,
      path: '/why',
      component: lazyRouteComponent(() => import('./why.tsx'), 'Why'),
    }),
    createRoute({
      getParentRoute,
      path: '/until',
      component: lazyRouteComponent(() => import('./until.tsx'), 'Until'),
    }),
    createRoute({
      getParentRoute,
      path: '/check',
      component: lazyRouteComponent(() => import('./check.tsx'), 'Check'),
    }),
  ]),
] as const
