"""Pictures of matrices are pooled so that nothing large is lost."""

from pathlib import Path

from node_tests import run_node_test


def test_pooled_pictures(tmp_path):
    assert "# fail 0" in run_node_test(Path(__file__).with_name("frame.test.mjs"), tmp_path)
