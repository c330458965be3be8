# SPDX-License-Identifier: LGPL-2.1-or-later
# Namespaces without a stub have the type Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
