"""The range of the page's charts (its tests are in JavaScript)."""

from node_tests import run_node_test


def test_the_range_of_a_chart(tmp_path, request):
    run_node_test(request.path.with_name("chart_range.test.mjs"), tmp_path)
