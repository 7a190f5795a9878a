// Reads a Baileys message into what AgentLocator takes. Pure; what it does not know it calls unsupported.
const WRAPPERS = ['ephemeralMessage', 'viewOnceMessage', 'viewOnceMessageV2', 'documentWithCaptionMessage', 'editedMessage']
const KINDS = {
  imageMessage: 'image', audioMessage: 'audio', videoMessage: 'video', documentMessage: 'document',
  stickerMessage: 'sticker', locationMessage: 'location', liveLocationMessage: 'location',
  contactMessage: 'contacts', contactsArrayMessage: 'contacts', reactionMessage: 'reaction',
}
// What the protocol says to itself, and nobody wrote.
const SILENT = ['protocolMessage', 'senderKeyDistributionMessage', 'messageContextInfo']

export function isPerson(jid) {
  return /@(s\.whatsapp\.net|lid)$/.test(jid ?? '')
}

export function phoneOf(jid) {
  const found = /^(\d+)(?::\d+)?@s\.whatsapp\.net$/.exec(jid ?? '')
  return found ? found[1] : ''
}

// The message as AgentLocator takes it; undefined when nobody wrote it to us.
export function arrival(session, { key, message, pushName, messageTimestamp }) {
  if (!key?.id || !isPerson(key.remoteJid)) return undefined
  const { kind, text } = contentOf(message ?? {})
  if (kind === undefined) return undefined
  const ids = [key.remoteJid, key.remoteJidAlt].filter(isPerson)
  return {
    type: 'message', session, id: key.id, ids, kind, text,
    sent_ms: Number(messageTimestamp ?? 0) * 1000,
    phone: ids.map(phoneOf).find((phone) => phone) ?? '',
    name: pushName ?? '', own: Boolean(key.fromMe),
  }
}

function contentOf(message) {
  const wrapper = WRAPPERS.find((name) => message[name]?.message)
  if (wrapper) return contentOf(message[wrapper].message)
  const text = message.conversation ?? message.extendedTextMessage?.text
  if (text !== undefined && text !== null) return { kind: 'text', text }
  const name = Object.keys(KINDS).find((one) => message[one])
  if (name) return { kind: KINDS[name], text: message[name].caption ?? message[name].text ?? '' }
  const left = Object.keys(message).filter((one) => message[one] && !SILENT.includes(one))
  return left.length ? { kind: 'unsupported', text: '' } : {}
}
