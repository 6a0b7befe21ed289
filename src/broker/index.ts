export { type Broker, createBroker } from './broker.ts'
export { BrokerConfig, readBrokerConfig } from './config.ts'
