"""Templates, one environment for each language."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from console_svc.pages import terms
from console_svc.pages.languages import Language, Languages
from console_svc.pages.static import StaticFiles

_PACKAGE = Path(__file__).parents[1]


class Renderer:
    """Renders `<feature>/<template>`; everything that is shown is escaped."""

    def __init__(self, languages: Languages, static: StaticFiles, app_name: str) -> None:
        self.languages = languages
        self.static = static
        self._app_name = app_name
        self._environments = {
            code: self._environment(language) for code, language in languages.by_code.items()
        }

    def render(self, language: Language, template: str, values: Mapping[str, Any]) -> str:
        """A page as text; a value that is missing raises."""
        return self._environments[language.code].get_template(template).render(values)

    def _environment(self, language: Language) -> Environment:
        made = Environment(
            loader=PrefixLoader(
                {
                    folder.parent.name: FileSystemLoader(folder)
                    for folder in _PACKAGE.glob("*/templates")
                }
            ),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
            auto_reload=False,
        )
        translations = language.translations
        made.install_gettext_callables(  # type: ignore[attr-defined]
            translations.gettext, translations.ngettext, newstyle=True
        )
        made.globals |= {
            "app_name": self._app_name,
            "static": self.static.url,
            "language": language,
            "languages": tuple(self.languages.by_code.values()),
        }
        made.filters |= {
            "moment": language.moment,
            "day": language.day,
            "day_of_month": language.day_of_month,
            "hour": language.hour,
            "number": language.number,
            "term": partial(_term, language),
            "translated": partial(_translated, language),
        }
        return made


def _term(language: Language, word: object) -> str:
    """A state or result of the API, in the language of the page."""
    given = "" if word is None else str(word)
    return language.text(terms.text_of(given)) or given


def _translated(language: Language, message: str) -> str:
    """A text of ours that a handler chose."""
    return language.text(message)
