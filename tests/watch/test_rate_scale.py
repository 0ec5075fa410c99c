"""The scale of learning rates on the page (its tests are in JavaScript)."""

from node_tests import run_node_test


def test_the_scale_of_rates(tmp_path, request):
    run_node_test(request.path.with_name("rate_scale.test.mjs"), tmp_path)
