"""A table of the user's own is read, and refused in a sentence where it does not fit."""

from pathlib import Path

from node_tests import run_node_test


def test_tables_of_users_own(tmp_path):
    assert "# fail 0" in run_node_test(Path(__file__).with_name("own_table.test.mjs"), tmp_path)
