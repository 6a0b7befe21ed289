/** What patients' devices send and are answered, and what a desk sees of it. */

const text = { type: 'string' } as const
const instant = { type: 'string', format: 'date-time' } as const
const uuid = { type: 'string', format: 'uuid' } as const
const whole = { type: 'integer', minimum: 0 } as const

const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
})
const list = (name: string, items: object) => object({ [name]: { type: 'array', items } })

const identifier = object({ system: text, value: text })

export const PATIENT_SCHEMAS: Readonly<Record<string, object>> = {
  IdentifierSystems: list(
    'systems',
    object({ system: text, name: text, country: { ...text, description: 'ISO 3166-1' } }),
  ),
  EnrolmentRequest: object({
    identifier,
    contact: {
      ...text,
      description: 'A telephone number or an e-mail address that the hospital has on file',
    },
  }),
  Enrolment: object({ enrolment: uuid }),
  OpenEnrolments: list(
    'enrolments',
    object({
      id: uuid,
      startedBy: { enum: ['registrar', 'patient'] },
      at: instant,
      expiresAt: instant,
      patient: object({ reference: text }),
      contact: { ...text, description: 'Its end only' },
      confirmedBy: { type: 'array', items: text },
      needs: { ...whole, description: 'How many more persons' },
    }),
  ),
}
