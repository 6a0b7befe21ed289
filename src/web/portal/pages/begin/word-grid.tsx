import { useEffect, useRef } from 'react'
import classes from './begin.module.css'

/** The words in their order. They are English whatever the page speaks, and no program shall translate them. */
export function WordGrid({ words }: { words: string }) {
  const list = useRef<HTMLOListElement>(null)
  // The button that showed them is gone, and the focus would be lost with it.
  useEffect(() => list.current?.focus({ preventScroll: true }), [])
  return (
    <ol ref={list} tabIndex={-1} className={classes.words} lang="en" dir="ltr" translate="no">
      {words
        .split(' ')
        .map((word, at) => ({ word, number: at + 1 }))
        .map(({ word, number }) => (
          <li key={number} className={classes.word}>
            <span className={classes.number}>{number}</span>
            {word}
          </li>
        ))}
    </ol>
  )
}
