export { type Broker, type BrokerDeps, createBroker } from './broker.ts'
export { BrokerConfig } from './config.ts'
export {
  ConfigurationError,
  loadBrokerConfig,
  maskedConfig,
  readBrokerConfig,
} from './configuration/read-config.ts'
export { settings, settingsHelp } from './configuration/variables.ts'
