import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import {
  attachmentsOf,
  bytesOf,
  isPlainText,
  type OwnAttachment,
  textIn,
} from '../../../../domain/own-record/attachments.ts'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import { saveFile } from '../../files/save-file.ts'
import { harmlessText } from './long-text.ts'
import classes from './records.module.css'

/** The texts and files of a record. A file of a stranger is saved, and never opened in this page. */
export function Attachments({ entry }: { entry: OwnEntry }) {
  return attachmentsOf(entry.resource).map((attachment, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a record's attachments never change place
    <Attached key={place} attachment={attachment} />
  ))
}

function Attached({ attachment }: { attachment: OwnAttachment }) {
  const t = useTranslations('records')
  const [isShown, show] = useState(false)
  if (attachment.data === undefined) return <Text>{t('elsewhere')}</Text>
  if (isPlainText(attachment)) {
    const text = isShown ? textIn(attachment) : undefined
    return (
      <div className={classes.attached}>
        <Button variant="default" aria-expanded={isShown} onClick={() => show(!isShown)}>
          {isShown ? t('letterHide') : t('letter')}
        </Button>
        {isShown ? (
          <pre className={classes.letter}>
            {text === undefined ? t('unreadable') : harmlessText(text).trim()}
          </pre>
        ) : null}
      </div>
    )
  }
  const save = () => {
    const bytes = bytesOf(attachment)
    // Named by us, and of no type that a browser would run.
    if (bytes) saveFile(`record.${extensionOf(attachment.contentType)}`, 'application/octet-stream', [bytes])
  }
  return (
    <div className={classes.attached}>
      <Button variant="default" onClick={save}>
        {t('save')}
      </Button>
    </div>
  )
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  ...{ 'application/pdf': 'pdf', 'image/jpeg': 'jpg', 'image/png': 'png', 'image/tiff': 'tif' },
  ...{ 'application/dicom': 'dcm', 'application/xml': 'xml', 'text/xml': 'xml', 'application/json': 'json' },
}

const extensionOf = (contentType: string) =>
  EXTENSIONS[contentType.split(';')[0]?.trim().toLowerCase() ?? ''] ?? 'bin'
