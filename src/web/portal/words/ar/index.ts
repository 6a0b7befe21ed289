import begin from './begin.json'
import home from './home.json'
import shell from './shell.json'
import terms from './terms.json'

export default { begin, home, shell, terms }
