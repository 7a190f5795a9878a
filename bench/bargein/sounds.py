"""Everything a caller's line carries that is not the caller speaking, synthesised from a seed.

Each sound is drawn at 8 kHz with its own natural envelope, full scale 1.0; the scenario sets its level. Labels
come from the name alone: nothing in `NOISES` is speech to be heard out.
"""

import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bench.bargein.recordings import RATE, Library, Samples, at_active_level, high_passed

Rng = np.random.Generator
Sound = Callable[[Rng, float], Samples]


def white(rng: Rng, seconds: float) -> Samples:
    return rng.standard_normal(_count(seconds))


def pink(rng: Rng, seconds: float) -> Samples:
    return _coloured(rng, seconds, 0.5)


def brown(rng: Rng, seconds: float) -> Samples:
    return _coloured(rng, seconds, 1.0)


def fan(rng: Rng, seconds: float) -> Samples:
    blade = rng.uniform(80, 160)
    tones = sum(np.sin(_phase(seconds, blade * k) + rng.uniform(0, 6)) / k for k in range(1, 6))
    return _coloured(rng, seconds, 0.7) + 0.5 * np.asarray(tones)


def street(rng: Rng, seconds: float) -> Samples:
    """Traffic that swells and fades, with a horn now and then."""
    sound = _coloured(rng, seconds, 0.8) * (0.4 + _wander(rng, seconds, 0.5))
    if rng.random() < 0.6:
        start = rng.uniform(0, seconds * 0.6)
        horn = _harmonics(0.6, rng.uniform(350, 480), [1, 0.7, 0.5, 0.3]) + _harmonics(0.6, 440, [0.6, 0.3])
        _add(sound, start, horn * 1.5)
    return sound


def wind(rng: Rng, seconds: float) -> Samples:
    return _coloured(rng, seconds, 1.2) * _wander(rng, seconds, 2.5) ** 2


def mains_hum(rng: Rng, seconds: float) -> Samples:
    base = rng.choice([50.0, 60.0, 100.0])
    return _harmonics(seconds, base, list(rng.uniform(0.1, 1, 8)))


def dial_tone(rng: Rng, seconds: float) -> Samples:
    pair = rng.choice([(350.0, 440.0), (400.0, 425.0), (425.0, 425.0)])
    return np.sin(_phase(seconds, pair[0])) + np.sin(_phase(seconds, pair[1]))


def busy_tone(rng: Rng, seconds: float) -> Samples:
    tone: Samples = np.sin(_phase(seconds, rng.choice([400.0, 425.0, 480.0])))
    period = rng.choice([0.5, 1.0])
    keyed: Samples = tone * ((np.arange(len(tone)) / RATE % period) < period / 2)
    return keyed


def ringing(rng: Rng, seconds: float) -> Samples:
    """An old telephone bell or a mobile's warble."""
    rate = rng.uniform(15, 25)
    low, high = rng.uniform(600, 1100), rng.uniform(1200, 1900)
    flip = np.sin(_phase(seconds, rate)) > 0
    warble: Samples = np.where(flip, np.sin(_phase(seconds, low)), np.sin(_phase(seconds, high)))
    return warble


def keypad(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = 0.0
    while at < seconds:
        low = rng.choice([697.0, 770.0, 852.0, 941.0])
        high = rng.choice([1209.0, 1336.0, 1477.0])
        length = rng.uniform(0.07, 0.25)
        _add(sound, at, np.sin(_phase(length, low)) + np.sin(_phase(length, high)))
        at += length + rng.uniform(0.06, 0.4)
    return sound


def music(rng: Rng, seconds: float) -> Samples:
    """Chords and a melody over a beat."""
    sound = np.zeros(_count(seconds))
    beat = rng.uniform(0.25, 0.6)
    root = rng.uniform(110, 220)
    at = 0.0
    while at < seconds:
        if rng.random() < 0.8:
            for step in rng.choice([0, 3, 4, 5, 7, 9, 12], 3):
                partials = list(1 / np.arange(1, 7) ** rng.uniform(0.8, 2))
                note = _harmonics(beat * rng.uniform(0.8, 2), root * 2 ** (step / 12), partials)
                _add(sound, at, note * _decay(len(note), rng.uniform(0.2, 1.0)))
        melody = _harmonics(beat, root * 2 ** (rng.integers(12, 25) / 12), [1, 0.5, 0.4, 0.2])
        _add(sound, at, melody * _decay(len(melody), 0.3))
        hit = rng.standard_normal(_count(0.08)) * _decay(_count(0.08), 0.02)
        _add(sound, at, hit * rng.uniform(0, 1.5))
        at += beat
    return sound


def solo(rng: Rng, seconds: float) -> Samples:
    """One instrument with vibrato, the music most like a voice."""
    sound = np.zeros(_count(seconds))
    at, pitch = 0.0, rng.uniform(180, 400)
    while at < seconds:
        length = rng.uniform(0.15, 0.8)
        pitch = float(np.clip(pitch * 2 ** (rng.integers(-5, 6) / 12), 120, 700))
        wobble = 2 * np.pi * np.cumsum(pitch * (1 + 0.006 * np.sin(_phase(length, rng.uniform(4, 6))))) / RATE
        note = sum(np.sin(k * wobble) / k ** rng.uniform(0.7, 1.5) for k in range(1, 9))
        _add(sound, at, np.asarray(note) * _attack(len(wobble), 0.03) * _decay(len(wobble), 0.8))
        at += length * rng.uniform(0.8, 1.3)
    return sound


def gsm_buzz(rng: Rng, seconds: float) -> Samples:
    """A mobile transmitting near the line: 217 bursts a second, in groups."""
    times = np.arange(_count(seconds)) / RATE
    pulses = (times * 216.68 % 1 < rng.uniform(0.08, 0.2)).astype(float)
    sound = high_passed(pulses - pulses.mean(), 200) + 0.05 * rng.standard_normal(len(times))
    on, off = rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.5)
    keyed: Samples = sound * ((times % (on + off)) < on)
    return keyed


def siren(rng: Rng, seconds: float) -> Samples:
    sweep = 900 + 400 * np.sin(_phase(seconds, rng.uniform(0.3, 3)))
    phase = 2 * np.pi * np.cumsum(sweep) / RATE
    return np.sin(phase) + 0.4 * np.sin(2 * phase)


def cough(rng: Rng, seconds: float) -> Samples:
    """One to four coughs: an explosive burst, a noisy middle, sometimes a voiced end."""
    sound = np.zeros(_count(seconds))
    at = 0.0
    for _ in range(rng.integers(1, 5)):
        length = rng.uniform(0.18, 0.4)
        body = _shaped(rng, length, [(rng.uniform(400, 900), 300), (rng.uniform(1200, 2200), 500)])
        burst = rng.standard_normal(_count(0.03)) * _decay(_count(0.03), 0.01) * 2
        single = body * _attack(len(body), 0.004) * _decay(len(body), rng.uniform(0.06, 0.14))
        _add(single, 0, burst * np.abs(body).max() * 0.5)
        if rng.random() < 0.5:
            voiced = _glottal(rng, 0.12, rng.uniform(110, 260), 0.08)
            tail = voiced * _attack(len(voiced), 0.02) * _decay(len(voiced), 0.06)
            _add(single, length * 0.45, tail * np.abs(single).max() * rng.uniform(0.2, 0.5))
        if at + length > seconds:
            break
        _add(sound, at, single / np.abs(single).max())
        at += length + rng.uniform(0.05, 0.5)
    return sound


def throat(rng: Rng, seconds: float) -> Samples:
    """Clearing one's throat: rough, low, irregularly voiced."""
    sound = np.zeros(_count(seconds))
    at = 0.0
    for _ in range(rng.integers(1, 3)):
        length = rng.uniform(0.2, 0.5)
        rough = _glottal(rng, length, rng.uniform(60, 110), 0.35)
        noise = _shaped(rng, length, [(500, 300), (1500, 700)])
        mixed = 0.4 * rough / (np.abs(rough).max() + 1e-9) + noise / np.abs(noise).max()
        _add(sound, at, mixed * _attack(len(mixed), 0.05) * _release(len(mixed), 0.1))
        at += length + rng.uniform(0.1, 0.4)
    return sound


def sneeze(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    inhale = _shaped(rng, 0.4, [(1500, 900)]) * np.linspace(0, 0.2, _count(0.4))
    blast = _shaped(rng, 0.35, [(2200, 900), (1000, 400)]) * _decay(_count(0.35), 0.1)
    _add(sound, 0, inhale)
    _add(sound, 0.42, blast)
    return sound


def laughter(rng: Rng, seconds: float) -> Samples:
    """Breathy bursts four or five times a second, weakly voiced."""
    sound = np.zeros(_count(seconds))
    at, pitch = 0.0, rng.uniform(180, 350)
    for _ in range(rng.integers(3, 9)):
        length = rng.uniform(0.07, 0.12)
        breath = _shaped(rng, length, [(800, 400), (1700, 500), (2600, 600)])
        voice = _glottal(rng, length, pitch, 0.05)
        burst = breath / np.abs(breath).max() + rng.uniform(0.0, 0.4) * voice / np.abs(voice).max()
        _add(sound, at, burst * np.hanning(len(burst)))
        at += rng.uniform(0.18, 0.25)
        pitch *= 0.96
        if at > seconds - 0.2:
            break
    return sound


def breath(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = 0.0
    while at < seconds - 0.5:
        length = rng.uniform(0.4, 1.2)
        puff = _shaped(rng, length, [(rng.uniform(500, 1000), 600), (2000, 1200)])
        _add(sound, at, puff * np.hanning(len(puff)))
        at += length + rng.uniform(0.3, 1.0)
    return sound


def sniff(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = 0.0
    for _ in range(rng.integers(1, 4)):
        puff = high_passed(rng.standard_normal(_count(0.2)), 1200)
        _add(sound, at, puff * np.linspace(0, 1, len(puff)) ** 2)
        at += rng.uniform(0.3, 0.8)
    return sound


def keyboard(rng: Rng, seconds: float) -> Samples:
    return _clicks(rng, seconds, rng.uniform(4, 12), 0.012, 1500)


def clicks(rng: Rng, seconds: float) -> Samples:
    return _clicks(rng, seconds, rng.uniform(0.7, 4), 0.003, 500)


def crackle(rng: Rng, seconds: float) -> Samples:
    return _clicks(rng, seconds, rng.uniform(20, 60), 0.002, 300)


def knocks(rng: Rng, seconds: float) -> Samples:
    """Knocking, a dog's claws, steps: low thuds that ring."""
    sound = np.zeros(_count(seconds))
    at = 0.0
    while at < seconds - 0.2:
        ring = np.sin(_phase(0.12, rng.uniform(120, 400))) * _decay(_count(0.12), 0.025)
        _add(sound, at, ring * rng.uniform(0.5, 1))
        at += rng.uniform(0.12, 0.6)
    return sound


def door(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    slam = _coloured(rng, 0.5, 1.0) * _decay(_count(0.5), 0.07)
    _add(sound, 0, slam)
    if rng.random() < 0.6:
        creak = _glottal(rng, 0.7, rng.uniform(60, 200), 0.3) * np.hanning(_count(0.7))
        _add(sound, 0.6, 0.15 * creak * np.abs(slam).max() / (np.abs(creak).max() + 1e-9))
    return sound


def dishes(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = 0.0
    while at < seconds - 0.4:
        partials = rng.uniform(700, 3600, 5)
        tone = sum(np.sin(_phase(0.3, float(hz))) * rng.uniform(0.2, 1) for hz in partials)
        _add(sound, at, np.asarray(tone) * _decay(_count(0.3), rng.uniform(0.02, 0.1)))
        at += rng.uniform(0.1, 0.9)
    return sound


def paper(rng: Rng, seconds: float) -> Samples:
    rustle = high_passed(rng.standard_normal(_count(seconds)), 1000)
    return rustle * _wander(rng, seconds, 12) ** 2


def barking(rng: Rng, seconds: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = 0.0
    base = rng.uniform(300, 650)
    while at < seconds - 0.25:
        length = rng.uniform(0.09, 0.16)
        phase = 2 * np.pi * np.cumsum(base * (1 + 0.5 * np.hanning(_count(length)))) / RATE
        tone = sum(np.sin(k * phase) / k for k in range(1, 6))
        noise = _shaped(rng, length, [(900, 500), (2000, 900)])
        bark = np.asarray(tone) + 2 * noise / np.abs(noise).max()
        _add(sound, at, bark * np.hanning(len(bark)))
        at += rng.uniform(0.3, 0.9)
    return sound


def applause(rng: Rng, seconds: float) -> Samples:
    return _clicks(rng, seconds, 60, 0.008, 900)


NOISES: dict[str, Sound] = {
    sound.__name__: sound
    for sound in (
        white, pink, brown, fan, street, wind, mains_hum, dial_tone, busy_tone, ringing, keypad, music, solo,
        gsm_buzz, siren, cough, throat, sneeze, laughter, breath, sniff, keyboard, clicks, crackle, knocks, door,
        dishes, paper, barking, applause,
    )
}  # fmt: skip


def babble(library: Library, rng: Rng, seconds: float, voices: int) -> Samples:
    """A room of people: many voices at once, none of them the caller."""
    sound = np.zeros(_count(seconds))
    for _ in range(voices):
        talk = library.monologue(random.Random(int(rng.integers(1 << 30))), int(seconds * 1000) + 1200)
        skip = int(rng.integers(0, 8000))
        sound += talk[skip : skip + len(sound)] * rng.uniform(0.5, 1.0)
    return sound


def whispered(rng: Rng, speech: Samples) -> Samples:
    """Speech whose voice is taken out: its vocal tract (linear prediction) excited by noise alone."""
    order, block = 12, 160
    out = np.zeros(len(speech) + block)
    window = np.hanning(2 * block)
    padded = np.concatenate([speech, np.zeros(2 * block)])
    for start in range(0, len(speech) - block, block):
        piece = padded[start : start + 2 * block] * window
        lags = np.correlate(piece, piece, "full")[2 * block - 1 :][: order + 1]
        if lags[0] < 1e-6:
            continue
        lags[0] *= 1.001
        matrix = lags[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
        coefficients: Samples = np.linalg.solve(matrix, lags[1:]).astype(np.float64)
        gain = np.sqrt(max(lags[0] - coefficients @ lags[1:], 0) / (2 * block))
        ringing_out = _all_pole(rng.standard_normal(2 * block) * gain, coefficients)
        out[start : start + 2 * block] += (ringing_out * window)[: len(out) - start]
    return high_passed(out[: len(speech)], 250)


def far_away(rng: Rng, speech: Samples) -> Samples:
    """The same voice from across a room: reverberant, and dull."""
    seconds = rng.uniform(0.25, 0.8)
    tail = rng.standard_normal(_count(seconds)) * 10 ** (-3 * np.arange(_count(seconds)) / _count(seconds))
    tail[0] = rng.uniform(1.0, 4.0)
    spread = _convolved(speech, tail)
    return at_active_level(_low_passed(spread, rng.uniform(1500, 3200)), -20.0)


def echo_path(rng: Rng, delay_ms: int, loss_db: float, tail_ms: int = 40) -> Samples:
    """What comes back of what we play: delayed, filtered by a handset or a room, `loss_db` below it overall."""
    tail = rng.standard_normal(tail_ms * 8) * np.exp(-np.arange(tail_ms * 8) / rng.uniform(8, 60))
    tail[0] += rng.uniform(0.5, 2.0)
    shaped = _low_passed(high_passed(np.concatenate([tail, np.zeros(512)]), 200), rng.uniform(2000, 3600))
    # Measured with a speech-like spectrum, since a white one would let the high end decide.
    probe = pink(np.random.default_rng(1), 1.0)
    heard = _convolved(probe, shaped)[: len(probe)]
    scale = 10 ** (-loss_db / 20) * np.sqrt(np.mean(probe**2) / np.mean(heard**2))
    return np.concatenate([np.zeros(delay_ms * 8), shaped[: tail_ms * 8 + 64] * scale])


def _count(seconds: float) -> int:
    return int(seconds * RATE)


def _phase(seconds: float, hz: float) -> Samples:
    phase: Samples = 2 * np.pi * hz * np.arange(_count(seconds)) / RATE
    return phase


def _harmonics(seconds: float, hz: float, amplitudes: list[float]) -> Samples:
    sound = np.zeros(_count(seconds))
    for k, amplitude in enumerate(amplitudes, 1):
        if hz * k < 3800:
            sound += amplitude * np.sin(_phase(seconds, hz * k) + k)
    return sound


def _coloured(rng: Rng, seconds: float, slope: float) -> Samples:
    count = _count(seconds)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 40)
    sound: Samples = np.fft.irfft(spectrum / hz**slope, count)
    sound /= sound.std() + 1e-12
    return sound


def _shaped(rng: Rng, seconds: float, formants: list[tuple[float, float]]) -> Samples:
    """Noise with the given (centre, width) resonances in Hz."""
    count = _count(seconds)
    hz = np.fft.rfftfreq(count, 1 / RATE)
    shape = sum(np.exp(-(((hz - centre) / width) ** 2)) for centre, width in formants) + 0.05
    sound: Samples = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * shape, count)
    return sound


def _glottal(rng: Rng, seconds: float, pitch: float, jitter: float) -> Samples:
    sound = np.zeros(_count(seconds) + 1)
    at = 0.0
    while at < _count(seconds):
        sound[int(at)] = rng.uniform(0.7, 1.0)
        at += RATE / pitch * (1 + jitter * rng.standard_normal())
    count = _count(seconds)
    hz = np.fft.rfftfreq(count, 1 / RATE)
    shape = np.exp(-(((hz - 600) / 400) ** 2)) + 0.5 * np.exp(-(((hz - 1300) / 400) ** 2)) + 0.02
    voiced: Samples = np.fft.irfft(np.fft.rfft(sound[:count]) * shape, count)
    return voiced


def _clicks(rng: Rng, seconds: float, per_second: float, length: float, corner_hz: float) -> Samples:
    sound = np.zeros(_count(seconds))
    at = float(rng.exponential(1 / per_second))
    while at < seconds:
        click = rng.standard_normal(_count(length * 4)) * _decay(_count(length * 4), length)
        _add(sound, at, click * rng.uniform(0.3, 1))
        at += float(rng.exponential(1 / per_second)) + 0.005
    return high_passed(sound, corner_hz)


def _wander(rng: Rng, seconds: float, hz: float) -> Samples:
    points = max(4, int(seconds * hz * 2))
    curve: Samples = np.interp(np.linspace(0, points - 1, _count(seconds)), np.arange(points), rng.random(points))
    return curve


def _decay(count: int, seconds: float) -> Samples:
    fall: Samples = np.exp(-np.arange(count) / RATE / seconds)
    return fall


def _attack(count: int, seconds: float) -> Samples:
    return np.minimum(1.0, np.arange(count) / (seconds * RATE))


def _release(count: int, seconds: float) -> Samples:
    return _attack(count, seconds)[::-1]


def _add(sound: Samples, at_seconds: float, piece: npt.NDArray[np.float64]) -> None:
    start = _count(at_seconds)
    room = len(sound) - start
    if room > 0:
        sound[start : start + len(piece)] += piece[:room]


def _convolved(sound: Samples, response: Samples) -> Samples:
    size = 1 << (len(sound) + len(response)).bit_length()
    product: Samples = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return product[: len(sound) + len(response) - 1]


def _low_passed(sound: Samples, corner_hz: float) -> Samples:
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    shaped: Samples = np.fft.irfft(np.fft.rfft(sound) / (1 + (hz / corner_hz) ** 6), len(sound))
    return shaped


def _all_pole(excitation: Samples, coefficients: Samples) -> Samples:
    order = len(coefficients)
    memory = [0.0] * order
    out = []
    taps = coefficients.tolist()
    for value in excitation.tolist():
        value += sum(tap * past for tap, past in zip(taps, memory, strict=True))
        value = min(max(value, -4.0), 4.0)
        memory.insert(0, value)
        memory.pop()
        out.append(value)
    return np.array(out)
