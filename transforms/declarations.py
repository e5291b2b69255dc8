"""YAML that declares things, shipped with the program or written by an office.

What ships is read by libyaml where there is one, in a tenth of the time; a night reads some forty such texts.
"""

from collections.abc import Hashable
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_declared(text: str) -> Any:
    """What the text declares, in plain types.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(text, _LOADER)


class _OfficeLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in a block: YAML keeps the last one only, and what the first said would count for nothing without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"dòng {line}: “{key.value}” có hai lần trong một mục; hãy bỏ một, hoặc bắt đầu mục mới bằng “- ”")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_office_yaml(text: str) -> Any:
    """What a YAML text of the office declares, in plain types; None where it is blank.

    Raises:
        yaml.YAMLError: it is not YAML, or says something twice.
    """
    return yaml.load(text, _OfficeLoader)
