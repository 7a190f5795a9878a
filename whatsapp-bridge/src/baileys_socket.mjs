// The network edge: opens Baileys' own socket with keys that are kept encrypted. The only module that knows Baileys.
import makeWASocket, { BufferJSON, initAuthCreds, makeCacheableSignalKeyStore, proto } from 'baileys'

const QUIET = { level: 'silent', trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child: () => QUIET }

export async function open({ folder, sealed, stored }) {
  const { state, saveCreds } = authState(folder, sealed)
  const socket = makeWASocket({
    auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, QUIET) },
    logger: QUIET,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    countryCode: 'IL',
    getMessage: async (key) => {
      const text = stored(key.id)
      return text === undefined ? undefined : { conversation: text }
    },
  })
  socket.ev.on('creds.update', saveCreds)
  return socket
}

function authState(folder, sealed) {
  const read = (name) => {
    const text = sealed.read(folder, name)
    return text === undefined ? undefined : JSON.parse(text, BufferJSON.reviver)
  }
  const write = (name, value) => sealed.write(folder, name, JSON.stringify(value, BufferJSON.replacer))
  const creds = read('creds') ?? initAuthCreds()
  const keys = {
    get: async (type, ids) => Object.fromEntries(ids.map((id) => [id, revived(type, read(`${type} ${id}`))])),
    set: async (data) => {
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values)) {
          if (value) write(`${type} ${id}`, value)
          else sealed.remove(folder, `${type} ${id}`)
        }
      }
    },
  }
  return { state: { creds, keys }, saveCreds: () => write('creds', creds) }
}

function revived(type, value) {
  return type === 'app-state-sync-key' && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
}
