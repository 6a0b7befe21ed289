// The sample hospitals, people and records of the sandbox; where they come from is in fhir/samples/README.md.
export { sampleBundles } from './bundles.ts'
export { type SampleHospital, type SamplePerson, sampleHospitals, samplePeople } from './people.ts'
