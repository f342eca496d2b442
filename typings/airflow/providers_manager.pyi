from collections.abc import Mapping
from typing import Any

class ProvidersManager:
    field_behaviours: Mapping[str, Mapping[str, Any]]
    connection_form_widgets: Mapping[str, object]
