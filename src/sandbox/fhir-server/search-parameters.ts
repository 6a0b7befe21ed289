// Which search parameters this server has, on which types, and where their values lie: from HL7's R4 definitions
// (http://hl7.org/fhir/R4/searchparameter-registry.html), the few that finding a patient's records takes.

/** Parameter → path of its values inside the resource → the types that have it there. */
// biome-ignore format: types in alphabetical order, as many as fit a line
const PATHS = {
  identifier: {
    identifier: `
      Account ActivityDefinition AllergyIntolerance Appointment AppointmentResponse Basic BodyStructure
      Bundle CarePlan CareTeam ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression
      CodeSystem Communication CommunicationRequest Composition ConceptMap Condition Consent Contract
      Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device
      DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
      DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
      EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
      FamilyMemberHistory Flag Goal Group GuidanceResponse HealthcareService ImagingStudy Immunization
      ImmunizationEvaluation ImmunizationRecommendation InsurancePlan Invoice Library List Location
      Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationRequest
      MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductPackaged
      MedicinalProductPharmaceutical MessageDefinition MolecularSequence NutritionOrder Observation
      Organization OrganizationAffiliation Patient PaymentNotice PaymentReconciliation Person
      PlanDefinition Practitioner PractitionerRole Procedure Questionnaire QuestionnaireResponse
      RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy
      ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule ServiceRequest Slot Specimen
      SpecimenDefinition StructureDefinition StructureMap Substance SupplyDelivery SupplyRequest Task
      TestReport TestScript ValueSet VisionPrescription`,
    masterIdentifier: `DocumentManifest DocumentReference`,
  },
  patient: {
    subject: `
      Account Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest
      Composition Condition Contract DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
      DocumentReference Encounter Flag Goal GuidanceResponse ImagingStudy Invoice List MeasureReport Media
      MedicationAdministration MedicationDispense MedicationRequest MedicationStatement Observation
      Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen`,
    patient: `
      AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest
      CoverageEligibilityResponse DetectedIssue Device EpisodeOfCare ExplanationOfBenefit
      FamilyMemberHistory Immunization ImmunizationEvaluation ImmunizationRecommendation MolecularSequence
      NutritionOrder RelatedPerson SupplyDelivery VisionPrescription`,
    'participant.actor': `Appointment`,
    actor: `AppointmentResponse`,
    'agent.who': `AuditEvent`,
    'entity.what': `AuditEvent`,
    beneficiary: `Coverage`,
    candidate: `EnrollmentRequest`,
    'link.target': `Person`,
    target: `Provenance`,
    individual: `ResearchSubject`,
    for: `Task`,
  },
  subject: {
    subject: `
      Account AdverseEvent Basic CarePlan CareTeam ChargeItem ClinicalImpression Communication
      CommunicationRequest Composition Condition Contract DeviceRequest DeviceUseStatement
      DiagnosticReport DocumentManifest DocumentReference Encounter Flag Goal GuidanceResponse
      ImagingStudy Invoice List MeasureReport Media MedicationAdministration MedicationDispense
      MedicationRequest MedicationStatement MedicinalProductAuthorization MedicinalProductContraindication
      MedicinalProductIndication MedicinalProductInteraction MedicinalProductPackaged
      MedicinalProductUndesirableEffect Observation Procedure QuestionnaireResponse RequestGroup
      RiskAssessment ServiceRequest Specimen`,
    candidate: `EnrollmentRequest`,
    deliverTo: `SupplyRequest`,
    for: `Task`,
  },
  encounter: {
    encounter: `
      CarePlan CareTeam ClinicalImpression Communication CommunicationRequest Composition Condition
      DeviceRequest DiagnosticReport Flag ImagingStudy List Media MedicationRequest NutritionOrder
      Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Task
      VisionPrescription`,
    'item.encounter': `Claim ExplanationOfBenefit`,
    'context.encounter': `DocumentReference`,
  },
  code: {
    code: `
      AllergyIntolerance Basic ChargeItem CompartmentDefinition Condition DetectedIssue DiagnosticReport
      Group List Medication MedicationKnowledge Observation OperationDefinition Procedure RequestGroup
      SearchParameter ServiceRequest Substance Task`,
    codeCodeableConcept: `DeviceRequest`,
    medicationCodeableConcept: `MedicationAdministration MedicationDispense MedicationRequest MedicationStatement`,
  },
  category: {
    category: `
      AdverseEvent AllergyIntolerance CarePlan CareTeam Communication CommunicationRequest Composition
      Condition Consent DeviceMetric DiagnosticReport DocumentReference Goal MedicationRequest
      MedicationStatement MessageDefinition Observation Procedure ResearchStudy ServiceRequest Substance
      SupplyRequest`,
  },
  status: {
    status: `
      Account ActivityDefinition Appointment CapabilityStatement CarePlan CareTeam ChargeItemDefinition
      Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
      CompartmentDefinition Composition ConceptMap Consent Contract Coverage CoverageEligibilityRequest
      CoverageEligibilityResponse DetectedIssue Device DeviceRequest DiagnosticReport DocumentManifest
      DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
      EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
      FamilyMemberHistory GraphDefinition ImagingStudy Immunization ImmunizationEvaluation
      ImplementationGuide InsurancePlan Invoice Library List Location Measure MeasureReport Media
      Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest
      MedicationStatement MedicinalProductAuthorization MessageDefinition NamingSystem NutritionOrder
      Observation OperationDefinition PaymentNotice PaymentReconciliation PlanDefinition Procedure
      Questionnaire QuestionnaireResponse RequestGroup ResearchDefinition ResearchElementDefinition
      ResearchStudy ResearchSubject RiskEvidenceSynthesis SearchParameter ServiceRequest Slot Specimen
      StructureDefinition StructureMap Subscription Substance SupplyDelivery SupplyRequest Task
      TerminologyCapabilities TestScript ValueSet VisionPrescription`,
  },
  name: { name: `Organization Patient Person Practitioner RelatedPerson Location`, alias: `Organization Location` },
  family: { 'name.family': `Patient Practitioner` },
  given: { 'name.given': `Patient Practitioner` },
  birthdate: { birthDate: `Patient Person RelatedPerson` },
  gender: { gender: `Patient Person Practitioner RelatedPerson` },
} as const

export type SearchParameterCode = keyof typeof PATHS

const KINDS: Record<SearchParameterCode, SearchParameter['kind']> = {
  identifier: 'token',
  patient: 'reference',
  subject: 'reference',
  encounter: 'reference',
  code: 'token',
  category: 'token',
  status: 'token',
  name: 'string',
  family: 'string',
  given: 'string',
  birthdate: 'date',
  gender: 'token',
}

/** A parameter as one type has it. `target`: a bare id in a query means this type, and no other type matches. */
export type SearchParameter = {
  readonly code: SearchParameterCode
  readonly kind: 'token' | 'reference' | 'string' | 'date'
  readonly paths: readonly (readonly string[])[]
  readonly target?: string
}

const TARGETS: Partial<Record<SearchParameterCode, string>> = { patient: 'Patient', encounter: 'Encounter' }

const BY_TYPE = new Map<string, Map<string, SearchParameter & { paths: string[][] }>>()
for (const [code, paths] of Object.entries(PATHS) as [SearchParameterCode, Record<string, string>][]) {
  for (const [path, types] of Object.entries(paths)) {
    for (const type of types.trim().split(/\s+/)) {
      const parameters = BY_TYPE.get(type) ?? new Map()
      const target = TARGETS[code]
      const parameter = parameters.get(code) ?? {
        code,
        kind: KINDS[code],
        paths: [],
        ...(target && { target }),
      }
      parameter.paths.push(path.split('.'))
      BY_TYPE.set(type, parameters.set(code, parameter))
    }
  }
}

/** The parameters of a type by code, besides `_id` and `_lastUpdated`, which every type has. */
export function searchParametersOf(type: string): ReadonlyMap<string, SearchParameter> {
  return BY_TYPE.get(type) ?? new Map()
}
