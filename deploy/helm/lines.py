"""Template expressions in YAML: marks while it is data, text of the template in the end."""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

_MARK = re.compile(r"MARK(\d+)KRAM")
_WHOLE_LINE = re.compile(r"^( *)(?:- )?MARK(\d+)KRAM(?:: null)?$")
_BLOCK = re.compile(r"^( *)([\w-]+): MARK(\d+)KRAM$")


@dataclass(slots=True)
class Lines:
    """The expressions of one template."""

    expressions: list[str] = field(default_factory=list)

    def value(self, expression: str) -> str:
        """Stands for one value: `key: {{ expression }}`."""
        return self._mark(f"{{{{ {expression} }}}}")

    def block(self, expression: str) -> str:
        """Stands for the lines below a key, in YAML: `key:` and what the expression gives."""
        return self._mark(f"{{{{- toYaml ({expression}) | nindent INDENT }}}}")

    def lines(self, expression: str) -> str:
        """Stands for items of a list, or as a key without a value for fields; also for none."""
        return self._mark(f"{{{{- {expression} | nindent INDENT }}}}")

    def finished(self, content: Any) -> str:
        """The YAML of `content` with the expressions in their places."""
        text = yaml.safe_dump(content, sort_keys=False, width=1000, allow_unicode=True)
        return "".join(f"{self._line(line)}\n" for line in text.splitlines())

    def _mark(self, expression: str) -> str:
        self.expressions.append(expression)
        return f"MARK{len(self.expressions) - 1}KRAM"

    def _line(self, line: str) -> str:
        if whole := _WHOLE_LINE.match(line):
            indent, number = whole.groups()
            return indent + self._of(number, len(indent))
        if (block := _BLOCK.match(line)) and "INDENT" in self.expressions[int(block[3])]:
            indent, key, number = block.groups()
            return f"{indent}{key}: {self._of(number, len(indent) + 2)}"
        return _MARK.sub(lambda mark: self._of(mark[1], 0), line)

    def _of(self, number: str, indent: int) -> str:
        return self.expressions[int(number)].replace("INDENT", str(indent))
