import classes from './begin.module.css'

/** The words in their order. They are English whatever the page speaks, and no program shall translate them. */
export function WordGrid({ words }: { words: string }) {
  return (
    <ol className={classes.words} lang="en" dir="ltr" translate="no">
      {words.split(' ').map((word, at) => (
        // A word may stand twice among them: its place is what it is known by.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={`${at}`} className={classes.word}>
          <span className={classes.number}>{at + 1}</span>
          {word}
        </li>
      ))}
    </ol>
  )
}
