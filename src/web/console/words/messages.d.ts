import type english from './en/index.ts'

declare module 'use-intl' {
  interface AppConfig {
    Messages: typeof english
  }
}
