import io
import shutil
import time
import wave
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from softfactory.errors import ToolFailed, UsageError
from softfactory.tools.speech import (
    VOICES,
    AzureSpeech,
    EspeakNg,
    SilentSpeech,
    Sound,
    configured_speech,
    ssml,
    voice_for,
)

KEY = "0123456789secret"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
SSML = "{http://www.w3.org/2001/10/synthesis}"
needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="no espeak-ng on the PATH")


def seconds(sound: Sound) -> float:
    with wave.open(io.BytesIO(sound.data), "rb") as opened:
        assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
        assert len(opened.readframes(10**9)) == 2 * opened.getnframes()
        return opened.getnframes() / opened.getframerate()


async def test_azure_gets_the_headers_its_interface_asks_for_and_its_audio_comes_back(
    service: SimpleNamespace,
) -> None:
    service.body = b"ID3 audio"
    sound = await AzureSpeech(KEY, "westus", service.url + "/v1").speak("Hello", "en")
    assert sound == Sound(b"ID3 audio", ".mp3")
    assert service.path == "/v1"
    assert service.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert service.headers["Content-Type"] == "application/ssml+xml"
    assert service.headers["X-Microsoft-OutputFormat"] == "audio-24khz-48kbitrate-mono-mp3"
    assert service.headers["User-Agent"] == "softfactory"


@pytest.mark.parametrize(
    ("language", "text", "locale", "voice"),
    [
        ("zh", "你好，世界", "zh-CN", "zh-CN-XiaoxiaoNeural"),
        ("en", "Hello", "en-US", "en-US-JennyNeural"),
        ("tlh", "nuqneH", "en-US", "en-US-AvaMultilingualNeural"),
    ],
)
async def test_azure_is_sent_ssml_with_the_voice_of_the_language(
    service: SimpleNamespace, language: str, text: str, locale: str, voice: str
) -> None:
    service.body = b"audio"
    await AzureSpeech(KEY, "westus", service.url).speak(text, language)
    speak = ElementTree.fromstring(service.received)
    (spoken,) = speak
    assert (speak.tag, speak.get("version"), speak.get(LANG)) == (SSML + "speak", "1.0", locale)
    assert (spoken.tag, spoken.get("name"), spoken.get(LANG)) == (SSML + "voice", voice, locale)
    assert spoken.text == text


def test_no_character_of_a_text_can_spoil_the_ssml() -> None:
    text = "".join(map(chr, range(0x300))) + "\ud800\ufffe\U0001f600</voice>&amp;"
    spoken = ElementTree.fromstring(ssml(text, "en").encode())[0].text
    assert spoken is not None
    assert spoken.endswith("\U0001f600</voice>&amp;")
    assert "\x7f" not in spoken
    assert "\x1b" not in spoken


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("zh-Hans", "zh-CN-XiaoxiaoNeural"),
        ("zh-Hant-TW", "zh-TW-HsiaoChenNeural"),
        ("cmn", "zh-CN-XiaoxiaoNeural"),
        ("en-GB", "en-GB-SoniaNeural"),
        ("en_gb", "en-GB-SoniaNeural"),
        ("en-NZ", "en-US-JennyNeural"),
        ("no", "nb-NO-PernilleNeural"),
        ("pt", "pt-BR-FranciscaNeural"),
        ("", "en-US-JennyNeural"),
        ('"/><x', "en-US-AvaMultilingualNeural"),
    ],
)
def test_a_language_tag_picks_its_voice_by_region_and_else_by_language(
    language: str, voice: str
) -> None:
    assert voice_for(language)[1] == voice


def test_every_language_the_product_promises_has_a_voice() -> None:
    spoken = {locale.split("-")[0] for locale in VOICES}
    assert spoken >= {"zh", "en", "ja", "ko", "de", "fr", "es", "pt", "it", "ru", "hi", "ar"}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "HTTP 400 Bad Request"),
        (401, "HTTP 401 Unauthorized.*check AZURE_SPEECH_KEY.*AZURE_SPEECH_REGION"),
        (429, "HTTP 429 Too Many Requests.*quota"),
        (503, "HTTP 503 Service Unavailable"),
    ],
)
async def test_an_error_of_azure_is_told_with_status_and_reason_and_without_the_key(
    service: SimpleNamespace, status: int, told: str
) -> None:
    service.status, service.body = status, f"<p>because of {KEY}</p>".encode()
    with pytest.raises(ToolFailed, match=told) as caught:
        await AzureSpeech(KEY, "westus", service.url).speak("Hello", "en")
    assert "because of …" in str(caught.value)
    assert KEY not in str(caught.value)


async def test_an_answer_of_azure_without_sound_is_a_failed_tool(service: SimpleNamespace) -> None:
    with pytest.raises(ToolFailed, match="without any sound"):
        await AzureSpeech(KEY, "westus", service.url).speak("Hello", "en")


async def test_an_azure_that_cannot_be_reached_is_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match="Azure Speech could not be reached"):
        await AzureSpeech(KEY, "westus", "http://127.0.0.1:1").speak("Hello", "en")


def test_a_key_is_not_shown_when_the_speech_is_printed() -> None:
    assert KEY not in repr(AzureSpeech(KEY, "westus"))


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text"), [("en-GB", "Hello, world."), ("zh-Hans", "你好，世界。")]
)
async def test_espeak_ng_speaks_a_wav_that_is_as_long_as_it_says(language: str, text: str) -> None:
    sound = await EspeakNg().speak(text, language)
    assert sound.suffix == ".wav"
    assert sound.data.startswith(b"RIFF")
    assert 0.5 < seconds(sound) < 5


@needs_espeak
async def test_espeak_ng_reads_chinese_in_chinese() -> None:
    text = "你好，世界。"
    chinese, english = [await EspeakNg().speak(text, language) for language in ("zh", "en")]
    assert chinese.data != english.data


@needs_espeak
async def test_a_text_that_looks_like_an_option_is_spoken() -> None:
    assert seconds(await EspeakNg().speak("--version\x00\x1b", "en")) > 0.3


@needs_espeak
async def test_a_language_espeak_ng_does_not_know_is_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match=r"\(-v xx\) failed: .*does not exist"):
        await EspeakNg().speak("Hello", "xx-YY")


@needs_espeak
async def test_no_words_make_no_sound_and_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match="no sound"):
        await EspeakNg().speak("", "en")


async def test_an_espeak_ng_that_is_gone_is_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match="could not be started: No such file"):
        await EspeakNg("/nowhere/espeak-ng").speak("Hello", "en")


async def test_an_espeak_ng_that_hangs_is_ended(tmp_path: Path) -> None:
    hanging = program(tmp_path, "exec sleep 30")
    begun = time.monotonic()
    with pytest.raises(ToolFailed, match=r"longer than 0\.2 s"):
        await EspeakNg(hanging, seconds=0.2).speak("Hello", "en")
    assert time.monotonic() - begun < 5


async def test_the_silent_speech_is_a_wav_and_remembers_what_it_should_have_said() -> None:
    speech = SilentSpeech()
    sound = await speech.speak("Hello", "en")
    assert sound.suffix == ".wav"
    assert seconds(sound) == pytest.approx(0.1)
    assert speech.spoken == [("Hello", "en")]


def program(folder: Path, line: str) -> str:
    path = folder / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return str(path)


def test_azure_is_preferred_to_an_espeak_ng_on_the_path(tmp_path: Path) -> None:
    here = {"PATH": str(tmp_path)}
    path = program(tmp_path, "")
    azure = {"AZURE_SPEECH_KEY": KEY + "\n", "AZURE_SPEECH_REGION": "westus"}
    endpoint = {"AZURE_SPEECH_ENDPOINT": "https://voice.example/v1"}
    assert configured_speech(here) == EspeakNg(path)
    assert configured_speech(here | azure) == AzureSpeech(KEY, "westus")
    assert configured_speech(here | azure | endpoint) == AzureSpeech(
        KEY, "westus", "https://voice.example/v1"
    )


def test_without_azure_and_espeak_ng_nothing_is_spoken() -> None:
    assert configured_speech({}) is None


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("AZURE_SPEECH_KEY", "AZURE_SPEECH_REGION"),
        ("AZURE_SPEECH_REGION", "AZURE_SPEECH_KEY"),
        ("AZURE_SPEECH_ENDPOINT", "AZURE_SPEECH_KEY"),
    ],
)
def test_half_a_setting_of_azure_is_a_mistake_that_names_the_other_half(
    given: str, missing: str
) -> None:
    with pytest.raises(UsageError, match=f"{missing} is missing") as caught:
        configured_speech({given: "Secret"})
    assert "Secret" not in str(caught.value)
