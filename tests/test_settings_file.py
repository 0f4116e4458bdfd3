"""The settings file: what it decides, what goes before it, and what is said when it is wrong."""

from pathlib import Path

import pytest

from softfactory.config import Budget, Price, Settings, read_settings, settings_file, settings_of
from softfactory.errors import UsageError
from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint

WHOLE = """
model = "deepseek:deepseek-chat"
base_url = "https://relay.example/v1"
budget = "200k"
price = { input = 0.5, output = 1.5 }
gates = ["prd", "plan"]
thorough = true
out = "habits"

[roles]
engineer = "openai:gpt-5"
code_reviewer = "dashscope:qwen-plus"
"""


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "softfactory.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_may_decide_everything_that_can_be_typed(tmp_path: Path) -> None:
    settings = settings_of({}, read_settings(written(tmp_path, WHOLE)))
    assert settings == Settings(
        model="deepseek:deepseek-chat",
        base_url="https://relay.example/v1",
        roles={"engineer": "openai:gpt-5", "code_reviewer": "dashscope:qwen-plus"},
        price=Price(input=0.5, output=1.5),
        budget=Budget(amount=200_000, unit="tokens"),
        gates=("prd", "plan"),
        thorough=True,
        out="habits",
    )


@pytest.mark.parametrize("budget", ["3.00", '"$3"', '"3.00"', "3"])
def test_a_budget_may_be_a_number_or_a_text(budget: str, tmp_path: Path) -> None:
    kept = read_settings(written(tmp_path, f"budget = {budget}"))
    assert settings_of({}, kept).budget == Budget(amount=3, unit="dollars")


def test_what_is_typed_goes_before_the_file_key_by_key(tmp_path: Path) -> None:
    kept = read_settings(written(tmp_path, WHOLE))
    typed = {"gates": (), "thorough": False, "budget": None, "out": "", "roles": {"engineer": "x"}}
    settings = settings_of(typed, kept)
    assert (settings.gates, settings.thorough, settings.out) == ((), False, "habits")
    assert settings.budget == Budget(amount=200_000, unit="tokens")
    assert settings.roles == {"engineer": "x", "code_reviewer": "dashscope:qwen-plus"}
    assert settings.model == "deepseek:deepseek-chat"


def test_a_model_that_is_typed_is_not_asked_at_the_files_address(tmp_path: Path) -> None:
    kept = read_settings(written(tmp_path, WHOLE))
    settings = settings_of({"model": "openai:gpt-5"}, kept)
    assert (settings.model, settings.base_url, settings.roles) == ("openai:gpt-5", "", {})
    assert settings.thorough


def test_the_folders_file_goes_before_the_users(tmp_path: Path) -> None:
    here, config = tmp_path / "here", tmp_path / "config"
    assert settings_file(here, config) is None
    own = written(config, "")
    assert settings_file(here, config) == own
    its = written(here, "")
    assert settings_file(here, config) == its


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modell = "x"', "'modell' is no key of it; model, base_url, "),
        ("unsafe_local = true", "'unsafe_local' is no key"),
        ("[roles]\nboss = 'x'", "roles.boss: Input should be 'product_manager'"),
        ("[roles]\nengineer = 7", "roles.engineer: Input should be a valid string"),
        ('budget = "much"', "budget: Value error, 'much' is none; 3.00 and 200k are"),
        ("budget = true", "budget: "),
        ("gates = ['door']", "gates.0: Input should be 'prd'"),
        ("model = x", "can't be read: Invalid value (at line 1, column 9)"),
    ],
)
def test_a_bad_file_gets_one_line_that_names_file_and_key(
    text: str, said: str, tmp_path: Path
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"settings file {str(path)!r}")
    assert said in line


@pytest.mark.slow
def test_a_run_is_made_as_the_file_says_unless_something_else_is_typed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.straight()) as endpoint:
        text = f"""
            model = "usual"
            base_url = "{endpoint.url}"
            gates = []
            roles = {{ engineer = "own" }}
            """
        path = written(tmp_path, text)
        done = terminal.run("build", calculator.IDEA, "--out", "typed")
        assert done.code == 0, done.out + done.err
    assert done.err == f"settings: {path}\n"
    assert (tmp_path / "typed" / "calc.py").exists()
    asked = dict(zip(endpoint.asked, endpoint.models, strict=True))
    assert (asked["write_code"], asked["write_prd"]) == ("own", "usual")
    with Endpoint(calculator.straight()) as endpoint:
        options = {"SOFTFACTORY_MODEL": "set", "SOFTFACTORY_BASE_URL": endpoint.url}
        done = terminal.run("build", calculator.IDEA, **options)
        assert done.code == 0, done.out + done.err
    assert set(endpoint.models) == {"set"}


@pytest.mark.slow
def test_a_bad_file_is_told_before_anything_is_started(tmp_path: Path) -> None:
    written(tmp_path / ".config" / "softfactory", "[roles]\nboss = 'x'")
    for command in (["build", "x"], ["doctor"]):
        done = Terminal(tmp_path).run(*command)
        assert done.code == 2
        assert "softfactory.toml': roles.boss: " in done.err
        assert done.err.count("\n") <= 2
    assert Terminal(tmp_path).run("runs").code == 0
