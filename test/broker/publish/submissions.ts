import { createHash } from 'node:crypto'

type Json = Record<string, unknown>

const MHD = 'https://profiles.ihe.net/ITI/MHD'
export const N = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
}
const oid = (n: number | string) => ({ system: 'urn:ietf:rfc:3986', value: `urn:oid:1.2.3.${n}` })
export const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('base64')

const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** One document and what describes it, as an entry each; `document` changes the DocumentReference. */
export function submission(n: number | string, bytes: Buffer, subject: unknown, document: Json = {}) {
  return {
    resourceType: 'Bundle',
    meta: { profile: [`${MHD}/StructureDefinition/IHE.MHD.Minimal.ProvideBundle`] },
    type: 'transaction',
    entry: [
      {
        fullUrl: urn(1),
        resource: {
          resourceType: 'List',
          extension: [
            {
              url: `${MHD}/StructureDefinition/ihe-sourceId`,
              valueIdentifier: { value: 'urn:oid:1.2.3' },
            },
          ],
          identifier: [{ use: 'official', ...oid(`${n}.1`) }],
          status: 'current',
          mode: 'working',
          code: { coding: [{ system: `${MHD}/CodeSystem/MHDlistTypes`, code: 'submissionset' }] },
          date: '2026-11-20T10:00:00Z',
          entry: [{ item: { reference: urn(2) } }],
        } as Json,
        request: { method: 'POST', url: 'List' } as Json,
      },
      {
        fullUrl: urn(2),
        resource: {
          resourceType: 'DocumentReference',
          masterIdentifier: oid(n),
          status: 'current',
          type: { coding: [{ system: 'http://loinc.org', code: '11488-4' }] },
          subject,
          date: '2026-11-20T10:00:00Z',
          securityLabel: [N],
          content: [
            {
              attachment: {
                contentType: 'application/pdf',
                url: urn(3),
                size: bytes.length,
                hash: sha1(bytes),
              },
            },
          ],
          ...document,
        } as Json,
        request: { method: 'POST', url: 'DocumentReference' } as Json,
      },
      {
        fullUrl: urn(3),
        resource: {
          resourceType: 'Binary',
          contentType: 'application/pdf',
          data: bytes.toString('base64'),
        } as Json,
        request: { method: 'POST', url: 'Binary' } as Json,
      },
    ],
  }
}

/** The same in one resource, as Simplified Publish has it. */
export const simplified = (n: number | string, bytes: Buffer, subject: unknown, document: Json = {}) => ({
  resourceType: 'DocumentReference',
  meta: {
    profile: [`${MHD}/StructureDefinition/IHE.MHD.SimplifiedPublish.DocumentReference`],
  },
  masterIdentifier: oid(n),
  status: 'current',
  subject,
  securityLabel: [N],
  content: [{ attachment: { contentType: 'text/plain', data: bytes.toString('base64') } }],
  ...document,
})
