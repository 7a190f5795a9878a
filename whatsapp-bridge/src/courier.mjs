// Hands over to AgentLocator what came in: kept on the disk first, in order, until it was taken.
import { join } from 'node:path'
import { nameOf, names, read, remove, write } from './files.mjs'
import { headers } from './signature.mjs'

const PATH = '/webhook/whatsapp/bridge'
const FIRST_RETRY_MS = 250
// Somebody waits for an answer, and the server is on the same machine or beside it.
const LONGEST_RETRY_MS = 5_000
const TIMEOUT_MS = 10_000

export class Courier {
  #folder
  #url
  #secret
  #number
  #working = false
  #timer
  #retryMs = FIRST_RETRY_MS

  constructor(folder, url, secret) {
    this.#folder = folder
    this.#url = url.replace(/\/$/, '')
    this.#secret = secret
    this.#number = Math.max(0, ...names(folder).map((name) => Number(name.split('-')[0]))) + 1
  }

  // Keeps it before anything else happens: a process that dies now hands it over when it comes back.
  keep(told) {
    const text = JSON.stringify(told)
    const name = nameOf(`${told.type} ${told.session} ${told.ids?.[0] ?? ''} ${told.id} ${told.delivery ?? ''}`)
    if (names(this.#folder).some((kept) => kept.endsWith(`-${name}`))) return
    write(join(this.#folder, `${String(this.#number++).padStart(12, '0')}-${name}`), text)
    this.work()
  }

  work() {
    if (this.#working) return
    clearTimeout(this.#timer)
    this.#working = true
    this.#deliver()
  }

  get waiting() {
    return names(this.#folder).length
  }

  async #deliver() {
    try {
      for (;;) {
        const [name] = names(this.#folder)
        if (name === undefined) return
        const path = join(this.#folder, name)
        if (!(await this.#isTaken(read(path)))) {
          this.#timer = setTimeout(() => this.work(), this.#retryMs)
          this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
          return
        }
        this.#retryMs = FIRST_RETRY_MS
        remove(path)
      }
    } finally {
      // In the very tick of the last look: a message that is kept after it must find nobody at work.
      this.#working = false
    }
  }

  async #isTaken(body) {
    try {
      const answer = await fetch(this.#url + PATH, {
        method: 'POST', body, headers: headers('POST', PATH, body, this.#secret, Date.now() / 1000),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      // 413 and 422: it will be no more readable the next time.
      return answer.ok || answer.status === 413 || answer.status === 422
    } catch {
      return false
    }
  }
}
