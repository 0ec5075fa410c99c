"""Progress in a log is told in whole numbers."""

from twolayer.cli import output


def test_progress_in_a_log(monkeypatch, capsys):
    seconds = iter([0.0, 5.0, 12.0, 25.0])
    monkeypatch.setattr(output.time, "perf_counter", lambda: next(seconds))
    progress = output.ProgressDisplay("rows predicted", None)
    progress.terminal = False
    progress.to(1000)
    progress.to(6053412)
    progress.to(10_000_000, 20_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "rows predicted: 6,053,412, 12 s",
        "rows predicted: 10,000,000 of 20,000,000 (50%), 25 s",
    ]
