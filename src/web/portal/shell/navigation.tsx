import { Link, useLocation } from '@tanstack/react-router'
import { Menu } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useDevice } from '../device/device.tsx'
import { LockButton } from './lock-button.tsx'
import classes from './shell.module.css'
import { WaitingRequests } from './waiting-requests.tsx'

/** The pages, in the order of how often they are wanted; shown once the device is open. On a small screen a button shows them. */
const PAGES = [
  { to: '/', key: 'home' },
  { to: '/requests', key: 'requests' },
  { to: '/history', key: 'history' },
  { to: '/records', key: 'records' },
  { to: '/helpers', key: 'helpers' },
  { to: '/devices', key: 'devices' },
  { to: '/pause', key: 'pause' },
] as const

export function Navigation() {
  const t = useTranslations('shell')
  const { state } = useDevice()
  const { pathname } = useLocation()
  const [shown, show] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone to a page has done with the list
  useEffect(() => show(false), [pathname])
  if (state !== 'open') return null
  return (
    <nav aria-label={t('menu')}>
      <button
        type="button"
        className={classes.menu}
        aria-expanded={shown}
        aria-controls="pages"
        onClick={() => show(!shown)}
      >
        <Menu aria-hidden />
        {t('menu')}
        <WaitingRequests />
      </button>
      <ul id="pages" className={classes.links} data-shown={shown || undefined}>
        {PAGES.map(({ to, key }) => (
          <li key={to}>
            <Link to={to} className={classes.link} activeOptions={{ exact: to === '/' }}>
              {t(key)}
              {to === '/requests' ? <WaitingRequests /> : null}
            </Link>
          </li>
        ))}
        <li className={classes.last}>
          <LockButton />
        </li>
      </ul>
    </nav>
  )
}
