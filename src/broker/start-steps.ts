/**
 * Does something in named steps, and tells every 20 s at which one it stands as long as it has not come to its end: what
 * hangs says where.
 *
 * @param tell the name of the step, and how long all of it has taken so far, in seconds
 * @param work is handed what it calls at the beginning of each step
 */
export async function inSteps<T>(
  tell: (step: string, seconds: number) => void,
  work: (at: (step: string) => void) => Promise<T>,
  everyMs = 20_000,
): Promise<T> {
  let now = 'the beginning'
  let passed = 0
  const timer = setInterval(() => {
    passed += everyMs
    tell(now, passed / 1_000)
  }, everyMs)
  timer.unref()
  try {
    return await work((step) => {
      now = step
    })
  } finally {
    clearInterval(timer)
  }
}
