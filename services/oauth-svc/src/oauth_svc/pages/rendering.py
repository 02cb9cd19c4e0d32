"""Templates and texts of pages; a folder of the operator's takes the place of ours."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
DEFAULT_LANGUAGE = "en"


class Renderer:
    """Renders pages in the language that somebody prefers, of those for which there are texts."""

    def __init__(self, folder: str) -> None:
        """`folder` may have `templates/` and `texts/`; blank is none. Raises `OSError`."""
        folders = [Path(folder), _HERE] if folder else [_HERE]
        self._environment = Environment(
            loader=FileSystemLoader([each / "templates" for each in folders]),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._texts: dict[str, dict[str, Any]] = {}
        for each in reversed(folders):
            for file in sorted((each / "texts").glob("*.json")):
                text = json.loads(file.read_text(encoding="utf-8"))
                known = self._texts.get(file.stem, self._texts.get(DEFAULT_LANGUAGE, {}))
                self._texts[file.stem] = {**known, **text}

    def language(self, preferred: Sequence[str]) -> str:
        """The first of these language tags (RFC 5646) for which there are texts, or English."""
        for tag in preferred:
            if (language := tag.partition("-")[0].lower()) in self._texts:
                return language
        return DEFAULT_LANGUAGE

    def text(self, language: str) -> Mapping[str, Any]:
        """The texts of a language that `language` returned."""
        return self._texts[language]

    def page(self, name: str, language: str, **values: Any) -> str:
        """The page in HTML; values are escaped."""
        template = self._environment.get_template(f"{name}.html")
        return template.render(language=language, text=self._texts[language], **values)

    def style(self) -> str:
        """The style sheet."""
        return self._environment.get_template("style.css").render()


def accepted_languages(header: str) -> list[str]:
    """The tags of an Accept-Language header in the order in which they stand there."""
    return [part.partition(";")[0].strip() for part in header.split(",")[:20]]
