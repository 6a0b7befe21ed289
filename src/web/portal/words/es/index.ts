import begin from './begin.json'
import home from './home.json'
import shell from './shell.json'

export default { begin, home, shell }
