import { Anchor } from '@mantine/core'
import { Link, type LinkProps } from '@tanstack/react-router'
import classes from './begin.module.css'

/** Other ways on from here, each a line of its own. */
export function Ways({ ways }: { ways: readonly { to: LinkProps['to']; text: string }[] }) {
  return (
    <ul className={classes.ways}>
      {ways.map(({ to, text }) => (
        <li key={text}>
          <Anchor component={Link} to={to} className={classes.way}>
            {text}
          </Anchor>
        </li>
      ))}
    </ul>
  )
}
