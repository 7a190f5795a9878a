// Stands where Baileys' socket would: the same events and verbs, but WhatsApp is a simulated server at WHATSAPP_URL.
// Only through BRIDGE_SOCKET. It is as careless as the real one: what was emitted is acknowledged.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'

const server = process.env.WHATSAPP_URL

export async function open({ folder, sealed, name }) {
  const ev = new EventEmitter()
  const stop = new AbortController()
  const ask = async (path, body) => {
    const answer = await fetch(server + path, { method: 'POST', body: JSON.stringify(body), signal: stop.signal })
    if (!answer.ok) throw new Error(`WhatsApp answered ${answer.status}`)
    return answer.json()
  }
  sealed.write(folder, 'creds', JSON.stringify({ name }))
  listen(ev, ask, name, stop.signal)
  return {
    ev,
    sendMessage: (to, content, { messageId }) => ask('/sent', { session: name, to, text: content.text, id: messageId }),
    sendPresenceUpdate: async () => {},
    requestPairingCode: async (phone) => {
      if (!/^[1-9]\d{9,14}$/.test(phone)) throw new Error('no such phone')
      return 'ABCD1234'
    },
    logout: async () => stop.abort(),
    end: () => stop.abort(),
  }
}

async function listen(ev, ask, session, signal) {
  const connection = randomUUID()
  try {
    for (;;) {
      const { events } = await ask('/next', { session, connection })
      for (const { number, name, value } of events) {
        ev.emit(name, value)
        if (number !== undefined) await ask('/ack', { session, number })
        if (value.connection === 'close') return
      }
    }
  } catch {
    if (!signal.aborted) ev.emit('connection.update', { connection: 'close', lastDisconnect: { error: { output: { statusCode: 428 } } } })
  }
}
