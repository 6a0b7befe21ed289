import type { BrokerConfig } from '../broker/index.ts'
import { readUnlock, type Unlock } from '../store/key-file.ts'

/** What unlocks the key file of this broker: as its configuration says, or systemd's credential. */
export const unlockOf = (config: BrokerConfig): Unlock | undefined =>
  readUnlock({
    file: config.keysPassphraseFile,
    fd: config.keysPassphraseFd,
    credentials: process.env.CREDENTIALS_DIRECTORY,
  })
