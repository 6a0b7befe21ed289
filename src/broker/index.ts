export { type Broker, type BrokerDeps, createBroker } from './broker.ts'
export { BrokerConfig, readBrokerConfig } from './config.ts'
