import { htmlText } from '../../../domain/reports/html-text.ts'
import { LANGUAGES, type Language } from '../../shared/languages.ts'

/**
 * One file to read or to print: no script, nothing from elsewhere, and a policy that forbids both.
 * @param body pieces of HTML, whose texts went through {@link htmlText}
 */
export function htmlFile(args: {
  language: Language
  title: string
  notes: readonly string[]
  body: readonly string[]
}): string[] {
  const title = htmlText(args.title)
  return [
    `<!doctype html>
<html lang="${args.language}" dir="${LANGUAGES[args.language].direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${args.notes.map((note) => `<p>${htmlText(note)}</p>`).join('\n')}
`,
    ...args.body,
    '</body>\n</html>\n',
  ]
}

const STYLE = `
:root{color-scheme:light dark;--line:#767676}
body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:60rem;overflow-wrap:anywhere}
h1{font-size:1.7rem}h2{font-size:1.3rem;margin:2rem 0 .5rem}h3{font-size:1.0625rem;margin:0}
article{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:.5rem 0;break-inside:avoid}
article p{margin:.25rem 0}dl{margin:.25rem 0}dl div{display:flex;gap:1rem}dt{font-weight:600;flex:0 0 9rem}dd{margin:0}
pre{white-space:pre-wrap;font:inherit;font-size:.95rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:0 1rem}
@media print{@page{size:A4;margin:15mm}:root{color-scheme:light}body{padding:0;max-width:none;font-size:10pt}h2{break-after:avoid}}
`
