import begin from './begin.json'
import devices from './devices.json'
import helpers from './helpers.json'
import history from './history.json'
import home from './home.json'
import notices from './notices.json'
import own from './own.json'
import proposals from './proposals.json'
import records from './records.json'
import recovery from './recovery.json'
import requests from './requests.json'
import share from './share.json'
import shares from './shares.json'
import shell from './shell.json'
import terms from './terms.json'

export default {
  begin,
  devices,
  helpers,
  history,
  home,
  notices,
  own,
  proposals,
  records,
  recovery,
  requests,
  share,
  shares,
  shell,
  terms,
}
