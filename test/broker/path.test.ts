import { describePath } from './path.ts'

describePath('the embedded servers', async () => ({}))
