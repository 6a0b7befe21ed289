import { describeRegistration } from './registers.ts'

describeRegistration('the embedded servers', async () => ({}))
