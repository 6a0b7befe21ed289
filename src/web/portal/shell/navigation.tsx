import { Link, useLocation } from '@tanstack/react-router'
import { Menu } from 'lucide-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useDevice } from '../device/device.tsx'
import { LockButton } from './lock-button.tsx'
import classes from './shell.module.css'
import { WaitingRequests } from './waiting-requests.tsx'

/** The pages, in the order of how often they are wanted; shown once the device is open. */
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
  // Unfolded for one page: whoever has gone on wants to see where they are.
  const [unfoldedAt, unfoldAt] = useState<string>()
  const unfolded = unfoldedAt === pathname
  if (state !== 'open') return null
  return (
    <nav aria-label={t('menu')}>
      <button
        type="button"
        className={classes.menu}
        aria-expanded={unfolded}
        onClick={() => unfoldAt(unfolded ? undefined : pathname)}
      >
        <Menu aria-hidden />
        {t('menu')}
        {unfolded ? null : <WaitingRequests />}
      </button>
      <ul className={unfolded ? classes.links : `${classes.links} ${classes.folded}`}>
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
