import { Alert, Anchor } from '@mantine/core'
import { useEffect, useRef } from 'react'

/** What is wrong with a page, near its top and linked to the field; it takes the focus, so that whoever listens hears it. */
export function ErrorSummary({ title, text, field }: { title: string; text: string; field: string }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => box.current?.focus(), [])
  return (
    <Alert ref={box} role="alert" tabIndex={-1} color="red" title={title}>
      <Anchor
        href={`#${field}`}
        onClick={(event) => {
          event.preventDefault()
          document.getElementById(field)?.focus()
        }}
      >
        {text}
      </Anchor>
    </Alert>
  )
}
