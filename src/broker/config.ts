import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { wayleaveError } from '../domain/errors.ts'

const Identifier = Type.Object({
  system: Type.String({ minLength: 1 }),
  value: Type.String({ minLength: 1 }),
})
const Address = Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' })

/** The configuration of one hospital's broker, as its JSON file holds it. Keys are not in it: `keys` names their file. */
export const BrokerConfig = Type.Object({
  name: Type.String({ minLength: 1, description: 'The hospital, as patients know it' }),
  identifier: Identifier,
  host: Type.String({ description: 'Address to listen on, 127.0.0.1 in the sandbox' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  /** Where others reach this broker; absent: where it listens. */
  publicBase: Type.Optional(Type.String({ pattern: '^https?://' })),
  keys: Type.String({ description: 'File of this broker’s private keys, mode 600' }),
  database: Type.Union([
    Type.Object({ kind: Type.Literal('pglite'), dir: Type.Optional(Type.String()) }),
    Type.Object({ kind: Type.Literal('postgres'), url: Type.String() }),
  ]),
  fhir: Type.Union([
    Type.Object({ kind: Type.Literal('embedded'), port: Type.Integer(), accessLog: Type.String() }),
    Type.Object({ kind: Type.Literal('server'), base: Type.String({ pattern: '^https?://' }) }),
  ]),
  chain: Type.Object({
    rpc: Type.String({ pattern: '^https?://' }),
    chainId: Type.Integer(),
    /** What a contract took over from, by its name, the youngest first. */
    predecessors: Type.Optional(Type.Record(Type.String(), Type.Array(Address))),
    /** keccak256 of the code at each contract, by its name; what is not named is not checked. */
    codeHashes: Type.Optional(Type.Record(Type.String(), Type.String({ pattern: '^0x[0-9a-fA-F]{64}$' }))),
    deployedAt: Type.Integer({ minimum: 0 }),
    contracts: Type.Object({
      accessManager: Address,
      memberRegistry: Address,
      patientRegistry: Address,
      consentRegistry: Address,
      recordDirectory: Address,
      accessLog: Address,
      passkeyVerifier: Address,
      accessRequests: Address,
      breakGlass: Address,
      succession: Address,
      council: Address,
    }),
  }),
  /** Programs of this hospital that may call: HIS, registrars, auditors. Their public keys only. */
  clients: Type.Array(
    Type.Object({
      clientId: Type.String({ minLength: 1 }),
      name: Type.String(),
      scopes: Type.Array(Type.String()),
      jwks: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
    }),
  ),
  /** Names of the council's groups. */
  groups: Type.Array(Type.String()),
  /** File that one-time codes are written to. */
  contactFile: Type.String(),
  timing: Type.Object({
    /** How long new entries are gathered before they go to the chain; a minute unless given. Milliseconds. */
    batchMs: Type.Optional(Type.Integer({ minimum: 1 })),
    /** How often the FHIR server's history is read without a hook. Milliseconds. */
    feedMs: Type.Integer({ minimum: 100 }),
    /** How long a transaction of the FHIR server may take; ten minutes unless given. Milliseconds. */
    overlapMs: Type.Optional(Type.Integer({ minimum: 0 })),
    /** Length of an access-log window; at most 30 s, so that I4's minute is kept. Milliseconds. */
    windowMs: Type.Integer({ minimum: 500, maximum: 30_000 }),
  }),
  /** How batches of entries are filled up, so that their sizes tell nothing; sizes of 16, 64 and 200 unless given. */
  batches: Type.Optional(
    Type.Union([
      Type.Literal('none'),
      Type.Object({
        sizes: Type.Array(Type.Integer({ minimum: 1, maximum: 200 }), { minItems: 1 }),
        /** Whether a round without entries sends a batch of the smallest size. */
        quietRounds: Type.Boolean(),
      }),
    ]),
  ),
  /** Files of the custodian's own labelling rules, beside or in place of those that come with Wayleave. */
  labelRules: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
  /** TLS; absent: the broker speaks HTTP. */
  tls: Type.Optional(
    Type.Object({
      /** PEM file of its certificate, with those between it and its CA. Its key is pinned in the member's profile. */
      cert: Type.String({ minLength: 1 }),
      /** PEM file of the private key; absent where a proxy before the broker ends TLS with this certificate. */
      key: Type.Optional(Type.String({ minLength: 1 })),
      /** PEM file of the certificate that comes next: its key is pinned beforehand. */
      nextCert: Type.Optional(Type.String({ minLength: 1 })),
    }),
  ),
  /** Where other members' brokers may be called; absent: at public addresses, by HTTPS. */
  peers: Type.Optional(
    Type.Object({
      /** Networks (CIDR) that may be called although they are not public. */
      networks: Type.Optional(Type.Array(Type.String())),
      /** Ports that may be called; absent: 443 and 8443. */
      ports: Type.Optional(
        Type.Union([Type.Literal('any'), Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }))]),
      ),
      /** Whether HTTP without TLS will do, as in the sandbox. */
      plainHttp: Type.Optional(Type.Boolean()),
      /** The origins of a member, by its identifier `system|value`; of one that is not named, whatever it publishes. */
      endpoints: Type.Optional(
        Type.Record(Type.String(), Type.Array(Type.String({ pattern: '^https?://[^/]+$' }))),
      ),
      /** Whether members that `endpoints` does not name are not called at all. */
      onlyListed: Type.Optional(Type.Boolean()),
      /** PEM file of the CAs of which peers' certificates must descend, besides their pins. */
      ca: Type.Optional(Type.String({ minLength: 1 })),
    }),
  ),
  /** Requests a minute from one address. */
  requestsPerMinute: Type.Integer({ minimum: 1 }),
})

export type BrokerConfig = Static<typeof BrokerConfig>

/** @throws WayleaveError `request-invalid` that names the first wrong field. */
export function readBrokerConfig(json: unknown): BrokerConfig {
  if (Value.Check(BrokerConfig, json)) return json
  const [first] = Value.Errors(BrokerConfig, json)
  throw wayleaveError('request-invalid', `broker configuration: ${JSON.stringify(first)}`)
}
