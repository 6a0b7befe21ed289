/** The five steps, in order; each is a page of its own, so that the browser's back button goes one back. */
export const STEPS = ['who', 'what', 'why', 'until', 'check'] as const

export type Step = (typeof STEPS)[number]
