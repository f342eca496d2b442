from collections.abc import Mapping
from typing import Any

class _Hook:
    hook_name: str

class ProvidersManager:
    hooks: Mapping[str, _Hook]
    field_behaviours: Mapping[str, Mapping[str, Any]]
    connection_form_widgets: Mapping[str, object]
