"""What the company can be asked for: models, recorded runs, skills."""

import os

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from softfactory.api.access import TheService, TheSettings, holder
from softfactory.config import Price
from softfactory.demos import demos
from softfactory.models.presets import PRESETS, key_variables
from softfactory.prompts import SKILLS, template

router = APIRouter(prefix="/v1", tags=["catalog"], dependencies=[Depends(holder)])


class Provider(BaseModel):
    """A provider of models: a model is named PROVIDER:NAME."""

    name: str
    has_key: bool = Field(description="whether the server has what it needs to ask it")


class DemoView(BaseModel):
    """A recorded run, to be replayed without a model."""

    name: str
    idea: str
    about: str


class Models(BaseModel):
    """What a run can be worked on with."""

    default: str = Field(description="where a request names none; empty: it must")
    providers: list[Provider]
    prices: dict[str, Price] = Field(description="known, in US dollars per million tokens")
    demos: list[DemoView]


class Skill(BaseModel):
    """What a role can do: one prompt."""

    name: str
    prompt: str = Field(description="Markdown with $variables")


class Skills(BaseModel):
    """All skills."""

    skills: list[Skill]


@router.get("/models")
async def list_models(service: TheService, settings: TheSettings) -> Models:
    """Providers, known prices, and recorded runs that need no model."""
    providers = [
        Provider(
            name=preset.name,
            has_key=not preset.needs_key or any(map(os.environ.get, key_variables(preset))),
        )
        for preset in PRESETS.values()
    ]
    model = settings.defaults.model
    return Models(
        default=model if not model.startswith("recording:") else "recording",
        providers=providers,
        prices=service.prices,
        demos=[DemoView.model_validate(vars(demo)) for demo in demos()],
    )


@router.get("/skills")
async def list_skills() -> Skills:
    """Every skill of the company, with its prompt."""
    return Skills(skills=[Skill(name=name, prompt=template(name).template) for name in SKILLS])
