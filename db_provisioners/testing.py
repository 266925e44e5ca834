"""The contract as tests: subclass `DatabaseProvisionerContract`, give the four fixtures, and run pytest.

    class TestMine(DatabaseProvisionerContract):
        @pytest.fixture
        async def provisioner(self): ...      # opened with `trial.HostForTests()`, closed afterwards
        @pytest.fixture
        async def template(self, provisioner): ...   # a TemplateRef of a template that was imported with it
        @pytest.fixture
        def plant(self): ...   # async: put something foreign at the physical name of a spec
        @pytest.fixture
        def planted(self): ...   # async: whether what was planted still stands untouched

Needs `tenant-api[testing]`. Names are fresh in every test; what a test makes, it deletes.
"""

from db_provisioners.suite.rules import DatabaseProvisionerContract, Plant, Planted, SpecFactory

__all__ = ["DatabaseProvisionerContract", "Plant", "Planted", "SpecFactory"]
