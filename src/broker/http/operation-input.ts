import { wayleaveError } from '../../domain/errors.ts'

/**
 * What an operation is asked with: parameters of the address, and of a Parameters resource in the body (FHIR R4 §3.2.0.2),
 * by name, as texts. An Identifier is told as `system|value`.
 * @throws WayleaveError `request-invalid`
 */
export function operationInput(query: unknown, body: unknown): Record<string, string[]> {
  const input = new Map<string, string[]>()
  const add = (name: string, value: unknown) => {
    if (typeof value !== 'string' || value === '') throw wayleaveError('request-invalid', 'a parameter')
    input.set(name, [...(input.get(name) ?? []), value])
  }
  for (const [name, value] of Object.entries((query ?? {}) as object))
    for (const one of [value as unknown].flat()) add(name, one)
  if (body === undefined || body === null) return Object.fromEntries(input)
  const { resourceType, parameter = [] } = body as { resourceType?: unknown; parameter?: unknown }
  if (resourceType !== 'Parameters' || !Array.isArray(parameter) || parameter.length > 100)
    throw wayleaveError('request-invalid', 'the body is Parameters')
  for (const one of parameter as unknown[]) {
    const { name, ...values } = (one ?? {}) as Record<string, unknown>
    if (typeof name !== 'string') throw wayleaveError('request-invalid', 'a parameter without a name')
    add(name, textIn(values))
  }
  return Object.fromEntries(input)
}

function textIn(values: Readonly<Record<string, unknown>>): unknown {
  const [first, ...others] = Object.entries(values)
  if (!first || others.length > 0) return undefined
  const [type, value] = first
  if (type === 'valueIdentifier') {
    const { system, value: number } = (value ?? {}) as { system?: unknown; value?: unknown }
    return typeof system === 'string' && typeof number === 'string' ? `${system}|${number}` : undefined
  }
  if (type === 'valueInteger' || type === 'valuePositiveInt') return String(value)
  return type === 'valueString' || type === 'valueCode' || type === 'valueUri' ? value : undefined
}

/** The one value of a parameter that may come once. @throws WayleaveError `request-invalid` */
export function onlyOne(input: Readonly<Record<string, string[]>>, name: string): string | undefined {
  const [value, ...others] = input[name] ?? []
  if (others.length > 0) throw wayleaveError('request-invalid', 'a parameter comes once')
  return value
}
