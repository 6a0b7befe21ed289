import { useDevice } from '../device/device.tsx'

/** Whether the patient has two ways back to the words: nobody shares before, since what is shared must be able to be stopped. */
export const useSecured = (): boolean => useDevice().secured
