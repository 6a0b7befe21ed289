import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import { clientOf } from './patients.ts'

/** What must stand in no address: by the text, what it is. */
export async function identifiersOf(
  file: SandboxFile,
  person: SandboxFile['patients'][number],
): Promise<Map<string, string>> {
  const found = new Map<string, string>([
    [person.nationalId.value, 'a national ID'],
    [person.words, 'words'],
  ])
  const words = person.words.split(' ')
  words.slice(1).forEach((word, i) => {
    found.set(`${words[i]} ${word}`, 'words')
    found.set(`${words[i]}-${word}`, 'words')
  })
  for (const part of person.name.split(' ')) if (part.length > 3) found.set(part, 'a name')
  for (const { member, name } of file.hospitals) {
    found.set(member, 'a member id')
    found.set(member.slice(2), 'a member id')
    found.set(name, 'the name of a hospital')
  }
  for (const place of person.at) {
    found.set(place.recordNumber, 'a record number')
    found.set(place.patientId, 'a Patient id')
    const client = clientOf(file, place.hospital, person)
    const { handle } = await client.signIn()
    found.set(handle, 'a handle')
    found.set(handle.slice(2), 'a handle')
    for (const { resourceType, id } of await client.record()) found.set(id, `the id of a ${resourceType}`)
  }
  return found
}
