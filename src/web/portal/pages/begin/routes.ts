import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { rootRoute } from '../../root.tsx'

/** The way in: from nothing, from words, from a file, from a security key. */
const beginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/begin',
  component: lazyRouteComponent(() => import('./draft.tsx'), 'BeginLayout'),
})

const getParentRoute = () => beginRoute

export const beginRoutes = [
  beginRoute.addChildren([
    createRoute({
      getParentRoute,
      path: '/hospital',
      component: lazyRouteComponent(() => import('./choose-hospital.tsx'), 'ChooseHospital'),
    }),
    createRoute({
      getParentRoute,
      path: '/me',
      component: lazyRouteComponent(() => import('./find-me.tsx'), 'FindMe'),
    }),
    createRoute({
      getParentRoute,
      path: '/code',
      component: lazyRouteComponent(() => import('./enter-code.tsx'), 'EnterCode'),
    }),
    createRoute({
      getParentRoute,
      path: '/new-words',
      component: lazyRouteComponent(() => import('./new-words.tsx'), 'NewWords'),
    }),
    createRoute({
      getParentRoute,
      path: '/check-words',
      component: lazyRouteComponent(() => import('./check-words.tsx'), 'CheckWords'),
    }),
    createRoute({
      getParentRoute,
      path: '/passkey',
      component: lazyRouteComponent(() => import('./make-passkey.tsx'), 'MakePasskey'),
    }),
    createRoute({
      getParentRoute,
      path: '/passphrase',
      component: lazyRouteComponent(() => import('./make-file.tsx'), 'MakeFile'),
    }),
    createRoute({
      getParentRoute,
      path: '/second-way',
      component: lazyRouteComponent(() => import('./second-way.tsx'), 'SecondWay'),
    }),
    createRoute({
      getParentRoute,
      path: '/words',
      component: lazyRouteComponent(() => import('./enter-words.tsx'), 'EnterWords'),
    }),
    createRoute({
      getParentRoute,
      path: '/file',
      component: lazyRouteComponent(() => import('./open-file.tsx'), 'OpenFile'),
    }),
    createRoute({
      getParentRoute,
      path: '/key',
      component: lazyRouteComponent(() => import('./use-key.tsx'), 'UseKey'),
    }),
    createRoute({
      getParentRoute,
      path: '/no-phone',
      component: lazyRouteComponent(() => import('./no-phone.tsx'), 'NoPhone'),
    }),
    createRoute({
      getParentRoute,
      path: '/lost',
      component: lazyRouteComponent(() => import('./lost.tsx'), 'Lost'),
    }),
  ]),
] as const
