// Files that are whole or not there: written beside, flushed, then renamed. Sealed ones are encrypted.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function nameOf(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}

export function write(path, content) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const beside = `${path}.${process.pid}.tmp`
  const file = openSync(beside, 'w', 0o600)
  try {
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(beside, path)
}

export function read(path) {
  try {
    return readFileSync(path)
  } catch (fault) {
    if (fault.code === 'ENOENT') return undefined
    throw fault
  }
}

export function remove(path) {
  rmSync(path, { force: true, recursive: true })
}

export function names(folder) {
  try {
    return readdirSync(folder).filter((name) => !name.endsWith('.tmp')).sort()
  } catch (fault) {
    if (fault.code === 'ENOENT') return []
    throw fault
  }
}

// The keys of a session are full access to somebody's WhatsApp: they never lie on the disk in the clear.
export class Sealed {
  #key

  constructor(secret) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'agentlocator bridge state', 32))
  }

  write(folder, name, text) {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(name))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    write(join(folder, nameOf(name)), Buffer.concat([nonce, cipher.getAuthTag(), sealed]))
  }

  read(folder, name) {
    const whole = read(join(folder, nameOf(name)))
    if (whole === undefined) return undefined
    const cipher = createDecipheriv('aes-256-gcm', this.#key, whole.subarray(0, 12)).setAAD(Buffer.from(name))
    cipher.setAuthTag(whole.subarray(12, 28))
    return Buffer.concat([cipher.update(whole.subarray(28)), cipher.final()]).toString('utf8')
  }

  remove(folder, name) {
    remove(join(folder, nameOf(name)))
  }
}
