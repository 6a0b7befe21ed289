import overview from './overview.json'

export default { overview }
