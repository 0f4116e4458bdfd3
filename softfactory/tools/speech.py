"""Speaking a short summary aloud; without a configured voice nothing is spoken."""

import asyncio
import io
import re
import shutil
import wave
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from xml.sax.saxutils import escape

from softfactory.errors import ToolFailed, UsageError
from softfactory.tools.web import Service

SECONDS = 60
"""A summary of some sentences takes a second or two; a slow line gets its chance."""

VOICES = {
    "zh-CN": "Xiaoxiao",
    "zh-TW": "HsiaoChen",
    "zh-HK": "HiuMaan",
    "en-US": "Jenny",
    "en-GB": "Sonia",
    "en-AU": "Natasha",
    "en-CA": "Clara",
    "en-IN": "Neerja",
    "ja-JP": "Nanami",
    "ko-KR": "SunHi",
    "de-DE": "Katja",
    "de-AT": "Ingrid",
    "de-CH": "Leni",
    "fr-FR": "Denise",
    "fr-CA": "Sylvie",
    "es-ES": "Elvira",
    "es-MX": "Dalia",
    "pt-BR": "Francisca",
    "pt-PT": "Raquel",
    "it-IT": "Elsa",
    "ru-RU": "Svetlana",
    "hi-IN": "Swara",
    "ar-SA": "Zariyah",
    "ar-EG": "Salma",
    "nl-NL": "Fenna",
    "pl-PL": "Zofia",
    "tr-TR": "Emel",
    "uk-UA": "Polina",
    "vi-VN": "HoaiMy",
    "th-TH": "Premwadee",
    "id-ID": "Gadis",
    "sv-SE": "Sofie",
    "da-DK": "Christel",
    "fi-FI": "Noora",
    "nb-NO": "Pernille",
    "cs-CZ": "Vlasta",
    "el-GR": "Athina",
    "he-IL": "Hila",
    "hu-HU": "Noemi",
}
"""Azure's voices by locale; the first of a language is its usual one."""
ANY_LANGUAGE = ("en-US", "AvaMultilingual")
"""For a language outside the table: this voice recognises what it reads."""
OTHER_NAMES = {"cmn": "zh", "no": "nb"}

UNSPEAKABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters, and whatever else XML 1.0 does not allow."""


@dataclass(frozen=True)
class Sound:
    """The bytes of an audio file, and the ending its name should have."""

    data: bytes
    suffix: Literal[".mp3", ".wav"]


class Speech(Protocol):
    """Reads a text aloud."""

    @property
    def name(self) -> str:
        """Whom to credit, or to blame."""

    async def speak(self, text: str, language: str) -> Sound:
        """The text spoken in the language of a BCP 47 tag; ToolFailed if that is impossible."""


@dataclass(frozen=True)
class AzureSpeech:
    """Speaks with the neural voices of Azure.

    https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
    """

    key: str = field(repr=False)
    region: str
    endpoint: str | None = None
    """The whole address to post to, for a sovereign cloud or a resource with its own domain."""
    name: str = field(default="Azure Speech", init=False)

    async def speak(self, text: str, language: str) -> Sound:
        """An mp3 of 24 kHz; the tag's region picks the accent where the table has it."""
        check = "check AZURE_SPEECH_KEY, and that AZURE_SPEECH_REGION is the region of this key"
        advice = {401: check, 403: check, 429: "the quota is used up, or try later"}
        headers = {
            "Ocp-Apim-Subscription-Key": self.key,
            "Content-Type": "application/ssml+xml",
            "X-Microsoft-OutputFormat": "audio-24khz-48kbitrate-mono-mp3",
            "User-Agent": "softfactory",
        }
        url = f"https://{self.region}.tts.speech.microsoft.com/cognitiveservices/v1"
        service = Service(self.name, self.key, advice, SECONDS)
        body = ssml(text, language).encode()
        data = await service.ask("POST", self.endpoint or url, content=body, headers=headers)
        if not data:
            raise ToolFailed(f"{self.name} answered without any sound")
        return Sound(data, ".mp3")


@dataclass(frozen=True)
class EspeakNg:
    """Speaks with espeak-ng: a robot's voice, but on this machine and for nothing."""

    program: str = "espeak-ng"
    seconds: float = SECONDS
    name: str = field(default="eSpeak NG", init=False)

    async def speak(self, text: str, language: str) -> Sound:
        """A wav of the voice for the tag's first part."""
        primary = subtags(language)[0]
        voice = "cmn" if primary == "zh" else primary
        wav = await self._run("-v", voice, "-b", "1", "--stdin", "--stdout", text=speakable(text))
        if not wav.startswith(b"RIFF"):
            raise ToolFailed(f"{self.name} returned no sound for {text!r:.60}")
        # Into a pipe it writes lengths it cannot know yet; the rest of its 44 bytes is true.
        return Sound(mono_wav(wav[44:], int.from_bytes(wav[24:28], "little")), ".wav")

    async def _run(self, *arguments: str, text: str) -> bytes:
        """What the program writes, or ToolFailed with its complaint."""
        try:
            process = await asyncio.create_subprocess_exec(
                self.program, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
        except OSError as error:
            raise ToolFailed(f"{self.program!r} could not be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(self.seconds):
                output, complaint = await process.communicate(text.encode())
        except TimeoutError as error:
            raise ToolFailed(f"{self.name} took longer than {self.seconds:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            told = complaint.decode(errors="replace").strip()
            raise ToolFailed(f"{self.name} ({' '.join(arguments[:2])}) failed: {told:.200}")
        return output


@dataclass(frozen=True)
class SilentSpeech:
    """Says nothing for a tenth of a second, and remembers what it should have said."""

    spoken: list[tuple[str, str]] = field(default_factory=list)
    """Texts and their languages."""
    name: str = field(default="silent", init=False)

    async def speak(self, text: str, language: str) -> Sound:
        """A short silence that every player can open."""
        self.spoken.append((text, language))
        return Sound(mono_wav(bytes(1600), 8000), ".wav")


def subtags(language: str) -> list[str]:
    """The parts of a BCP 47 tag in lower case, the language first; English for an empty one."""
    first, *rest = re.findall(r"[a-z0-9]+", language.lower()) or ["en"]
    return [OTHER_NAMES.get(first, first), *rest]


def voice_for(language: str) -> tuple[str, str]:
    """Azure's locale and voice for a BCP 47 tag: by its region, else by its language, else any."""
    primary, *rest = subtags(language)
    spoken = [locale for locale in VOICES if locale.split("-")[0] == primary]
    regional = [locale for locale in spoken if locale.split("-")[1].lower() in rest]
    locale, voice = [*((found, VOICES[found]) for found in regional + spoken), ANY_LANGUAGE][0]
    return locale, f"{locale}-{voice}Neural"


def speakable(text: str) -> str:
    """The text without characters that nobody can say and XML does not allow."""
    return UNSPEAKABLE.sub("", text)


def ssml(text: str, language: str) -> str:
    """The text as a document of the Speech Synthesis Markup Language 1.0, with its voice."""
    locale, voice = voice_for(language)
    return (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" '
        f'xml:lang="{locale}"><voice xml:lang="{locale}" name="{voice}">'
        f"{escape(speakable(text))}</voice></speak>"
    )


def mono_wav(samples: bytes, rate: int) -> bytes:
    """16-bit samples of one channel, `rate` a second, as a wav file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    return file.getvalue()


def configured_speech(environment: Mapping[str, str]) -> Speech | None:
    """Azure if its variables are set, else an espeak-ng on the PATH, else None.

    A setting of Azure that is incomplete is a UsageError naming what is missing.
    """
    names = ("AZURE_SPEECH_KEY", "AZURE_SPEECH_REGION", "AZURE_SPEECH_ENDPOINT")
    key, region, endpoint = (environment.get(name, "").strip() for name in names)
    if key and (region or endpoint):
        return AzureSpeech(key, region, endpoint or None)
    if key:
        raise UsageError("AZURE_SPEECH_KEY is set, but AZURE_SPEECH_REGION is missing")
    if region or endpoint:
        raise UsageError("Azure Speech is configured, but AZURE_SPEECH_KEY is missing")
    program = shutil.which("espeak-ng", path=environment.get("PATH", ""))
    return EspeakNg(program) if program else None
