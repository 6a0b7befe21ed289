import classes from './class.json'
import error from './error.json'
import events from './events.json'
import holds from './holds.json'
import kind from './kind.json'
import lookUp from './look-up.json'
import members from './members.json'
import overview from './overview.json'
import purpose from './purpose.json'
import readiness from './readiness.json'
import reason from './reason.json'
import reports from './reports.json'
import role from './role.json'
import search from './search.json'
import shell from './shell.json'
import signIn from './sign-in.json'
import timeline from './timeline.json'

export default {
  class: classes,
  error,
  events,
  holds,
  kind,
  lookUp,
  members,
  overview,
  purpose,
  readiness,
  reason,
  reports,
  role,
  search,
  shell,
  signIn,
  timeline,
}
