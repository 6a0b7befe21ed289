/** What a patient's device signs to open a session: the origin that it means to talk to, and that origin's nonce. */
export const SIGN_IN_TYPES = {
  SignIn: [
    { name: 'origin', type: 'string' },
    { name: 'nonce', type: 'string' },
  ],
}

export const signInDomain = (chainId: number) => ({ name: 'Wayleave Sign-in', version: '1', chainId })
