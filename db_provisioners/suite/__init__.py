"""The contract test suite itself; `db_provisioners.testing` is its public face.

pytest shows the values of a failed assertion only in modules that it was told of before they are imported.
"""

import pytest

pytest.register_assert_rewrite("db_provisioners.suite.rules")
