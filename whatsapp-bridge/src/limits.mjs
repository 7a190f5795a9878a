// How much a number may send, and how healthy it is. Pure: facts and times in, verdicts out.
const DAY_MS = 24 * 3600_000
// A number that suddenly talks to everybody is a number that gets blocked: it begins quietly.
export const WARM_UP = [20, 35, 60, 100, 160, 250]
export const PER_MINUTE = 8

export function dayLimit(pairedMs, nowMs) {
  const days = Math.max(0, Math.floor((nowMs - pairedMs) / DAY_MS))
  return WARM_UP[Math.min(days, WARM_UP.length - 1)]
}

// Milliseconds to wait before the next message may go; 0 when it may go now.
export function waitMs(sentMs, pairedMs, nowMs) {
  const today = sentMs.filter((at) => at > nowMs - DAY_MS)
  if (today.length >= dayLimit(pairedMs, nowMs)) return today[0] + DAY_MS - nowMs
  const lately = today.filter((at) => at > nowMs - 60_000)
  return lately.length >= PER_MINUTE ? lately[0] + 60_000 - nowMs : 0
}

const CAPPING = { FIRST_WARNING: 40, SECOND_WARNING: 70, CAPPED: 100 }

// 100 is well. 0 sends nothing any more until a person has looked.
export function score({ state, dropsMs, sentMs, pairedMs, capping, lockedUntilMs }, nowMs) {
  if (state === 'stopped' || lockedUntilMs > nowMs) return 0
  const drops = dropsMs.filter((at) => at > nowMs - 3600_000).length
  const used = sentMs.filter((at) => at > nowMs - DAY_MS).length / dayLimit(pairedMs, nowMs)
  return Math.max(0, 100 - 5 * drops - (used > 0.8 ? 10 : 0) - (CAPPING[capping] ?? 0))
}
