import { Radio, Stack, Text, TextInput, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { identifierText } from '../../../domain/identity/member-id.ts'
import type { Party } from '../../../patient/acts.ts'
import { isSameParty } from '../../../patient/own-shares.ts'
import { Stranger } from '../../shared/stranger.tsx'
import { useDevice } from '../device/device.tsx'
import { useNetwork } from '../network.tsx'
import { useTerms } from '../terms.ts'

/** So many are shown before we ask for more letters. */
const MOST = 12

const folded = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Whom: a named organisation first, then groups, then everyone. */
export function PartyChoice({
  chosen,
  onChoose,
  without = [],
}: {
  chosen: Party | undefined
  onChoose: (party: Party) => void
  /** Which types are not offered. */
  without?: readonly Party['granteeType'][]
}) {
  const t = useTranslations('share')
  const terms = useTerms()
  const { members, groups } = useNetwork()
  const { hospitals } = useDevice()
  const [search, setSearch] = useState('')
  const organisations = members
    .map(({ id, identifier }) => {
      const party: Party = { granteeType: 'Organization', grantee: identifierText(identifier) }
      return { id, party, name: terms.party(party) }
    })
    .filter(({ name }) => folded(name).includes(folded(search.trim())))
    .sort((a, b) => a.name.localeCompare(b.name))
  const groupParties = groups.map((grantee): Party => ({ granteeType: 'Group', grantee }))
  const everyone: Party = { granteeType: 'Everyone', grantee: '' }
  const isHome = (id: string) => hospitals.some(({ member }) => member.id === id)
  const radio = (party: Party, description?: string) => (
    <Radio
      key={`${party.granteeType} ${party.grantee}`}
      size="md"
      name="party"
      label={<Stranger>{terms.party(party)}</Stranger>}
      description={description}
      checked={chosen !== undefined && isSameParty(chosen, party)}
      onChange={() => onChoose(party)}
    />
  )
  return (
    <Stack gap="lg">
      <Stack component="section" aria-labelledby="organisations">
        <Title order={2} size="h3" id="organisations">
          {t('organisations')}
        </Title>
        <TextInput
          id="search"
          label={t('search')}
          type="search"
          autoComplete="off"
          value={search}
          maxLength={120}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        {organisations
          .slice(0, MOST)
          .map(({ id, party }) => radio(party, isHome(id) ? t('ownHospital') : undefined))}
        <Text role="status">
          {organisations.length === 0 ? t('noMatch') : null}
          {organisations.length > MOST ? t('moreMatch', { count: organisations.length - MOST }) : null}
        </Text>
      </Stack>
      {groups.length === 0 || without.includes('Group') ? null : (
        <Stack component="section" aria-labelledby="groups">
          <Title order={2} size="h3" id="groups">
            {t('groups')}
          </Title>
          {groupParties.map((party) => radio(party, t('groupText')))}
        </Stack>
      )}
      {without.includes('Everyone') ? null : (
        <Stack component="section" aria-labelledby="everyone">
          <Title order={2} size="h3" id="everyone">
            {t('everyone')}
          </Title>
          {radio(everyone, t('everyoneText'))}
        </Stack>
      )}
    </Stack>
  )
}
