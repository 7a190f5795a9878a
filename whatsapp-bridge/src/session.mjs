// One paired number: keeps its connection up, brings what is written to it, sends what it is asked to.
// It only answers, never begins; it goes at a human pace and stops when WhatsApp warns.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { arrival } from './content.mjs'
import { nameOf, read, remove, write } from './files.mjs'
import { dayLimit, score, waitMs } from './limits.mjs'

// What a closed connection means, by its status code. Everything else is tried again, later each time.
const STOPS = { 401: 'logged_out', 403: 'forbidden', 411: 'pair_again', 440: 'replaced' }
const RESTART = 515
const TIMED_OUT = 408
const BAD_SESSION = 500
const BAD_SESSION_TRIES = 4
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 60_000
const NOT_OPEN_WAIT_S = 15
const DELIVERIES = { 2: 'sent', 3: 'delivered', 4: 'read', 5: 'read' }

export class Refusal extends Error {
  constructor(status, error, waitS) {
    super(error)
    this.status = status
    this.body = waitS === undefined ? { error } : { error, wait_s: Math.ceil(waitS) }
  }
}

export class Session {
  #socket
  #facts = { state: 'stopped', reason: 'not_paired', qr: '', code: '', capping: '', lockedUntilMs: 0, dropsMs: [] }
  #kept
  #tries = 0
  #timer
  #sending = Promise.resolve()

  constructor(name, folder, { courier, openSocket, paceMs, sealed }) {
    this.name = name
    this.folder = folder
    this.courier = courier
    this.openSocket = openSocket
    this.paceMs = paceMs
    this.sealed = sealed
    this.#kept = JSON.parse(read(join(folder, 'kept.json')) ?? '{"paired_ms":0,"sent_ms":[]}')
  }

  get isPaired() {
    return this.#kept.paired_ms > 0
  }

  async start({ phone = '' } = {}) {
    if (this.#socket) return this.#facts.state === 'pairing' ? this.#askForCode(this.#socket, phone) : undefined
    clearTimeout(this.#timer)
    this.#become('starting')
    try {
      await this.#connect(phone)
    } catch (fault) {
      this.#become('stopped', 'failed')
      throw fault
    }
  }

  status() {
    const now = Date.now()
    const { state, reason, qr, code } = this.#facts
    return {
      session: this.name, state, reason, qr, code,
      score: score({ ...this.#facts, sentMs: this.#kept.sent_ms, pairedMs: this.#kept.paired_ms }, now),
      sent_today: this.#kept.sent_ms.filter((at) => at > now - 24 * 3600_000).length,
      day_limit: dayLimit(this.#kept.paired_ms, now),
    }
  }

  // One after the other, as a person types.
  send(request) {
    const sent = this.#sending.then(() => this.#send(request))
    this.#sending = sent.catch(() => {})
    return sent
  }

  async logOut() {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    // The phone may be off or unlinked already: our keys go all the same.
    await socket?.logout().catch(() => socket.end())
    remove(this.folder)
    this.#kept = { paired_ms: 0, sent_ms: [] }
    this.#become('stopped', 'logged_out')
  }

  close() {
    clearTimeout(this.#timer)
    this.#socket?.end()
  }

  async #connect(phone) {
    const socket = await this.openSocket({ folder: join(this.folder, 'auth'), sealed: this.sealed, name: this.name, stored: (id) => this.#storedText(id) })
    this.#socket = socket
    socket.ev.on('connection.update', (update) => this.#connection(socket, update, phone))
    socket.ev.on('messages.upsert', (upsert) => this.#upsert(upsert))
    socket.ev.on('messages.update', (updates) => this.#updates(updates))
    socket.ev.on('message-capping.update', (update) => (this.#facts.capping = update?.status ?? ''))
  }

  async #connection(socket, update, phone) {
    if (socket !== this.#socket) return
    const lock = update.reachoutTimeLock
    if (lock) this.#facts.lockedUntilMs = lock.isActive ? Number(lock.timeEnforcementEnds ?? Date.now() + 3600_000) : 0
    if (update.qr) {
      this.#become('pairing', this.#facts.state === 'pairing' ? this.#facts.reason : '')
      this.#facts.qr = update.qr
      if (!this.#facts.code && !this.#facts.reason) await this.#askForCode(socket, phone)
    }
    if (update.connection === 'open') {
      this.#tries = 0
      if (!this.isPaired) this.#keep({ ...this.#kept, paired_ms: Date.now() })
      this.#become('open')
      this.courier.work()
    }
    if (update.connection === 'close') this.#closed(update.lastDisconnect?.error?.output?.statusCode)
  }

  async #askForCode(socket, phone) {
    if (!phone) return
    const code = await socket.requestPairingCode(phone).catch(() => '')
    if (this.#facts.state === 'pairing') Object.assign(this.#facts, { code, reason: code ? '' : 'no_code' })
  }

  #closed(code) {
    const wasPairing = this.#facts.state === 'pairing'
    this.#socket = undefined
    if (code === RESTART) return this.#again(0)
    // Nobody scanned any of its pictures: it does not go on showing new ones for ever.
    if (wasPairing && code === TIMED_OUT) return this.#become('stopped', 'not_scanned')
    this.#facts.dropsMs = [...this.#facts.dropsMs, Date.now()].slice(-50)
    this.#tries += 1
    if (code === 401) remove(join(this.folder, 'auth'))
    if (STOPS[code]) return this.#become('stopped', STOPS[code])
    if (code === BAD_SESSION && this.#tries >= BAD_SESSION_TRIES) return this.#become('stopped', 'pair_again')
    this.#become('waiting', String(code ?? 'closed'))
    this.#again(Math.min(FIRST_RETRY_MS * 2 ** (this.#tries - 1), LONGEST_RETRY_MS))
  }

  #again(afterMs) {
    this.#timer = setTimeout(() => this.#connect('').catch(() => this.#closed(undefined)), afterMs)
  }

  #upsert({ messages, type }) {
    if (type !== 'notify') return
    for (const message of messages) {
      const told = arrival(this.name, message)
      // What we sent ourselves comes back too: only what somebody typed on the phone is news.
      if (told === undefined || (told.own && this.#storedText(told.id) !== undefined)) continue
      if (!told.own) for (const id of told.ids) write(join(this.folder, 'chats', nameOf(id)), id)
      this.courier.keep(told)
    }
  }

  #updates(updates) {
    for (const { key, update } of updates) {
      const delivery = update?.status === 0 ? 'failed' : DELIVERIES[update?.status]
      if (!key?.fromMe || !delivery || this.#storedText(key.id) === undefined) continue
      this.courier.keep({ type: 'report', session: this.name, id: `${key.remoteJid}/${key.id}`, delivery })
    }
  }

  async #send({ to, text, key }) {
    const id = idOf(key)
    const path = join(this.folder, 'sent', id)
    const before = JSON.parse(read(path) ?? 'null')
    if (before?.done) return { id }
    if (read(join(this.folder, 'chats', nameOf(to))) === undefined) throw new Refusal(409, 'never_wrote')
    const now = Date.now()
    if (this.#facts.state !== 'open') throw new Refusal(503, this.#facts.reason || this.#facts.state, NOT_OPEN_WAIT_S)
    if (this.status().score === 0) throw new Refusal(503, 'unhealthy', 600)
    const wait = waitMs(this.#kept.sent_ms, this.#kept.paired_ms, now)
    if (wait > 0) throw new Refusal(429, 'limit', wait / 1000)
    // The id follows from the key: sent again after a crash it is the same message to whoever gets it.
    write(path, JSON.stringify({ to, text, done: false }))
    await this.#types(to, text)
    await this.#socket.sendMessage(to, { text }, { messageId: id })
    write(path, JSON.stringify({ to, text, done: true }))
    this.#keep({ ...this.#kept, sent_ms: [...this.#kept.sent_ms.filter((at) => at > now - 24 * 3600_000), now] })
    return { id }
  }

  async #types(to, text) {
    await this.#socket.sendPresenceUpdate('composing', to).catch(() => {})
    await new Promise((done) => setTimeout(done, Math.min(this.paceMs * (1 + text.length / 80), this.paceMs * 4)))
    if (this.#facts.state !== 'open') throw new Refusal(503, 'closed_meanwhile', NOT_OPEN_WAIT_S)
  }

  #storedText(id) {
    const stored = read(join(this.folder, 'sent', id))
    return stored === undefined ? undefined : JSON.parse(stored).text
  }

  #become(state, reason = '') {
    Object.assign(this.#facts, { state, reason })
    if (state !== 'pairing') Object.assign(this.#facts, { qr: '', code: '' })
  }

  #keep(kept) {
    this.#kept = kept
    write(join(this.folder, 'kept.json'), JSON.stringify(kept))
  }
}

function idOf(key) {
  return `3EB0${createHash('sha256').update(key).digest('hex').slice(0, 18).toUpperCase()}`
}
