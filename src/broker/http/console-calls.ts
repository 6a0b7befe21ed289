import type { StoredPatient } from '../../store/patients.ts'
import { CONSOLE_CLIENT } from '../console/people.ts'
import type { Staff } from '../console/sessions.ts'

/** A person at the console, as the trail names them. */
export const byStaff = ({ id, name, role }: Staff) => ({ user: { id, name, role }, client: CONSOLE_CLIENT })

/** What is noted of each view, before it is answered. */
export type NoteView = (staff: Staff, what: string, about?: StoredPatient) => Promise<void>

/** Whatever was sent, as fields; each is checked by whoever takes it. */
export const bodyOf = (body: unknown): Record<string, unknown> =>
  typeof body === 'object' && body !== null ? { ...body } : {}
