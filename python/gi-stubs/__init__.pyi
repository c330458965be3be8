# SPDX-License-Identifier: LGPL-2.1-or-later
# Modules of gi without a stub have the type Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
