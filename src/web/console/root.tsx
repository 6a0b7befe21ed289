import { createRootRoute, Outlet } from '@tanstack/react-router'

/** What every page of the console lies under. */
export const rootRoute = createRootRoute({ component: Outlet })
