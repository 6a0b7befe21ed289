import { Outlet, useLocation } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useDevice } from '../device/device.tsx'

const Welcome = lazy(async () => ({ default: (await import('../pages/begin/welcome.tsx')).Welcome }))
const Unlock = lazy(async () => ({ default: (await import('../pages/begin/unlock.tsx')).Unlock }))
const NotYet = lazy(async () => ({ default: (await import('../pages/begin/not-yet.tsx')).NotYet }))

/** Pages that need no words. */
const FOR_ALL = ['/begin/', '/sandbox/']
/** Pages that need the words, and no hospital that knows them. */
const WITHOUT_HOSPITAL = ['/devices', '/hospitals', '/recover']

const isIn = (paths: readonly string[], path: string) => paths.some((one) => path.startsWith(one))

/** The page that was asked for, or what must come first. The address stays: afterwards the person is where they wanted to be. */
export function Gate() {
  const { pathname } = useLocation()
  const { state, paired } = useDevice()
  if (isIn(FOR_ALL, pathname)) return <Outlet />
  const first =
    state === 'empty' ? (
      <Welcome />
    ) : state === 'locked' ? (
      <Unlock />
    ) : paired.length === 0 && !isIn(WITHOUT_HOSPITAL, pathname) ? (
      <NotYet />
    ) : undefined
  return first ? <Suspense>{first}</Suspense> : <Outlet />
}
