import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Providers } from '../shared/providers.tsx'
import { router } from './router.tsx'
import { wordsOf } from './words/words.ts'

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root')
createRoot(root).render(
  <StrictMode>
    <Providers wordsOf={wordsOf}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
)
