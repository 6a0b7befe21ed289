import { Button, type ButtonProps, Loader } from '@mantine/core'
import type { MouseEvent, ReactNode } from 'react'

/** A button that is at it: not pressed twice, and it keeps the focus, which a disabled one would lose. */
export function BusyButton({
  busy,
  onClick,
  type = 'button',
  children,
  autoFocus,
  ...rest
}: ButtonProps & {
  busy: boolean
  onClick?: () => void
  type?: 'button' | 'submit'
  autoFocus?: boolean
  children: ReactNode
}) {
  const press = (event: MouseEvent) => {
    if (busy) event.preventDefault()
    else onClick?.()
  }
  return (
    <Button
      {...rest}
      type={type}
      autoFocus={autoFocus}
      aria-disabled={busy}
      onClick={press}
      leftSection={busy ? <Loader size={18} color="currentColor" aria-hidden /> : rest.leftSection}
    >
      {children}
    </Button>
  )
}
