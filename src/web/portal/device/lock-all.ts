/** Nobody did anything on any tab for this long: the words are forgotten. Milliseconds. */
const IDLE = 15 * 60_000
const SIGNS_OF_LIFE = ['pointerdown', 'keydown', 'visibilitychange'] as const
/** Other tabs are told of life this often at most. Milliseconds. */
const TELL_EVERY = 10_000

type Told = 'lock' | 'alive'

export type LockOfAll = {
  /** Locks every other tab, too. */
  lockOthers(): void
  /** Watches until it is told to end: calls `lock` after 15 idle minutes, and when another tab locks. */
  watch(lock: () => void): () => void
}

/** What all tabs of this browser do together: one locked locks all, one in use keeps all open. */
export function createLockOfAll(): LockOfAll {
  const channel = new BroadcastChannel('wayleave.lock')
  const tell = (told: Told) => channel.postMessage(told)

  return {
    lockOthers: () => tell('lock'),

    watch(lock) {
      // Two clocks: one stops while some devices sleep, the other may be set. Whichever says that it is long ago is believed.
      let last = { steady: performance.now(), wall: Date.now() }
      let told = 0
      const alive = () => {
        last = { steady: performance.now(), wall: Date.now() }
      }
      const seen = () => {
        // What happens after a sleep is no sign that somebody was there during it.
        if (isIdle()) return
        alive()
        if (last.steady - told < TELL_EVERY) return
        told = last.steady
        tell('alive')
      }
      const isIdle = () => performance.now() - last.steady > IDLE || Date.now() - last.wall > IDLE
      const hear = ({ data }: MessageEvent<Told>) => (data === 'lock' ? lock() : alive())
      const timer = setInterval(() => {
        if (isIdle()) lock()
      }, 10_000)
      for (const sign of SIGNS_OF_LIFE) document.addEventListener(sign, seen)
      channel.addEventListener('message', hear)
      return () => {
        clearInterval(timer)
        channel.removeEventListener('message', hear)
        for (const sign of SIGNS_OF_LIFE) document.removeEventListener(sign, seen)
      }
    },
  }
}
