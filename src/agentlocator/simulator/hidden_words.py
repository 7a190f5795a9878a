"""Speech that carries its own words, so that a simulated ear understands only the bytes that reached it.

Each 160-byte frame of a word is one block: the least significant bits of its µ-law bytes name the utterance,
the word and a chunk of its text, under a checksum of all the frame's bytes. A block is found at any byte
offset, and stands alone: frames that are missing, doubled or swapped harm no other, while one changed bit
anywhere in a frame silences that frame. Pure; never guesses a word from its sound.

Block, by bit: 32 synchronisation, 104 body (utterance 24, word index 8, words 8, part 8, parts 8, chunk 4,
chunks 4, text 40), 24 checksum.
"""

import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS

MAX_WORDS: Final = 255


class Word(msgspec.Struct, frozen=True):
    """A word and where it sounds, in ms from the beginning of its utterance."""

    text: str
    start_ms: int
    end_ms: int


class HeardWord(msgspec.Struct, frozen=True):
    """Word `index` (from 0) of the `total` words of an utterance reached the ear."""

    utterance_id: int
    index: int
    total: int
    text: str


class Listener:
    """An ear for one direction of one call."""

    def __init__(self) -> None:
        self.damaged = 0
        """Blocks that came with changed bits: sound that was transcoded, amplified or cut inside a frame."""
        self._held = bytearray()
        self._held_from = 0
        self._word: _WordInTheEar | None = None

    def hear(self, audio: bytes) -> list[HeardWord]:
        """The words that this sound completes, in order; pieces may be of any size.

        A word is heard once the greater part of its frames has arrived, all its text among them. Said again,
        it is heard again.
        """
        self._held += audio
        heard = []
        for block, end in self._blocks():
            if self._word is None or self._word.is_over(block, end):
                self._word = _WordInTheEar(block)
            if self._word.take(block, end):
                heard.append(self._word.spoken())
        return heard

    def _blocks(self) -> Iterator[tuple["_Block", int]]:
        """The intact blocks held, each with the stream position of its end; forgets what is done with."""
        bits = self._held.translate(_BIT)
        last_start = len(bits) - FRAME_BYTES
        at = 0
        while (start := _next_sync(bits, at, last_start)) is not None:
            block, altered = _read(self._held[start : start + FRAME_BYTES], bits[start : start + FRAME_BYTES])
            self.damaged += altered
            at = start + (FRAME_BYTES if block else 1)
            if block:
                yield block, self._held_from + at
        done = max(at, last_start + 1, 0)
        del self._held[:done]
        self._held_from += done


def embed(audio: bytes, words: Sequence[Word], utterance_id: int) -> bytes:
    """The same sound, of the same length, with its words hidden in it.

    `audio` is µ-law in whole frames; `utterance_id` has 24 bits. Each word needs at least `frames_needed`
    frames of its own; what sounds between words carries nothing and stays as it is.
    """
    assert len(audio) % FRAME_BYTES == 0, f"{len(audio)} bytes are not whole frames"
    assert 0 <= utterance_id < 1 << 24, f"utterance id {utterance_id} does not fit in 24 bits"
    assert len(words) <= MAX_WORDS, f"{len(words)} words in one utterance, more than {MAX_WORDS}"
    spoken = bytearray(audio)
    for index, word in enumerate(words):
        for frame, block in zip(_frames_of(word), _blocks_of(word, index, len(words), utterance_id), strict=True):
            begin = frame * FRAME_BYTES
            sound = spoken[begin : begin + FRAME_BYTES]
            assert len(sound) == FRAME_BYTES, f"the word {word.text!r} ends after its audio"
            spoken[begin : begin + FRAME_BYTES] = _hide(block, sound)
    return bytes(spoken)


def frames_needed(text: str) -> int:
    """The fewest frames that a word may last so that the greater part of them can hold all its text."""
    return 2 * len(_chunks(text)) - 1


class _Block(msgspec.Struct, frozen=True):
    utterance_id: int
    index: int
    total: int
    part: int
    parts: int
    chunk: int
    chunks: int
    text: bytes


class _WordInTheEar:
    """The word being heard: which of its frames have come, and which chunks of its text."""

    def __init__(self, first: _Block) -> None:
        self._name = _name(first)
        self._ends: dict[int, int] = {}
        self._text: dict[int, bytes] = {}
        self._was_heard = False

    def is_over(self, block: _Block, end: int) -> bool:
        """Is this block of another word, or of the same word said anew?

        A frame that comes twice within the word's own length is a stutter of the line. After a pause in
        mid-word its frames go on where they stopped, so none comes twice.
        """
        if _name(block) != self._name:
            return True
        before = self._ends.get(block.part)
        return before is not None and end - before >= block.parts * FRAME_BYTES

    def take(self, block: _Block, end: int) -> bool:
        """Did this block make the word heard?"""
        self._ends.setdefault(block.part, end)
        self._text[block.chunk] = block.text
        if self._was_heard or 2 * len(self._ends) <= block.parts or len(self._text) < block.chunks:
            return False
        self._was_heard = True
        return True

    def spoken(self) -> HeardWord:
        utterance_id, index, total, *_ = self._name
        text = b"".join(self._text[chunk] for chunk in sorted(self._text))
        return HeardWord(utterance_id, index, total, text.rstrip(b"\0").decode())


def _name(block: _Block) -> tuple[int, int, int, int, int]:
    return block.utterance_id, block.index, block.total, block.parts, block.chunks


def _next_sync(bits: bytearray, at: int, last_start: int) -> int | None:
    """Where the next block may start: at a whole synchronisation word, or at either half of one."""
    whole = bits.find(_SYNC, at, last_start + _SYNC_BITS) if last_start >= at else -1
    limit = last_start if whole < 0 else whole
    starts = [whole] if whole >= 0 else []
    for half, offset in ((_FIRST_HALF, 0), (_SECOND_HALF, _SYNC_BITS // 2)):
        found = bits.find(half, at + offset, limit + offset + _SYNC_BITS // 2) if limit >= at else -1
        if found >= 0:
            starts.append(found - offset)
    return min(starts, default=None)


def _read(sound: bytearray, bits: bytearray) -> tuple[_Block | None, bool]:
    """The block, if it is intact, and whether a block was there but altered.

    Where only half the synchronisation is right, it was a block if the rest bears its checksum; otherwise
    chance, which makes such a half every few seconds of noise.
    """
    whole = bits.startswith(_SYNC)
    mended = _set_bits(sound[:_SYNC_BITS], _SYNC) + sound[_SYNC_BITS:]
    is_intact = _checksum(mended) == int(bits[_CHECKSUM_FROM:], 2)
    if not (whole and is_intact):
        return None, whole or is_intact
    body = int(bits[_SYNC_BITS:_CHECKSUM_FROM], 2).to_bytes(_BODY_BYTES, "big")
    index, total, part, parts, chunking = body[3:8]
    chunk, chunks = divmod(chunking, 16)
    return _Block(int.from_bytes(body[:3], "big"), index, total, part, parts, chunk, chunks, body[8:]), False


def _frames_of(word: Word) -> range:
    """The numbers of the frames that are the word's: its times to the nearest frame boundary."""
    half = FRAME_MS // 2
    frames = range((word.start_ms + half) // FRAME_MS, (word.end_ms + half) // FRAME_MS)
    needed = frames_needed(word.text)
    assert needed <= len(frames) <= 255, f"{word.text!r} lasts {len(frames)} frames, not {needed} to 255"
    return frames


def _blocks_of(word: Word, index: int, total: int, utterance_id: int) -> Iterator[_Block]:
    chunks = _chunks(word.text)
    parts = len(_frames_of(word))
    for part in range(parts):
        # Every round begins one chunk later, so that a loss with a rhythm cannot take one chunk each time.
        chunk = (part + part // len(chunks)) % len(chunks)
        yield _Block(utterance_id, index, total, part, parts, chunk, len(chunks), chunks[chunk])


def _chunks(text: str) -> list[bytes]:
    encoded = text.encode()
    assert encoded.strip(b"\0") == encoded != b"", f"{text!r} is not a word"
    chunks = [encoded[at : at + _TEXT_BYTES] for at in range(0, len(encoded), _TEXT_BYTES)]
    assert len(chunks) < 16, f"the word {text!r} is too long to be hidden"
    return chunks


def _hide(block: _Block, sound: bytearray) -> bytearray:
    body = bytes(
        itertools.chain(
            block.utterance_id.to_bytes(3, "big"),
            (block.index, block.total, block.part, block.parts, block.chunk * 16 + block.chunks),
            block.text.ljust(_TEXT_BYTES, b"\0"),
        )
    )
    named = _set_bits(sound[:_CHECKSUM_FROM], _SYNC + _as_bits(body)) + sound[_CHECKSUM_FROM:]
    checksum = _checksum(named).to_bytes(_CHECKSUM_BITS // 8, "big")
    return named[:_CHECKSUM_FROM] + _set_bits(sound[_CHECKSUM_FROM:], _as_bits(checksum))


def _checksum(sound: bytearray) -> int:
    """Over every bit of the frame but the checksum's own."""
    head = zlib.crc32(sound[:_CHECKSUM_FROM])
    return zlib.crc32(sound[_CHECKSUM_FROM:].translate(_CLEARED), head) & (1 << _CHECKSUM_BITS) - 1


def _set_bits(sound: bytearray, bits: bytes) -> bytearray:
    return bytearray(byte & 0xFE | bit & 1 for byte, bit in zip(sound, bits, strict=True))


def _as_bits(value: bytes) -> bytes:
    return f"{int.from_bytes(value, 'big'):0{len(value) * 8}b}".encode()


_SYNC_BITS: Final = 32
_CHECKSUM_BITS: Final = 24
_CHECKSUM_FROM: Final = FRAME_BYTES - _CHECKSUM_BITS
_BODY_BYTES: Final = (_CHECKSUM_FROM - _SYNC_BITS) // 8
_TEXT_BYTES: Final = _BODY_BYTES - 8

# The attached sync marker of CCSDS 131.0: unlike silence, and unlike itself at any shift.
_SYNC: Final = _as_bits(0x1ACFFC1D.to_bytes(4, "big"))
_FIRST_HALF: Final = _SYNC[: _SYNC_BITS // 2]
_SECOND_HALF: Final = _SYNC[_SYNC_BITS // 2 :]

_BIT: Final = bytes(b"01"[byte & 1] for byte in range(256))
_CLEARED: Final = bytes(byte & 0xFE for byte in range(256))
