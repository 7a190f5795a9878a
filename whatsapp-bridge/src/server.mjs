// The bridge's HTTP side: signed requests of AgentLocator, and nobody else's.
import { createServer } from 'node:http'
import { Refusal } from './session.mjs'
import { verify } from './signature.mjs'

const MAX_BODY = 64 * 1024
const SESSION = /^[a-z0-9][a-z0-9-]{0,40}$/

export function serve(sessions, secret) {
  const verbs = {
    '/send': async ({ session, to, text, key }) => {
      if (![to, text, key].every((one) => typeof one === 'string' && one)) throw new Refusal(422, 'incomplete')
      return (await sessions.get(session)).send({ to, text, key })
    },
    '/status': async ({ session }) => (await sessions.get(session)).status(),
    '/pair': async ({ session, phone }) => {
      const paired = await sessions.get(session)
      await paired.start({ phone: String(phone ?? '').replace(/\D/g, '') })
      return paired.status()
    },
    '/logout': async ({ session }) => {
      await (await sessions.get(session)).logOut()
      return {}
    },
  }
  return createServer(async (request, response) => {
    try {
      const verb = verbs[request.url]
      if (request.method !== 'POST' || !verb) return answer(response, 404, { error: 'unknown' })
      const body = await bodyOf(request)
      if (!verify('POST', request.url, body, request.headers, secret, Date.now() / 1000)) {
        return answer(response, 403, { error: 'not_signed' })
      }
      const asked = parsed(body)
      if (!SESSION.test(asked.session ?? '')) throw new Refusal(422, 'session')
      answer(response, 200, await verb(asked))
    } catch (fault) {
      if (fault instanceof Refusal) return answer(response, fault.status, fault.body)
      console.error(`${request.url}: ${fault?.message}`)
      answer(response, 500, { error: 'failed' })
    }
  })
}

async function bodyOf(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > MAX_BODY) throw new Refusal(413, 'too_long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(body) {
  try {
    return Object(JSON.parse(body))
  } catch {
    throw new Refusal(422, 'no_json')
  }
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
