import { type UseMutationResult, useMutation } from '@tanstack/react-query'
import { useRef } from 'react'

/**
 * A mutation that a double click runs once: what the page shows of it comes a moment after the click. It runs without a network, too:
 * what then fails says so at once.
 */
export function useOnce<V = void, R = unknown>(
  run: (given: V) => Promise<R>,
  /** `leadsOn`: what succeeded goes to another page, so nothing of this one is done once more. */
  { leadsOn = false } = {},
): Omit<UseMutationResult<R, Error, V>, 'mutateAsync' | 'mutate'> & { mutate: (given: V) => void } {
  const running = useRef(false)
  const mutation = useMutation<R, Error, V>({
    mutationFn: run,
    networkMode: 'always',
    onSettled: (_done, error) => {
      if (error || !leadsOn) running.current = false
    },
  })
  return {
    ...mutation,
    mutate(given) {
      if (running.current) return
      running.current = true
      mutation.mutate(given)
    },
  }
}
