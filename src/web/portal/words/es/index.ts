import begin from './begin.json'
import history from './history.json'
import home from './home.json'
import own from './own.json'
import records from './records.json'
import shell from './shell.json'
import terms from './terms.json'

export default { begin, history, home, own, records, shell, terms }
