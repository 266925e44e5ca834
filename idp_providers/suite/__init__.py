"""The parts of the contract test suite; `idp_providers.testing` puts them together.

pytest shows the values of a failed assertion only in modules that it was told of before they are imported.
"""

from pkgutil import iter_modules

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
