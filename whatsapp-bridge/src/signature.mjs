// Signs and checks requests between the bridge and AgentLocator: method, path, time and body, for five minutes.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const TIME_HEADER = 'x-bridge-time'
export const SIGNATURE_HEADER = 'x-bridge-signature'
const MAX_SKEW_S = 300

export function sign(method, path, body, at, secret) {
  const digest = createHash('sha256').update(body).digest('hex')
  return createHmac('sha256', secret).update(`${method}\n${path}\n${at}\n${digest}`).digest('hex')
}

export function verify(method, path, body, headers, secret, nowS) {
  const at = headers[TIME_HEADER] ?? ''
  const given = Buffer.from(headers[SIGNATURE_HEADER] ?? '')
  const expected = Buffer.from(sign(method, path, body, at, secret))
  const isRight = given.length === expected.length && timingSafeEqual(given, expected)
  return isRight && /^\d{1,12}$/.test(at) && Math.abs(Number(at) - nowS) <= MAX_SKEW_S
}

export function headers(method, path, body, secret, nowS) {
  const at = String(Math.floor(nowS))
  return {
    'content-type': 'application/json',
    [TIME_HEADER]: at,
    [SIGNATURE_HEADER]: sign(method, path, body, at, secret),
  }
}
