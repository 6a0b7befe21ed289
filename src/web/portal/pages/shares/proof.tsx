import { Button, Code, Paper, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useNetwork } from '../../network.tsx'
import { useKeptFacts } from '../../own/kept-facts.ts'
import { type KeptReceipt, listReceipts } from '../../own/receipts.ts'
import { Gone, Waiting } from './gone.tsx'
import { useShare } from './one.ts'
import classes from './proof.module.css'

/** The one page with such words: what somebody needs who checks a share without trusting anybody. */
export function Proof() {
  const { key } = useParams({ from: '/shares/$key/proof' })
  const t = useTranslations('shares')
  const found = useShare(key)
  const facts = useKeptFacts()
  const { chain } = useNetwork()
  const slot = found && found !== 'loading' ? found.share.scopeHash : undefined
  const evidence = useQuery({
    queryKey: ['proof', key, slot],
    enabled: slot !== undefined,
    queryFn: async () => {
      if (!found || found === 'loading') return undefined
      const { termsHash } = await import('../../../../domain/consent/typed-data.ts')
      const { consent } = found.share
      const lines = await found.at.hospital.client.history(200).catch(() => [])
      const policy = `Consent/${found.share.scopeHash.slice(2, 34)}`
      const granted = lines.find((line) => line.policy === policy && line.chain !== undefined)?.chain
      const receipts = (await listReceipts(facts)).filter((one) => one.slot === found.share.scopeHash)
      return {
        ...(consent.terms ? { termsHash: termsHash(consent.terms) } : {}),
        ...(granted ? { granted } : {}),
        receipts,
      }
    },
  })
  if (found === 'loading') return <Waiting />
  if (!found) return <Gone />
  const { at, share } = found
  const { receipts = [], termsHash, granted } = evidence.data ?? {}
  const proof = {
    custodian: at.hospital.member.id,
    handle: at.own?.handle,
    slot: share.scopeHash,
    scope: share.consent.scope,
    version: share.consent.version,
    state: share.consent.state,
    terms: share.consent.terms,
    ...{ termsHash, granted, chain },
    receipts,
  }
  const fields: [keyof typeof FIELDS, string | undefined][] = [
    ['hospital', proof.custodian],
    ['handle', proof.handle],
    ['slot', proof.slot],
    ['version', String(proof.version)],
    ['state', proof.state],
    ['termsHash', termsHash],
    ['contract', chain.consentRegistry],
    ['chainId', String(chain.chainId)],
    ['granted', granted ? `${granted.block}, ${granted.transaction}` : undefined],
    ...receipts.flatMap((one: KeptReceipt): [keyof typeof FIELDS, string][] => [
      ['digest', one.receipt.digest],
      ['receipt', one.jws],
    ]),
  ]
  return (
    <Page title={t('proofTitle')} lead={t('proofLead')}>
      <Paper withBorder p="lg">
        <dl className={classes.fields}>
          {fields.flatMap(([name, value], index) =>
            value === undefined
              ? []
              : [
                  <div key={`${name} ${String(index)}`}>
                    <dt>{t(`proofFields.${name}`)}</dt>
                    <dd>
                      <Code>{value}</Code>
                    </dd>
                  </div>,
                ],
          )}
        </dl>
        {evidence.data && receipts.length === 0 ? <Text>{t('proofNoReceipt')}</Text> : null}
      </Paper>
      <Button size="lg" onClick={() => download(proof)}>
        {t('download')}
      </Button>
    </Page>
  )
}

const FIELDS = {
  hospital: 1,
  handle: 1,
  slot: 1,
  version: 1,
  state: 1,
  termsHash: 1,
  contract: 1,
  chainId: 1,
  granted: 1,
  digest: 1,
  receipt: 1,
} as const

function download(proof: unknown): void {
  const file = new Blob([`${JSON.stringify(proof, null, 2)}\n`], { type: 'application/json' })
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = 'wayleave-share.json'
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
