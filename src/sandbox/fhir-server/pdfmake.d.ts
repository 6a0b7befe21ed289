// @medplum/core's declarations name these types of an optional package. We make no PDFs.
declare module 'pdfmake/interfaces' {
  export type CustomTableLayout = never
  export type TDocumentDefinitions = never
  export type TFontDictionary = never
}
