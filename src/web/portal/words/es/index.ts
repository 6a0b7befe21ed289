import begin from './begin.json'
import devices from './devices.json'
import home from './home.json'
import own from './own.json'
import share from './share.json'
import shares from './shares.json'
import shell from './shell.json'
import terms from './terms.json'

export default { begin, devices, home, own, share, shares, shell, terms }
