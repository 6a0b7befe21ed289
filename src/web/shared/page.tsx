import { Container, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

/**
 * One page: its heading takes the focus when the page opens, so that whoever listens hears where they are, and names the window.
 */
export function Page({
  title,
  lead,
  wide = false,
  children,
}: {
  title: string
  lead?: ReactNode
  wide?: boolean
  children?: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} – Wayleave`
    heading.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [title])
  return (
    <Container size={wide ? 'lg' : 'sm'} px={0}>
      <Stack gap="lg">
        <Title order={1} ref={heading} tabIndex={-1}>
          {title}
        </Title>
        {lead === undefined ? null : <Text size="lg">{lead}</Text>}
        {children}
      </Stack>
    </Container>
  )
}
