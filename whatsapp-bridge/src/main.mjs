// Starts the bridge: settings from the environment, the sessions that were paired before, and the server.
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Courier } from './courier.mjs'
import { names, Sealed } from './files.mjs'
import { serve } from './server.mjs'
import { Session } from './session.mjs'

const secret = process.env.BRIDGE_SECRET ?? ''
const url = process.env.AGENTLOCATOR_URL ?? ''
if (secret.length < 32 || !url) {
  console.error('BRIDGE_SECRET (32 characters or more) and AGENTLOCATOR_URL must be set')
  process.exit(2)
}

const state = resolve(process.env.BRIDGE_STATE ?? 'state')
const edge = process.env.BRIDGE_SOCKET ? pathToFileURL(resolve(process.env.BRIDGE_SOCKET)).href : './baileys_socket.mjs'
const { open } = await import(edge)
const courier = new Courier(join(state, 'inbox'), url, secret)
const shared = { courier, openSocket: open, paceMs: Number(process.env.BRIDGE_PACE_MS ?? 1200), sealed: new Sealed(secret) }

const known = new Map()
const sessions = {
  async get(name) {
    if (!known.has(name)) known.set(name, new Session(name, join(state, 'sessions', name), shared))
    return known.get(name)
  },
}

courier.work()
for (const name of names(join(state, 'sessions'))) {
  const session = await sessions.get(name)
  if (session.isPaired) session.start().catch((fault) => console.error(`${name}: ${fault.message}`))
}

const server = serve(sessions, secret)
server.listen(Number(process.env.BRIDGE_PORT ?? 8085), process.env.BRIDGE_HOST ?? '127.0.0.1', () => {
  console.log(JSON.stringify({ listening: server.address().port }))
})
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    for (const session of known.values()) session.close()
    server.close(() => process.exit(0))
    setTimeout(() => process.exit(0), 2000).unref()
  })
}
