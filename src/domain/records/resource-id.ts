/**
 * Whether a text may stand as a resource's id, or a version's, in an address. FHIR R4 §2.24.0.1 `id` has `.` and `..` in its
 * grammar as well; in an address these are no names but steps (RFC 3986 §5.2.4), and would lead to another resource.
 */
export const isResourceId = (text: string): boolean => /^(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}$/.test(text)
