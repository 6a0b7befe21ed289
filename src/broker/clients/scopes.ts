/** Reading the audit trail, and hearing of it. */
export const TRAIL_SCOPE = 'system/AuditEvent.rs'

/** Placing and lifting legal holds on the audit trail. */
export const HOLD_SCOPE = 'system/legal-hold'

/** Reading and answering what patients say looks wrong. */
export const CASES_SCOPE = 'system/cases'

/** What a program of the hospital may be allowed, as SMART scopes (SMART App Launch 2.2, "Scopes for system access"). */
export const CLIENT_SCOPES: readonly string[] = [
  'system/DocumentReference.rs',
  'system/DocumentReference.c',
  'system/Binary.r',
  'system/Patient.r',
  TRAIL_SCOPE,
  'system/Task.c',
  'system/Task.rs',
  'system/Task.u',
  'system/Consent.rs',
  'system/Consent.c',
  'system/Consent.u',
  'system/registrar',
  HOLD_SCOPE,
  CASES_SCOPE,
]

/** Registering programs. Given in the broker's configuration only: no program can make another one like it. */
export const ADMIN_SCOPE = 'system/client-admin'

/** Finding out whose handle it is. Configured only, too: whoever registers programs does not give it to one of their own. */
export const REIDENTIFY_SCOPE = 'system/reidentify'
