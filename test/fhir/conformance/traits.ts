/** A server under test. `restart` stops it and starts it on the same data and the same address. */
export type RunningServer = { base: string; stop(): Promise<void>; restart?(): Promise<void> }

/** Where servers that conform may differ, or are slower. */
export type FhirTraits = {
  /** Answer to an update whose If-Match is stale: R4 says 412, HAPI 409. */
  staleIfMatch: number
  /** How long a hook may take, in milliseconds. */
  hookPatience: number
  /** How many random operations the model test makes. */
  randomOperations: number
  /** Refuses a body in which a name stands twice. */
  refusesDuplicateNames: boolean
  /** Answers 422 to Subscription criteria that it will not serve. */
  refusesUnservedCriteria: boolean
  /** Sends the versions of a resource to a hook in their order: HAPI does not. */
  ordersHooks: boolean
  /** Pages of history stay where they are while others write: HAPI's move, and overlap. */
  stableHistoryPages: boolean
  /** Keeps the digits of a decimal on the wire. */
  keepsDigits: boolean
}

export const R4_TRAITS: FhirTraits = {
  staleIfMatch: 412,
  hookPatience: 3_000,
  randomOperations: 500,
  refusesDuplicateNames: true,
  refusesUnservedCriteria: true,
  ordersHooks: true,
  stableHistoryPages: true,
  keepsDigits: true,
}

/** HAPI FHIR 8.8: what it does otherwise than the embedded server, and nothing else. */
export const HAPI_TRAITS: Partial<FhirTraits> = {
  staleIfMatch: 409,
  hookPatience: 15_000,
  refusesDuplicateNames: false,
  refusesUnservedCriteria: false,
  ordersHooks: false,
  stableHistoryPages: false,
}
