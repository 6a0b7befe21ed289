import classes from './begin.module.css'

/** The words in their order. They are English whatever the page speaks, and no program shall translate them. */
export function WordGrid({ words }: { words: string }) {
  return (
    <ol className={classes.words} lang="en" dir="ltr" translate="no">
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
