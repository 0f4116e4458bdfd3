"""The client of OpenAI-compatible endpoints, against a server on loopback with their quirks."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from softfactory.errors import ContextExceeded, ModelRefused, ModelUnavailable, UsageError
from softfactory.models.answers import DocumentReader
from softfactory.models.openai_compatible import OpenAICompatible, Remembered
from softfactory.models.port import Request, estimated_tokens
from softfactory.models.presets import PRESETS, Chosen, preset_for
from softfactory.models.traffic import Traffic
from softfactory.state.documents import Review
from tests import calculator
from tests.models.quirky_server import QUIRKS, THOUGHT, Quirks, QuirkyServer, Trouble

SECRET = "sk-very-secret"
REQUEST = Request("write_code_review", "", [{"role": "user", "content": "Hello"}])
FORMATTED = replace(REQUEST, schema=Review.model_json_schema())
ANSWER = calculator.REJECTED.model_dump_json()


class FastClock:
    """Time that passes without waiting."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


def serving(
    quirks: Quirks | None = None, answer: Callable[[dict[str, Any]], str] = lambda _: "Hi"
) -> QuirkyServer:
    return QuirkyServer(answer, quirks or Quirks())


def asking(
    server: QuirkyServer, preset: str = "relay", clock: FastClock | None = None, **changes: Any
) -> OpenAICompatible:
    chosen = Chosen(replace(PRESETS[preset], **changes), "m", server.url, SECRET)
    return OpenAICompatible(chosen, traffic=Traffic(clock=clock or FastClock()))


def formats(server: QuirkyServer) -> list[str]:
    return [body.get("response_format", {}).get("type", "none") for body in server.asked]


async def test_text_tokens_and_the_models_name_come_back() -> None:
    with serving() as server:
        model = asking(server)
        reply = await model.reply(REQUEST)
    assert (reply.text, reply.model, reply.finish) == ("Hi", "m", "stop")
    assert (reply.input_tokens, reply.output_tokens, reply.cached_tokens) == (2, 1, 0)
    assert model.model_for("Engineer") == "m"


@pytest.mark.parametrize("preset", PRESETS)
async def test_a_document_comes_through_the_quirks_of_every_provider(preset: str) -> None:
    with serving(QUIRKS[preset], lambda _: ANSWER) as server:
        model = asking(server, preset, output_limit=4096)
        replies = [await model.reply(FORMATTED) for _ in range(2)]
        questions = len(server.asked)
        await model.reply(FORMATTED)
    assert len(server.asked) == questions + 1
    for reply in replies:
        assert DocumentReader(Review).read(reply.text) == calculator.REJECTED
        assert reply.thinking == (THOUGHT if QUIRKS[preset].thinks else "")
        assert reply.input_tokens > 0
        assert reply.output_tokens > 0


@pytest.mark.parametrize("preset", [name for name in PRESETS if name not in ("relay", "ollama")])
async def test_what_a_preset_says_is_not_refused_by_its_provider(preset: str) -> None:
    quirks = replace(QUIRKS[preset], first=())
    with serving(quirks, lambda _: ANSWER) as server:
        await asking(server, preset, output_limit=4096).reply(FORMATTED)
    assert len(server.asked) == 1


async def test_a_refused_response_format_is_lowered_step_by_step_and_remembered() -> None:
    with serving(Quirks(refuses=("response_format",))) as server:
        model = asking(server)
        await model.reply(FORMATTED)
        await model.reply(FORMATTED)
    assert formats(server) == ["json_schema", "json_object", "none", "none"]


async def test_free_text_is_asked_for_without_a_format() -> None:
    with serving() as server:
        await asking(server, "spark").reply(REQUEST)
        await asking(server, "openai").reply(REQUEST)
    assert formats(server) == ["none", "none"]
    assert "max_tokens" in server.asked[0]
    assert server.asked[1].keys() == {"messages", "model"}


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        (("max_tokens",), ["max_tokens", "max_completion_tokens"]),
        (("max_tokens", "max_completion_tokens"), ["max_tokens", "max_completion_tokens", ""]),
    ],
)
async def test_a_refused_limit_goes_by_its_other_name_or_not_at_all(
    status: int, refused: tuple[str, ...], sent: list[str]
) -> None:
    with serving(Quirks(refuses=refused, refusal_status=status)) as server:
        await asking(server, output_limit=100).reply(REQUEST)
    names = [next((key for key in body if key.startswith("max_")), "") for body in server.asked]
    assert names == sent


async def test_a_limit_that_is_too_large_is_left_out_at_once() -> None:
    with serving() as server:
        server.refuse_first("max_tokens is too large: 8192")
        await asking(server, output_limit=8192).reply(REQUEST)
    assert [body.get("max_tokens") for body in server.asked] == [8192, None]
    assert "max_completion_tokens" not in server.asked[1]


async def test_a_refused_part_of_the_extra_body_is_left_out() -> None:
    extra = {"thinking": {"type": "disabled"}, "other": 1}
    with serving(Quirks(refuses=("thinking",))) as server:
        await asking(server, extra_body=extra).reply(REQUEST)
    assert [("thinking" in body, body["other"]) for body in server.asked] == [(True, 1), (False, 1)]


async def test_what_was_learned_is_recalled_by_the_next_process() -> None:
    memory = Remembered()
    with serving(Quirks(refuses=("json_schema", "thinking"))) as server:
        first = asking(server, extra_body={"thinking": 0})
        await OpenAICompatible(first.chosen, memory, first.traffic).reply(FORMATTED)
        asked = len(server.asked)
        await OpenAICompatible(first.chosen, memory, first.traffic).reply(FORMATTED)
    assert (asked, len(server.asked)) == (3, 4)
    assert memory.known == {
        (server.url, "m"): {
            "response_format": "json_object",
            "limit_parameter": "max_tokens",
            "left_out": ("thinking",),
        }
    }


async def test_what_is_recalled_and_not_understood_is_what_the_preset_says() -> None:
    memory = Remembered()
    with serving() as server:
        await memory.remember(server.url, "m", {"response_format": "yaml", "left_out": None})
        model = asking(server)
        await OpenAICompatible(model.chosen, memory, model.traffic).reply(FORMATTED)
    assert formats(server) == ["json_schema"]


async def test_nothing_is_learned_from_a_question_that_is_refused_all_the_same() -> None:
    memory = Remembered()
    with serving() as server:
        server.refuse_always("too long: your request was response_format, max_tokens, ...")
        model = OpenAICompatible(asking(server, output_limit=9).chosen, memory)
        with pytest.raises(ContextExceeded, match="too long"):
            await model.reply(FORMATTED)
    assert memory.known == {}


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize(
    "complaint",
    [
        "This model's maximum context length is 4097 tokens. However, your messages had 4294",
        "the request exceeds the available context size, try increasing it",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Range of input length should be [1, 30720]",
        "Invalid request: Your request exceeded model token limit: 8192",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "length of prompt_tokens (163280) must be less than max_seq_len (32768).",
        "输入内容超过模型上下文长度",
    ],
)
async def test_a_question_that_is_too_long_is_refused_as_that_and_not_repeated(
    complaint: str, status: int
) -> None:
    with serving() as server:
        server.refuse_always(complaint, status)
        with pytest.raises(ContextExceeded, match=r"larger context.*resume RUN --model") as caught:
            await asking(server).reply(FORMATTED)
    assert len(server.asked) == 1
    assert complaint in str(caught.value)
    assert "check the key" not in str(caught.value)


async def test_room_for_the_answer_is_given_up_before_the_question_is_called_too_long() -> None:
    with serving() as server:
        server.refuse_first("max_tokens is too large: 4000. The maximum context length is 4096")
        assert (await asking(server, output_limit=4000).reply(REQUEST)).text == "Hi"
    assert [body.get("max_tokens") for body in server.asked] == [4000, None]


@pytest.mark.parametrize("with_200", [False, True])
async def test_a_refusal_is_not_repeated_and_never_tells_the_key(with_200: bool) -> None:
    quirks = Quirks(wrong_key=True, errors_with_200=with_200)
    with serving(quirks) as server, pytest.raises(ModelRefused) as caught:
        await asking(server).reply(REQUEST)
    assert len(server.asked) == 1
    assert "Incorrect API key provided: Bearer ***" in str(caught.value)
    assert "SOFTFACTORY_API_KEY or OPENAI_API_KEY" in str(caught.value)
    _assert_secret_is_kept(caught.value)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 501])
async def test_no_other_refusal_is_repeated(status: int) -> None:
    with serving() as server:
        server.refuse_always(f"model m does not exist, said {SECRET}", status)
        with pytest.raises(ModelRefused, match=rf"model 'm' at 127.*{status} .*does not") as caught:
            await asking(server).reply(FORMATTED)
    assert len(server.asked) == 1
    _assert_secret_is_kept(caught.value)


async def test_the_halves_of_a_key_are_kept_secret_too() -> None:
    with serving() as server:
        server.refuse_always("app secret-of-app is not allowed")
        chosen = Chosen(PRESETS["spark"], "m", server.url, "name-of-app:secret-of-app")
        with pytest.raises(ModelRefused, match=r"app \*\*\* is not") as caught:
            await OpenAICompatible(chosen).reply(REQUEST)
    assert "secret-of-app" not in str(caught.value)


@pytest.mark.parametrize("trouble", ["500", "drop", "html", "not json", "empty", "busy 200"])
async def test_passing_trouble_is_asked_again(trouble: Trouble) -> None:
    with serving(Quirks(first=(trouble,))) as server:
        reply = await asking(server).reply(REQUEST)
    assert reply.text == "Hi"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("500", "500 boom"),
        ("drop", "can't be reached"),
        ("html", "an HTML page Bad gateway"),
        ("not json", r"data: \[DONE\]"),
        ("busy 200", "AppIdQpsOverFlow"),
        ("429", "429 Rate limit reached"),
    ],
)
async def test_trouble_that_does_not_pass_is_told_with_the_way_out(
    trouble: Trouble, words: str
) -> None:
    with (
        serving(Quirks(always=trouble)) as server,
        pytest.raises(ModelUnavailable, match=rf"{words}.*6 times.*`softfactory resume RUN`"),
    ):
        await asking(server).reply(REQUEST)
    assert len(server.asked) == 6


@pytest.mark.parametrize(("trouble", "seconds"), [("429", 20), ("429 date", 120)])
async def test_a_retry_after_is_heeded(trouble: Trouble, seconds: float) -> None:
    clock = FastClock()
    with serving(Quirks(first=(trouble,))) as server:
        await asking(server, clock=clock).reply(REQUEST)
    assert clock.now() == seconds


async def test_models_of_one_endpoint_share_its_pause() -> None:
    clock = FastClock()
    with serving(Quirks(first=("429",))) as server:
        traffic = Traffic(in_flight=1, clock=clock)
        models = [OpenAICompatible(asking(server).chosen, traffic=traffic) for _ in range(3)]
        await asyncio.gather(*(model.reply(REQUEST) for model in models))
    assert clock.now() == 20
    assert server.most_at_once == 1


async def test_an_account_without_money_is_not_asked_again() -> None:
    with serving() as server:
        server.refuse_always("You exceeded your current quota", 429, code="insufficient_quota")
        with pytest.raises(ModelRefused, match="exceeded your current quota"):
            await asking(server).reply(REQUEST)
    assert len(server.asked) == 1


async def test_an_endpoint_that_is_not_there_pauses_the_run() -> None:
    chosen = Chosen(PRESETS["relay"], "m", "http://127.0.0.1:9/v1", SECRET)
    model = OpenAICompatible(chosen, traffic=Traffic(clock=FastClock()))
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9 can't be reached") as caught:
        await model.reply(REQUEST)
    _assert_secret_is_kept(caught.value)


async def test_an_endpoint_that_does_not_answer_is_given_up() -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_: dict[str, Any]) -> str:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return "late"

    with serving(answer=slow) as server:
        model = OpenAICompatible(asking(server).chosen, traffic=Traffic(attempts=1), timeout=0.1)
        with pytest.raises(ModelUnavailable, match=r"can't be reached: no answer within 0.1"):
            await model.reply(REQUEST)
        release.set()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("thinks", "answer", "thinking", "text"),
    [
        ("tag", ANSWER, THOUGHT, ANSWER),
        ("unopened", ANSWER, THOUGHT, ANSWER),
        ("reasoning", ANSWER, THOUGHT, ANSWER),
        ("reasoning_content", f"<think>More</think>{ANSWER}", f"{THOUGHT}\nMore", ANSWER),
        ("", "<think>no end", "no end", ""),
        ("", "Say <think>x</think>", "", "Say <think>x</think>"),
        ("", "````text a.md\n</think>\n````", "", "````text a.md\n</think>\n````"),
    ],
)
async def test_what_is_thought_aloud_is_kept_apart_from_the_answer(
    thinks: Any, answer: str, thinking: str, text: str
) -> None:
    with serving(Quirks(thinks=thinks), lambda _: answer) as server:
        reply = await asking(server).reply(REQUEST)
    assert (reply.thinking, reply.text) == (thinking, text)


async def test_an_answer_that_was_cut_says_so() -> None:
    with serving(Quirks(output_limit=10), lambda _: ANSWER) as server:
        reply = await asking(server).reply(REQUEST)
    assert (reply.text, reply.finish) == (ANSWER[:10], "length")


async def test_tokens_are_estimated_where_nobody_counted_them() -> None:
    with serving(Quirks(reports_usage=False, thinks="reasoning")) as server:
        reply = await asking(server).reply(REQUEST)
    assert reply.input_tokens == estimated_tokens("Hello")
    assert reply.output_tokens == estimated_tokens(THOUGHT + "Hi")


@pytest.mark.parametrize("cached", ["details", "hit"])
async def test_cached_tokens_are_counted_under_either_name(cached: Any) -> None:
    with serving(Quirks(cached=cached)) as server:
        reply = await asking(server).reply(REQUEST)
    assert reply.cached_tokens == 1


async def test_no_key_is_said_before_anything_is_sent() -> None:
    model = OpenAICompatible(preset_for("gpt-5", "", {}))
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        model.ready("a calculator")
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        await model.reply(REQUEST)


def test_a_model_may_be_asked_by_one_event_loop_after_another() -> None:
    with serving() as server:
        model = asking(server)
        for _ in range(2):
            assert asyncio.run(model.reply(REQUEST)).text == "Hi"


def test_the_key_is_not_shown() -> None:
    chosen = Chosen(PRESETS["relay"], "m", "http://127.0.0.1:9/v1", SECRET)
    assert SECRET not in repr(OpenAICompatible(chosen))


def _assert_secret_is_kept(error: BaseException | None) -> None:
    assert error is not None
    assert SECRET not in "".join(traceback.format_exception(error))
    while error is not None:
        assert SECRET not in f"{error} {error!r} {error.__dict__}"
        error = error.__context__
