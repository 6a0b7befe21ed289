import { Button, Checkbox, Fieldset, Stack, Text } from '@mantine/core'
import { Navigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { CARE_CLASSES, DATA_CLASSES, type DataClass } from '../../../../domain/consent/data-classes.ts'
import { isGrantableKind, SENSITIVE_KINDS } from '../../../../domain/consent/sensitivities.ts'
import { Stranger } from '../../../shared/stranger.tsx'
import { useSources } from '../../own/hospitals.ts'
import own from '../../own/own.module.css'
import { useTerms } from '../../terms.ts'
import { useDraft } from './draft.tsx'
import classes from './share.module.css'
import { ShareStep } from './step.tsx'

/** What is about no patient is offered to nobody. */
const CLASSES = (Object.keys(DATA_CLASSES) as DataClass[]).filter((code) => code !== 'knowledge')
const KINDS = Object.keys(SENSITIVE_KINDS).filter(isGrantableKind)
/** Those used for care first. */
const ORDERED = [...CARE_CLASSES, ...CLASSES.filter((code) => !CARE_CLASSES.includes(code))]

const toggled = <T,>(list: readonly T[], one: T): T[] =>
  list.includes(one) ? list.filter((other) => other !== one) : [...list, one]

export function What() {
  const t = useTranslations('share')
  const terms = useTerms()
  const { draft, choose } = useDraft()
  const sources = useSources(draft.to)
  if (!draft.to) return <Navigate to="/share/who" replace />
  const chosenSources = sources.filter(({ member }) => !draft.without.includes(member.id))
  const noSource = sources.length > 0 && chosenSources.length === 0
  const problem = noSource ? t('chooseFrom') : draft.classes.length === 0 ? t('chooseClass') : undefined
  return (
    <ShareStep step="what" problem={problem} field={noSource ? 'from-0' : `class-${ORDERED[0]}`}>
      <Stack gap="xl">
        {sources.length > 1 ? (
          <Fieldset legend={t('from')}>
            <div className={classes.choices}>
              {sources.map(({ member }, at) => (
                <Checkbox
                  key={member.id}
                  id={`from-${at}`}
                  size="md"
                  label={<Stranger>{member.name}</Stranger>}
                  checked={!draft.without.includes(member.id)}
                  onChange={() => choose({ without: toggled(draft.without, member.id) })}
                />
              ))}
            </div>
          </Fieldset>
        ) : null}
        <Fieldset legend={t('classes')}>
          <Text mb="md">{t('classesText')}</Text>
          <div className={own.actions}>
            <Button variant="default" onClick={() => choose({ classes: ORDERED })}>
              {t('all')}
            </Button>
            <Button variant="default" onClick={() => choose({ classes: [] })}>
              {t('noneOf')}
            </Button>
          </div>
          <div className={`${classes.choices} ${classes.list}`}>
            {ORDERED.map((code) => (
              <Checkbox
                key={code}
                id={`class-${code}`}
                size="md"
                label={terms.dataClass(code)}
                checked={draft.classes.includes(code)}
                onChange={() => choose({ classes: toggled(draft.classes, code) })}
              />
            ))}
          </div>
        </Fieldset>
        <Fieldset legend={t('kinds')}>
          <Text mb="md">{t('kindsText')}</Text>
          <div className={classes.choices}>
            {KINDS.map((kind) => (
              <Checkbox
                key={kind}
                size="md"
                label={terms.kind(kind)}
                description={terms.kindWhy(kind)}
                checked={draft.kinds.includes(kind)}
                onChange={() => choose({ kinds: toggled(draft.kinds, kind) })}
              />
            ))}
          </div>
        </Fieldset>
      </Stack>
    </ShareStep>
  )
}
