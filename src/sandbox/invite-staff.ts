import { CONSOLE_ROLES } from '../broker/index.ts'
import type { HospitalFiles } from './hospital-files.ts'
import { createOperatorClient } from './operator-client.ts'
import { patiently } from './patiently.ts'
import type { SandboxFile } from './sandbox-file.ts'

const NAMES = { auditor: 'Auditor of the sandbox', compliance: 'Compliance officer of the sandbox' } as const

/** Invites one person for each role to a hospital's console; nobody where its pages were not built. */
export async function inviteStaff(
  files: HospitalFiles,
  { hospitals }: SandboxFile,
): Promise<SandboxFile['hospitals'][number]['invitations']> {
  const broker = hospitals.find(({ key }) => key === files.hospital.key)?.broker ?? ''
  const operator = createOperatorClient({
    ...{ here: broker, audience: `${broker}/auth/token`, signing: files.keyring.signing },
  })
  const page = await patiently(() => fetch(`${broker}/console/`))
  if (!page.ok) return {}
  const invited = CONSOLE_ROLES.map(async (role) => {
    const person = { name: NAMES[role], role }
    const { code } = await patiently(() =>
      operator<{ code: string }>('POST', '/operator/console/people', person),
    )
    return [role, code] as const
  })
  return Object.fromEntries(await Promise.all(invited))
}
