export type { AuditReconciliation } from './audit/reconcile/audit-reconciler.ts'
export { type Broker, type BrokerDeps, createBroker } from './broker.ts'
export { BrokerConfig } from './config.ts'
export {
  ConfigurationError,
  loadBrokerConfig,
  maskedConfig,
  readBrokerConfig,
} from './configuration/read-config.ts'
export { settings, settingsHelp } from './configuration/variables.ts'
export { CONSOLE_ROLES, type ListedPerson } from './console/people.ts'
export { OPERATOR } from './http/operator-routes.ts'
export type { Readiness } from './operate/readiness.ts'
export { type Count, KINDS, type Kind, type Report } from './register/reconcile/findings.ts'
export type { Reconciliation } from './register/reconcile/reconciler.ts'
