import { type Static, Type } from 'typebox'

const Identifier = Type.Object({
  system: Type.String({ minLength: 1, description: 'System of the organisation’s FHIR identifier' }),
  value: Type.String({
    minLength: 1,
    description: 'Its value; member id and published profile are made of both',
  }),
})
const Address = Type.String({ pattern: '^0x[0-9a-fA-F]{40}$', description: 'Address of the contract' })

/** A value that `--check` masks, and that a variable may also name a file for. */
const SECRET = { secret: true }

/**
 * The configuration of one hospital's broker, as its JSON file and its environment give it. Keys are not in it: `keys` names
 * their file. Every leaf has a description: `wayleave broker --help` and the variables are made of them.
 */
export const BrokerConfig = Type.Object({
  name: Type.String({ minLength: 1, description: 'The hospital, as patients know it; published' }),
  identifier: Identifier,
  host: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port to listen on; 0 takes a free one' }),
  publicBase: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'Where others reach this broker, without a trailing slash; absent: where it listens',
    }),
  ),
  keys: Type.String({
    description: 'File of this broker’s private keys, mode 600; made where there is none',
  }),
  keysPassphraseFile: Type.Optional(
    Type.String({
      description:
        'File that holds the passphrase, or the key as a JWK, under which the key file is encrypted',
    }),
  ),
  keysPassphraseFd: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_023, description: 'The same, read from an open file descriptor' }),
  ),
  database: Type.Union([
    Type.Object({
      kind: Type.Literal('pglite'),
      dir: Type.Optional(Type.String({ description: 'Folder of the embedded database; for trying' })),
    }),
    Type.Object({
      kind: Type.Literal('postgres'),
      url: Type.String({ description: 'postgres://…; DATABASE_URL says the same', ...SECRET }),
    }),
  ]),
  fhir: Type.Union([
    Type.Object({
      kind: Type.Literal('embedded'),
      port: Type.Integer({ description: 'Port of the embedded FHIR server; for trying' }),
      accessLog: Type.String({ description: 'File of its access log' }),
    }),
    Type.Object({
      kind: Type.Literal('server'),
      base: Type.String({ pattern: '^https?://', description: 'Base address of the hospital’s FHIR server' }),
    }),
  ]),
  chain: Type.Object({
    rpc: Type.String({ pattern: '^https?://', description: 'JSON-RPC address of the member’s own node' }),
    ws: Type.Optional(
      Type.String({
        pattern: '^wss?://',
        description: 'WebSocket address of the same node; absent: it is asked four times a second',
      }),
    ),
    reorganisationDepth: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100_000,
        description:
          'How many blocks a reorganisation may take back; 0 where blocks are final at once; absent: any number, and checkpoints wait for 12',
      }),
    ),
    maxRange: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'At most so many blocks are asked for at once; 1 holds every block against its header; absent: as the node bears',
      }),
    ),
    chainId: Type.Integer({ description: 'Id of the chain' }),
    predecessors: Type.Optional(
      Type.Record(Type.String(), Type.Array(Address), {
        description: 'What a contract took over from, by its name, the youngest first',
      }),
    ),
    codeHashes: Type.Optional(
      Type.Record(Type.String(), Type.String({ pattern: '^0x[0-9a-fA-F]{64}$' }), {
        description: 'keccak256 of the code at each contract, by its name; what is not named is not checked',
      }),
    ),
    deployedAt: Type.Integer({ minimum: 0, description: 'First block that holds a contract of ours' }),
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
  clients: Type.Array(
    Type.Object({
      clientId: Type.String({ minLength: 1 }),
      name: Type.String(),
      scopes: Type.Array(Type.String()),
      jwks: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
    }),
    {
      default: [],
      description: 'Programs of this hospital that may call: HIS, registrars, auditors. Public keys only',
      fromFile: true,
    },
  ),
  portalOrigins: Type.Optional(
    Type.Array(Type.String({ pattern: '^https?://[^/?#@]+$' }), {
      description: 'Origins, https://host[:port], whose pages may call the patients’ side; none unless named',
    }),
  ),
  console: Type.Optional(
    Type.Object({
      origin: Type.String({
        pattern: '^https?://[^/?#@]+$',
        description:
          'Origin, https://host[:port], under which browsers reach this broker for the console, by name; absent: there is no console',
      }),
      pages: Type.Optional(
        Type.String({
          minLength: 1,
          description: 'Folder of the console’s built pages; absent: the one that comes with Wayleave',
        }),
      ),
    }),
  ),
  callbackOrigins: Type.Optional(
    Type.Array(Type.String({ pattern: '^https?://[^/?#@]+$' }), {
      description:
        'Origins, https://host[:port], that the broker may call for its programs: key sets and webhooks; none unless named',
    }),
  ),
  callbackNetworks: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Networks (CIDR) in which names among callbackOrigins may lie although they are not public',
    }),
  ),
  groups: Type.Array(Type.String(), { default: [], description: 'Names of the council’s groups' }),
  contactFile: Type.Optional(
    Type.String({
      description: 'File that messages to patients are written to where messages names no way; for trying',
    }),
  ),
  messages: Type.Optional(
    Type.Object({
      country: Type.Optional(
        Type.String({
          pattern: '^[A-Z]{2}$',
          description:
            'Country of telephone numbers without a country code, as ISO 3166-1 has it; absent: they are compared digit by digit',
        }),
      ),
      language: Type.Optional(
        Type.Union([Type.Literal('en'), Type.Literal('nl'), Type.Literal('es'), Type.Literal('ar')], {
          description: 'Language for patients whose own is not on file, or not one of ours; absent: en',
        }),
      ),
      email: Type.Optional(
        Type.Object({
          host: Type.String({
            minLength: 1,
            description: 'Mail server (SMTP) for messages to patients; absent: no e-mail is sent',
          }),
          port: Type.Integer({ minimum: 1, maximum: 65_535, default: 587, description: 'Its port' }),
          security: Type.Union([Type.Literal('starttls'), Type.Literal('tls')], {
            default: 'starttls',
            description: 'starttls (RFC 3207), or tls from the first byte (RFC 8314)',
          }),
          user: Type.Optional(Type.String({ minLength: 1, description: 'Name to sign in with there' })),
          passwordFile: Type.Optional(
            Type.String({ minLength: 1, description: 'File that holds the password, mode 600' }),
          ),
          from: Type.String({ minLength: 3, description: 'Mailbox that messages come from' }),
          ca: Type.Optional(
            Type.String({
              minLength: 1,
              description: 'PEM file of the CAs that the mail server descends from',
            }),
          ),
        }),
      ),
      sms: Type.Optional(
        Type.Object({
          url: Type.String({
            // a code in clear goes no further than this machine
            pattern: '^(https://|http://127\\.0\\.0\\.1[:/])',
            description:
              'Address of the gateway that takes text messages; its origin counts as one of callbackOrigins. Absent: none are sent',
          }),
        }),
      ),
    }),
  ),
  identifierSystems: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Systems of the national identifiers by which patients may ask to be enrolled; absent: every one that is known',
    }),
  ),
  timing: Type.Object(
    {
      batchMs: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            'How long new entries are gathered before they go to the chain; absent: 60000. Milliseconds',
        }),
      ),
      feedMs: Type.Integer({
        minimum: 100,
        default: 2_000,
        description: 'How often the FHIR server’s history is read without a hook. Milliseconds',
      }),
      overlapMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'How long a transaction of the FHIR server may take; absent: 600000. Milliseconds',
        }),
      ),
      checkpointMs: Type.Optional(
        Type.Integer({
          minimum: 100,
          // so that a split view shows within a minute
          maximum: 20_000,
          description: 'How often checkpoints are shown to all other members; absent: 15000. Milliseconds',
        }),
      ),
      windowMs: Type.Integer({
        minimum: 500,
        // so that I4's minute is kept
        maximum: 30_000,
        default: 10_000,
        description: 'Length of an access-log window. Milliseconds',
      }),
    },
    { default: {} },
  ),
  batches: Type.Optional(
    Type.Union(
      [
        Type.Literal('none'),
        Type.Object({
          sizes: Type.Array(Type.Integer({ minimum: 1, maximum: 200 }), { minItems: 1 }),
          /** Whether a round without entries sends a batch of the smallest size. */
          quietRounds: Type.Boolean(),
        }),
      ],
      {
        description:
          'How batches of entries are filled up, so that their sizes tell nothing; absent: sizes of 16, 64 and 200',
      },
    ),
  ),
  labelRules: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Files of the custodian’s own labelling rules, beside or in place of those that come with Wayleave',
    }),
  ),
  audit: Type.Optional(
    Type.Object({
      retention: Type.Optional(
        Type.Object({
          jurisdiction: Type.String({
            pattern: '^[A-Z]{2}$',
            description:
              'Country whose law says how long lines of the audit trail are kept, as ISO 3166-1 has it',
          }),
          years: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 100,
              description:
                'For how many years lines are kept, then deleted; absent: the shortest that the law allows. Absent with jurisdiction: nothing is deleted',
            }),
          ),
        }),
      ),
      file: Type.Optional(
        Type.Object({
          dir: Type.String({
            minLength: 1,
            description:
              'Folder into which the audit trail is written as well, one file a day; absent: into none',
          }),
        }),
      ),
      syslog: Type.Optional(
        Type.Object({
          host: Type.String({
            minLength: 1,
            description:
              'Syslog collector to which the audit trail is sent as well (RFC 5424); absent: to none',
          }),
          port: Type.Integer({ minimum: 1, maximum: 65_535, default: 6_514, description: 'Its port' }),
          transport: Type.Union([Type.Literal('tls'), Type.Literal('tcp')], {
            default: 'tls',
            description:
              'tls (RFC 5425), or tcp with octet counting (RFC 6587) to a collector on the same machine',
          }),
          ca: Type.Optional(
            Type.String({
              minLength: 1,
              description: 'PEM file of the CAs that the collector descends from',
            }),
          ),
          cert: Type.Optional(
            Type.String({ minLength: 1, description: 'PEM file of the certificate shown to the collector' }),
          ),
          key: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of its private key' })),
          plainTcp: Type.Optional(
            Type.Boolean({
              description:
                'Whether tcp may go to another machine, with patients’ data in the clear; for trying',
            }),
          ),
        }),
      ),
    }),
  ),
  requestsPerMinute: Type.Integer({
    minimum: 1,
    default: 6_000,
    description: 'Requests a minute from one network address, of whoever shows no token that verifies',
  }),
  requestsPerMinuteOfClient: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Requests a minute of one program, patient or member, wherever they come from; absent: the same number',
    }),
  ),
  operator: Type.Optional(
    Type.Object({
      host: Type.String({
        default: '127.0.0.1',
        description: 'Address of the operator’s own listener, with /metrics; never a public one',
      }),
      port: Type.Integer({
        minimum: 0,
        maximum: 65_535,
        description: 'Its port; absent: there is no such listener',
      }),
    }),
  ),
  drain: Type.Optional(
    Type.Object({
      delayMs: Type.Integer({
        minimum: 0,
        maximum: 300_000,
        default: 0,
        description: 'After SIGTERM: how long requests are still taken while /ready says no. Milliseconds',
      }),
      withinMs: Type.Integer({
        minimum: 0,
        maximum: 300_000,
        default: 10_000,
        description: 'After that: how long requests under way may take to end. Milliseconds',
      }),
    }),
  ),
  logLevel: Type.Optional(
    Type.Union(
      (['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const).map((level) =>
        Type.Literal(level),
      ),
      { description: 'From which level on entries are logged; absent: info' },
    ),
  ),
  /** Absent: the broker speaks HTTP. */
  tls: Type.Optional(
    Type.Object({
      cert: Type.String({
        minLength: 1,
        description:
          'PEM file of its certificate, with those between it and its CA; its key is pinned in the member’s profile',
      }),
      key: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'PEM file of the private key; absent where a proxy before the broker ends TLS with this certificate',
        }),
      ),
      nextCert: Type.Optional(
        Type.String({
          minLength: 1,
          description: 'PEM file of the certificate that comes next: its key is pinned beforehand',
        }),
      ),
    }),
  ),
  /** Where other members' brokers may be called; absent: at public addresses, by HTTPS. */
  peers: Type.Optional(
    Type.Object({
      networks: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Networks (CIDR) in which other brokers may be called although they are not public',
        }),
      ),
      ports: Type.Optional(
        Type.Union([Type.Literal('any'), Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }))], {
          description: 'Ports at which other brokers may be called, or "any"; absent: 443 and 8443',
        }),
      ),
      plainHttp: Type.Optional(
        Type.Boolean({ description: 'Whether other brokers may be called without TLS; for trying' }),
      ),
      endpoints: Type.Optional(
        Type.Record(Type.String(), Type.Array(Type.String({ pattern: '^https?://[^/]+$' })), {
          description:
            'The origins of a member, by its identifier system|value; of one that is not named, whatever it publishes',
        }),
      ),
      onlyListed: Type.Optional(
        Type.Boolean({ description: 'Whether members that peers.endpoints does not name are not called' }),
      ),
      ca: Type.Optional(
        Type.String({
          minLength: 1,
          description:
            'PEM file of the CAs of which other brokers’ certificates must descend, besides their pins',
        }),
      ),
    }),
  ),
})

export type BrokerConfig = Static<typeof BrokerConfig>
