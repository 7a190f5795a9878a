"""Between the wires and the core: messages become events, commands become messages. Pure, and never a decision.

What a message means for the call is `call.machine`'s business; what its bytes look like is `twilio`'s and `realtime`'s.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import pybase64

from agentlocator.audio.frames import Framer
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.realtime import errors
from agentlocator.realtime import messages as realtime
from agentlocator.realtime.session import check_echo
from agentlocator.twilio import messages as twilio


class CarrierTranslator:
    """One media stream. Frames of a size that is not 20 ms are cut anew, so that the core hears 160 bytes each."""

    def __init__(self, stream_sid: str) -> None:
        self.stream_sid = stream_sid
        self.odd_frames = 0
        self._framer = Framer()

    def events(self, message: twilio.Message) -> list[on.Event]:
        """What a message tells the core; nothing for what it need not know. Raises twilio's RemoteProtocolError."""
        match message:
            case twilio.Media():
                return self._audio(twilio.decode(message.payload))
            case twilio.Mark():
                return [on.MarkEchoed(message.name)]
            case twilio.Dtmf():
                return [on.DigitPressed(message.digit)]
            case twilio.Stop():
                return [on.CallerHungUp("stop")]
            case _:
                return []

    def text(self, command: do.Command) -> str | None:
        """The message that carries a command out, or None when it is not the carrier's."""
        match command:
            case do.PlayFrame():
                return twilio.media(self.stream_sid, pybase64.b64encode_as_string(command.audio))
            case do.SendMark():
                return twilio.mark(self.stream_sid, command.name)
            case do.ClearPlayout():
                return twilio.clear(self.stream_sid)
            case _:
                return None

    def _audio(self, audio: bytes) -> list[on.Event]:
        if len(audio) == 160 and not self._framer.held_bytes:
            return [on.CallerAudio(audio)]
        self.odd_frames += 1
        self._framer.append(audio)
        frames: list[on.Event] = []
        while (frame := self._framer.pop()) is not None:
            frames.append(on.CallerAudio(frame))
        return frames


class ModelTranslator:
    """One Realtime connection. `session` is what we ask for; its instructions are repeated with every cue."""

    def __init__(self, session: dict[str, Any]) -> None:
        self._session = session

    def events(self, message: realtime.ServerEvent) -> list[on.Event]:
        """What a server event tells the core. Raises realtime's RemoteProtocolError for audio that is not base64."""
        match message:
            case realtime.AudioDelta():
                audio = realtime.decode(message.delta)
                return [on.AssistantAudioProduced(message.response_id, message.item_id, audio, message.content_index)]
            case realtime.SpokenDelta():
                return [on.AssistantTextProduced(message.response_id, message.item_id, message.delta)]
            case realtime.AudioDone():
                return [on.AssistantAudioFinished(message.item_id)]
            case realtime.SpeechStarted():
                return [on.CallerSpeechStarted(message.item_id)]
            case realtime.SpeechStopped():
                return [on.CallerSpeechStopped(message.item_id)]
            case realtime.InputCommitted():
                return [on.CallerTurnCommitted(message.item_id)]
            case realtime.CallerTranscribed():
                return [on.CallerTranscribed(message.item_id, message.transcript)]
            case realtime.ResponseCreated():
                return [on.ResponseStarted(message.response.id)]
            case realtime.OutputItemDone() if message.is_tool_call:
                item = message.item
                return [
                    on.ToolRequested(message.response_id, item.call_id or "", item.name or "", item.arguments or "")
                ]
            case realtime.ResponseDone():
                return [_finished(message.response)]
            case realtime.SessionCreated():
                return [on.ModelConnected()]
            case realtime.SessionUpdated():
                return [self._confirmed(message.session)]
            case realtime.ErrorReported():
                return [_errored(message.error)]
            case _:
                return []

    def text(self, command: do.Command) -> str | None:
        """The client event that carries a command out, or None when it is not the model's."""
        match command:
            case do.AppendAudio():
                return realtime.append(pybase64.b64encode_as_string(command.audio))
            case do.ConfigureSession():
                return realtime.update_session(self._session, event_id=command.event_id)
            case do.AddMessage():
                role = cast(Literal["user", "assistant", "system"], command.role)
                return realtime.create_message(role, command.text)
            case do.AddToolCall():
                return realtime.create_function_call(command.tool_call_id, command.name, command.arguments)
            case do.AddToolOutput():
                return realtime.create_function_call_output(command.tool_call_id, command.output)
            case do.RequestResponse():
                return realtime.create_response(command.event_id, instructions=self._directed(command.cue))
            case do.CancelResponse():
                return realtime.cancel_response(command.response_id)
            case do.TruncateItem():
                return realtime.truncate(command.item_id, command.audio_end_ms, content_index=command.content_index)
            case _:
                return None

    def _directed(self, cue: str | None) -> str | None:
        # A response's own instructions replace the session's, which must therefore be said again.
        return None if cue is None else f"{self._session['instructions']}\n\n{cue}"

    def _confirmed(self, got: dict[str, Any]) -> on.Event:
        differences = tuple(check_echo(self._session, got))
        # With another audio format neither side would understand a word.
        usable = not any(".format " in difference for difference in differences)
        return on.SessionConfirmed(_voice(got), differences, usable)


def _finished(response: realtime.Response) -> on.Event:
    error = response.error
    code = (error.code or error.type or "") if error else ""
    return on.ResponseFinished(
        response.id,
        response.status,
        response.reason or "",
        code,
        fatal=error is not None and errors.meaning(error.code, error.type, error.message) is errors.Meaning.FATAL,
    )


def _errored(error: realtime.ErrorDetail) -> on.Event:
    return on.ModelErrored(
        error.code or error.type or "",
        error.message or "",
        error.event_id,
        fatal=errors.meaning(error.code, error.type, error.message) is errors.Meaning.FATAL,
    )


def _voice(session: dict[str, Any]) -> str:
    audio = session.get("audio")
    output = audio.get("output") if isinstance(audio, dict) else None
    voice = output.get("voice") if isinstance(output, dict) else None
    return str(voice.get("id")) if isinstance(voice, dict) else str(voice or "")
